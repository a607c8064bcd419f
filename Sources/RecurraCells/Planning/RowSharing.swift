import RecurraTensor

/// How a thread that goes through the timesteps of some rows gives a part of them to an idle one.
///
/// On the packed kernels rows do not depend on each other to the bit, so they may change threads between any two steps.
struct RowSharing {
  let sharing: WorkSharing
  let layout: SequenceLayout
  /// Nanoseconds that a row takes for a step, by and large.
  let rowNanoseconds: Int

  private static let leastRows = Tuning.standard.dividedRows

  /// Steps of some rows that one call of the kernels may do, so that an idle thread does not wait much longer than it
  /// takes to wake up. Those of too few rows are never divided: all steps then, which follow each other faster.
  func stride(_ rows: Range<Int>) -> Int {
    rows.count < Self.leastRows ? layout.steps : max(1, Threads.leastWork / (rowNanoseconds * rows.count))
  }

  /// Tells whether a thread is idle, and these rows have enough before them.
  @inline(__always)
  func isDue(_ rows: Range<Int>, left steps: Range<Int>) -> Bool {
    sharing.hasIdleThread && isWorthwhile(rows, steps)
  }

  private func isWorthwhile(_ rows: Range<Int>, _ steps: Range<Int>) -> Bool {
    rows.count >= Self.leastRows
      && (steps.count * rows.count * rowNanoseconds >= Threads.leastWork || Threads.ignoresCosts)
  }

  /// Runs `body` for steps of some rows until it leaves none, and divides the rows where it should: `body` does steps
  /// until that is due, and returns those that are left; nil if all is done.
  func run(
    _ steps: Range<Int>, _ rows: Range<Int>, _ body: (_ steps: Range<Int>, _ rows: Range<Int>) -> Range<Int>?
  ) {
    var left: Range<Int>? = steps
    while let steps = left {
      left = body(steps, rows)
      guard let left, isDue(rows, left: left) else { continue }
      let row = layout.middle(of: rows, in: left)
      let (own, given) = (rows.lowerBound..<row, row..<rows.upperBound)
      if sharing.divide({ run(left, own, body) }, giving: { run(left, given, body) }) {
        return
      }
    }
  }
}
