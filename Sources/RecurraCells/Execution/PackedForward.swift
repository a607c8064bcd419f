import RecurraTensor

/// The time loops of cells without fused gates, on packed products, forward; idle threads are given rows.
struct PackedForward {
  private let runs: [DirectionRun<Float>]
  private let schedule: Schedule
  /// The packed weights of each direction.
  private let products: [StepProducts]
  private let scratch: Scratch

  init(_ runs: [DirectionRun<Float>], _ schedule: Schedule) {
    (self.runs, self.schedule) = (runs, schedule)
    let (inputs, units) = (runs[0].inputs, runs[0].units)
    products = directions(runs).map { $0.packed.products(runs[0].cell, $0, inputs: inputs, units: units) }
    scratch = PackedMultiplier.scratch(rows: runs.lazy.map(\.layout.batch).max() ?? 0, outputs: runs[0].outputs)
  }

  /// Runs the time loops of all directions; `output` is [B][T][width].
  func run(to output: UnsafeMutablePointer<Float>?, width: Int) {
    let all = runs.reduce(0) { $0 + $1.layout.batch }
    schedule.share(runs.count * schedule.rowBlocks, rows: all, lasting: schedule.nanoseconds) { index, sharing in
      let run = runs[index % runs.count]
      let rows = run.rows(block: index / runs.count, of: schedule.rowBlocks, byTimesteps: true)
      let sharing = RowSharing(sharing: sharing, layout: run.layout, rowNanoseconds: schedule.rowNanoseconds)
      let target = output.map { $0 + run.place * run.outputs }
      sharing.run(0..<run.layout.steps, rows) { steps, rows in
        scratch.lend { scratch in
          let multiplier = PackedMultiplier(run, products[run.place], nil, scratch)
          return TimeLoop.forward(run, steps, rows: rows, by: multiplier) { step, active in
            if let target { run.writeOutput(step, active, to: target, width: width) }
            return !sharing.isDue(rows, left: (step + 1)..<steps.upperBound)
          }
        }
      }
    }
  }
}
