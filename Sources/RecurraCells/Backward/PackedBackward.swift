internal import CRecurraKernels
import RecurraTensor

/// The way back through all directions on packed kernels: the time loops, and the products over all timesteps.
struct PackedBackward {
  private let runs: [DirectionRun<Float>]
  private let gradients: [GradientRun<Float>]
  private let schedule: Schedule
  private let scratch: Scratch?
  private let products: PackedGradients
  private let rowNanoseconds: Int
  /// Threads of this call: the number may change meanwhile.
  private let threads: Int

  /// How a step is computed.
  private enum Step {
    /// By kernels with the gates in them: Uᵀ of each direction, and all panels.
    case fused(RecurraCellKernels, packed: [Tensor], panels: Range<Int>)
    /// By packed products and the cell's own gates, for each direction.
    case packed([StepProducts])
  }
  private let step: Step

  /// How the runs are gone through.
  private enum Division {
    /// A team shares the units of every step of one run after the other.
    case units
    /// A thread for each run, with all that follows.
    case runs
    /// Threads share the rows of the runs, and then the products.
    case rows
  }
  private let division: Division

  init(
    _ runs: [DirectionRun<Float>], _ gradients: [GradientRun<Float>], _ kernels: RecurraCellKernels?,
    _ schedule: Schedule, _ distinct: DistinctRows?, needsInput: Bool
  ) {
    (self.runs, self.gradients, self.schedule) = (runs, gradients, schedule)
    threads = Threads.count
    let (inputs, units, slots) = (runs[0].inputs, runs[0].units, runs[0].slots)
    if schedule.teamSize > 1, kernels != nil, runs[0].layout.order == nil, gradients[0].memories == nil {
      division = .units
    } else {
      division = runs.count >= threads ? .runs : .rows
    }
    let (batch, directions) = (runs.lazy.map(\.layout.batch).max() ?? 0, directions(runs))
    var layouts: [PackedWeights.Layout] = kernels == nil ? [] : [.backward]
    if needsInput { layouts.append(.input) }
    let packed = PackedWeights.packed(layouts, of: directions, kernels, inputs: inputs, units: units)
    if let kernels {
      step = .fused(kernels, packed: packed[0], panels: 0..<kernels.backwardPanels(units))
      scratch = Scratch.of(kernels, rows: batch)
    } else {
      step = .packed(directions.map { $0.packed.products(runs[0].cell, $0, inputs: inputs, units: units) })
      scratch = PackedMultiplier.scratch(rows: batch, outputs: runs[0].outputs)
    }
    products = PackedGradients(
      runs, distinct, inputWeights: needsInput ? packed[packed.count - 1] : nil, threads: threads,
      isShared: division != .runs)
    rowNanoseconds = Estimate().rowNanoseconds(weights: slots * units, slots: slots)
  }

  func run() -> SequenceGradients {
    let rows = runs.reduce(0) { $0 + $1.layout.batch }
    switch division {
    case .units:
      for part in products.parts.joined() {
        shareUnits(part)
        products.add([part])
      }
    case .runs:
      // No run waits for another, nor reads what another thread has just written. Of those that a thread took on the
      // way forward the last first: its caches still hold what it kept of them.
      schedule.share(runs.count, rows: rows, lasting: 3 * schedule.nanoseconds) { place, sharing in
        let (turn, thread) = (place / threads, place % threads)
        let index = ((runs.count - 1 - thread) / threads - turn) * threads + thread
        for part in products.parts[index] {
          goBack(part, 0..<runs[index].layout.batch, sharing)
          products.add(part, sharing)
        }
      }
    case .rows:
      for parts in products.sideBySide {
        let lasting = rowNanoseconds * parts.reduce(0) { $0 + $1.steps.count * runs[$1.run].layout.batch }
        schedule.share(parts.count * schedule.rowBlocks, rows: rows, lasting: lasting) { index, sharing in
          let part = parts[index % parts.count]
          let rows = runs[part.run].rows(block: index / parts.count, of: schedule.rowBlocks, byTimesteps: true)
          goBack(part, rows, sharing)
        }
        products.add(parts)
      }
    }
    return products.result()
  }

  /// Goes back through some steps of some rows, which idle threads may be given.
  private func goBack(_ part: PackedGradients.Part, _ rows: Range<Int>, _ sharing: WorkSharing) {
    let run = runs[part.run]
    let sharing = RowSharing(sharing: sharing, layout: run.layout, rowNanoseconds: rowNanoseconds)
    sharing.run(part.steps, rows) { steps, rows in
      switch step {
      case .fused(let kernels, let packed, let panels):
        loop(part.run, kernels, packed, panels) { multiplier in
          TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier) { left in !sharing.isDue(rows, left: left) }
        }
      case .packed(let products):
        scratch.lend { scratch in
          guard let scratch else { return nil }
          let multiplier = PackedMultiplier(run, products[run.place], gradients[part.run], scratch)
          return TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier) { left in
            !sharing.isDue(rows, left: left)
          }
        }
      }
    }
  }

  /// Goes back through some steps of a run as a team that shares the units of every step. Once a rank has come late
  /// they part, and rank 0 does the steps that are left alone.
  private func shareUnits(_ part: PackedGradients.Part) {
    guard case .fused(let kernels, let packed, let panels) = step else { return }
    let run = runs[part.run]
    let rows = 0..<run.layout.batch
    let lateness = Threads.runTeam(
      schedule.teamSize, saving: schedule.stepSaving * part.steps.count, lateAfter: schedule.lateAfter(rows: rows.count)
    ) { rank in
      let share = (panels.count * rank.rank / rank.size)..<(panels.count * (rank.rank + 1) / rank.size)
      let left = loop(part.run, kernels, packed, share) { multiplier in
        TimeLoop.backward(run, steps: part.steps, rows: rows, by: multiplier) { _ in rank.meet() }
      }
      if let left, rank.rank == 0 {
        _ = loop(part.run, kernels, packed, panels) {
          TimeLoop.backward(run, steps: left, rows: rows, by: $0) { _ in true }
        }
      }
    }
    BarrierCost.note(lateness: lateness)
  }

  private func loop<Result>(
    _ index: Int, _ kernels: RecurraCellKernels, _ packed: [Tensor], _ share: Range<Int>,
    _ body: (FusedMultiplier) -> Result
  ) -> Result {
    scratch.lend { scratch in
      body(
        FusedMultiplier(
          runs[index], kernels: kernels, packed: packed[runs[index].place], panels: share, gradients: gradients[index],
          scratch: scratch))
    }
  }
}
