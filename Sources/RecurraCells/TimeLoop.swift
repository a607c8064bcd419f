import RecurraTensor

/// The loop over timesteps, forward and back; it exists once, for every cell, multiplier, direction and way of dividing work.
enum TimeLoop {
  /// Runs all steps for some rows. `afterStep` is called when a step's states are there for everyone who works on these rows.
  @inline(__always)
  static func forward<S: FloatingScalar>(
    _ run: DirectionRun<S>, rows: Range<Int>, by multiplier: some Multiplier,
    afterStep: (_ step: Int, _ active: Range<Int>) -> Void
  ) {
    for step in 0..<run.layout.steps {
      let active = rows.clamped(to: 0..<run.layout.counts[step])
      if !active.isEmpty { multiplier.forward(step, active) }
      afterStep(step, active)
    }
  }

  /// Goes back through a stretch of steps for some rows, after those behind it; when the first step is done, the carries hold the
  /// gradients of the initial states.
  @inline(__always)
  static func backward<S: FloatingScalar>(
    _ run: DirectionRun<S>, steps: Range<Int>, rows: Range<Int>, by multiplier: some Multiplier, afterStep: () -> Void
  ) {
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
      afterStep()
    }
    if steps.lowerBound == 0, !steps.isEmpty { multiplier.finish(0, rows.clamped(to: 0..<counts[0])) }
  }
}
