import RecurraTensor

/// The time loops of cells without fused gates, on packed products: rows are shared between threads as one likes.
struct PackedLoops {
  private let runs: [DirectionRun<Float>]
  private let schedule: Schedule
  /// The packed weights of each direction.
  private let products: [StepProducts]
  private let scratch: Scratch

  init(_ runs: [DirectionRun<Float>], _ schedule: Schedule) {
    (self.runs, self.schedule) = (runs, schedule)
    let (inputs, units) = (runs[0].inputs, runs[0].units)
    let rows = runs.lazy.map(\.layout.batch).max() ?? 0
    products = directions(runs).map { $0.packed.products(runs[0].cell, $0, inputs: inputs, units: units) }
    scratch = Scratch.ofThreads(floats: StepProducts.scratchFloats(rows) + rows * units)
  }

  /// Runs the time loops of all directions; `output` is [B][T][width].
  func forward(to output: UnsafeMutablePointer<Float>?, width: Int) {
    loop { run, steps, rows, scratch, sharing in
      let target = output.map { $0 + run.place * run.units }
      let multiplier = PackedMultiplier(run, products[run.place], nil, scratch)
      return TimeLoop.forward(run, steps, rows: rows, by: multiplier) { step, active in
        if let target { run.writeOutput(step, active, to: target, width: width) }
        return !sharing.isDue(rows, left: (step + 1)..<steps.upperBound)
      }
    }
  }

  /// Goes back through the time loops.
  func backward(_ gradients: [GradientRun<Float>]) {
    loop { run, steps, rows, scratch, sharing in
      guard let index = runs.firstIndex(where: { $0 === run }) else { return nil }
      let multiplier = PackedMultiplier(run, products[run.place], gradients[index], scratch)
      return TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier) { left in
        !sharing.isDue(rows, left: left)
      }
    }
  }

  /// Does steps of some rows of a run until they should be divided; returns those that are left.
  private typealias Steps = (
    _ run: DirectionRun<Float>, _ steps: Range<Int>, _ rows: Range<Int>, _ scratch: UnsafeMutablePointer<Float>,
    _ sharing: RowSharing
  ) -> Range<Int>?

  private func loop(_ body: Steps) {
    let all = runs.reduce(0) { $0 + $1.layout.batch }
    schedule.share(runs.count * schedule.rowBlocks, rows: all, lasting: schedule.nanoseconds) { index, sharing in
      let run = runs[index % runs.count]
      let rows = run.rows(block: index / runs.count, of: schedule.rowBlocks, byTimesteps: true)
      let sharing = RowSharing(sharing: sharing, layout: run.layout, rowNanoseconds: schedule.rowNanoseconds)
      sharing.run(0..<run.layout.steps, rows) { steps, rows in
        scratch.lend { body(run, steps, rows, $0, sharing) }
      }
    }
  }
}
