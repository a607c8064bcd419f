import RecurraTensor

/// How a thread that goes through the timesteps of some rows gives a part of them to one that has nothing left to do.
///
/// With the packed kernels rows do not depend on each other to the bit, so they may change threads between any two
/// steps.
struct Division {
  let handover: Handover
  let layout: SequenceLayout
  /// Nanoseconds that a row takes for a step, by and large.
  let rowNanoseconds: Int

  /// Rows that are worth dividing: of fewer, one thread is done hardly later than two.
  static let leastRows = 4

  /// Steps of some rows that one call of the kernels may do, so that nobody waits much longer than it takes to wake up.
  /// Those of too few rows are never divided: all steps then, which follow each other faster.
  func stride(_ rows: Range<Int>) -> Int {
    rows.count < Self.leastRows ? layout.steps : max(1, Threads.leastWork / (rowNanoseconds * rows.count))
  }

  /// Tells whether a thread waits, and these rows have enough before them.
  @inline(__always)
  func isDue(_ rows: Range<Int>, left steps: Range<Int>) -> Bool {
    handover.isAwaited && isWorthwhile(rows, steps)
  }

  private func isWorthwhile(_ rows: Range<Int>, _ steps: Range<Int>) -> Bool {
    rows.count >= Self.leastRows
      && (steps.count * rows.count * rowNanoseconds >= Threads.leastWork || Threads.insistsOnMembers)
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
      if handover.divide({ run(left, rows.lowerBound..<row, body) }, giving: { run(left, row..<rows.upperBound, body) })
      {
        return
      }
    }
  }
}
