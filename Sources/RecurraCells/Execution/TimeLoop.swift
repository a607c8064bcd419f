import RecurraTensor

/// The loop over timesteps, forward and back; it exists once, for every cell, multiplier, direction and way of dividing
/// work. It tells which rows run at which steps; a multiplier may go through steps with the same rows in its own way.
enum TimeLoop {
  /// Runs steps, from `first` up to `end`, for some rows; those with the same active rows in one go.
  @inline(__always)
  static func forward<S: FloatingScalar>(
    _ run: DirectionRun<S>, from first: Int = 0, to end: Int = .max, rows: Range<Int>, by multiplier: some Multiplier
  ) {
    let (counts, end) = (run.layout.counts, min(end, run.layout.steps))
    var step = first
    while step < end {
      let active = rows.clamped(to: 0..<counts[step])
      // Rows only ever leave, or only ever join.
      let next = rows.clamped(to: 0..<counts[end - 1]) == active ? end : step + 1
      if !active.isEmpty { multiplier.forward(step..<next, active) }
      step = next
    }
  }

  /// Runs steps one by one for some rows. `afterStep` is called when a step's states are there for everyone who works
  /// on these rows, and tells whether to go on. Returns the steps that are left, nil if none are.
  @inline(__always)
  @discardableResult
  static func forward<S: FloatingScalar>(
    _ run: DirectionRun<S>, _ steps: Range<Int>, rows: Range<Int>, by multiplier: some Multiplier,
    afterStep: (_ step: Int, _ active: Range<Int>) -> Bool
  ) -> Range<Int>? {
    for step in steps {
      let active = rows.clamped(to: 0..<run.layout.counts[step])
      if !active.isEmpty { multiplier.forward(step..<step + 1, active) }
      if !afterStep(step, active), step + 1 < steps.upperBound { return (step + 1)..<steps.upperBound }
    }
    return nil
  }

  /// Runs steps for some rows until they should be divided; returns those that are left, nil if none are.
  @inline(__always)
  static func forward<S: FloatingScalar>(
    _ run: DirectionRun<S>, _ steps: Range<Int>, rows: Range<Int>, by multiplier: some Multiplier, _ sharing: RowSharing
  ) -> Range<Int>? {
    let stride = sharing.stride(rows)
    var left = steps
    while !left.isEmpty, left == steps || !sharing.isDue(rows, left: left) {
      let next = min(left.lowerBound + stride, steps.upperBound)
      forward(run, from: left.lowerBound, to: next, rows: rows, by: multiplier)
      left = next..<steps.upperBound
    }
    return left.isEmpty ? nil : left
  }

  /// Goes back through a stretch of steps for some rows, after those behind it; when the first step is done, the
  /// carries hold the gradients of the initial states. `afterStep` tells whether to go on; if not, returns the steps
  /// that are left, perhaps none but what follows the first.
  @inline(__always)
  @discardableResult
  static func backward<S: FloatingScalar>(
    _ run: DirectionRun<S>, steps: Range<Int>, rows: Range<Int>, by multiplier: some Multiplier,
    afterStep: (_ left: Range<Int>) -> Bool
  ) -> Range<Int>? {
    let counts = run.layout.counts
    for step in steps.reversed() {
      let active = rows.clamped(to: 0..<counts[step])
      let next = rows.clamped(to: 0..<counts[step + 1])
      // Going back, rows of the reverse direction leave at the step they started with.
      if next.count > active.count {
        multiplier.finish(step + 1, (rows.lowerBound + active.count)..<next.upperBound)
      }
      if !active.isEmpty {
        multiplier.backward(step, active, following: active.clamped(to: 0..<counts[step + 1]))
      }
      if !afterStep(steps.lowerBound..<step) { return steps.lowerBound..<step }
    }
    if steps.lowerBound == 0 { multiplier.finish(0, rows.clamped(to: 0..<counts[0])) }
    return nil
  }
}
