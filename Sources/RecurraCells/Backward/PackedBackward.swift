internal import CRecurraKernels
import RecurraTensor

/// The way back through all directions on packed kernels: the time loops, and the products over all timesteps.
struct PackedBackward {
  private let runs: [DirectionRun<Float>]
  private let gradients: [GradientRun<Float>]
  private let kernels: RecurraCellKernels
  private let schedule: Schedule
  /// Uᵀ of each direction.
  private let packed: [Tensor]
  private let panels: Range<Int>
  private let scratch: Scratch?
  private let products: PackedGradients
  private let rowNanoseconds: Int
  /// Threads of this call: the number may change meanwhile.
  private let threads: Int

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
    _ runs: [DirectionRun<Float>], _ gradients: [GradientRun<Float>], _ kernels: RecurraCellKernels,
    _ schedule: Schedule, _ distinct: DistinctRows?, needsInput: Bool
  ) {
    (self.runs, self.gradients, self.kernels, self.schedule) = (runs, gradients, kernels, schedule)
    threads = Threads.count
    let (inputs, units, slots) = (runs[0].inputs, runs[0].units, runs[0].slots)
    if schedule.teamSize > 1, runs[0].layout.order == nil {
      division = .units
    } else {
      division = runs.count >= threads ? .runs : .rows
    }
    let layouts = PackedWeights.packed(
      needsInput ? [.backward, .input] : [.backward], of: directions(runs), kernels, inputs: inputs, units: units)
    packed = layouts[0]
    panels = 0..<kernels.backwardPanels(units)
    scratch = Scratch.of(kernels, rows: runs.lazy.map(\.layout.batch).max() ?? 0)
    products = PackedGradients(
      runs, kernels, distinct, inputWeights: layouts.count > 1 ? layouts[1] : nil, threads: threads,
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
      loop(part.run, panels) { multiplier in
        TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier) { left in !sharing.isDue(rows, left: left) }
      }
    }
  }

  /// Goes back through some steps of a run as a team that shares the units of every step. Once a rank has come late
  /// they part, and rank 0 does the steps that are left alone.
  private func shareUnits(_ part: PackedGradients.Part) {
    let run = runs[part.run]
    let rows = 0..<run.layout.batch
    let lateness = Threads.runTeam(
      schedule.teamSize, saving: schedule.stepSaving * part.steps.count, lateAfter: schedule.lateAfter(rows: rows.count)
    ) { rank in
      let share = (panels.count * rank.rank / rank.size)..<(panels.count * (rank.rank + 1) / rank.size)
      let left = loop(part.run, share) { multiplier in
        TimeLoop.backward(run, steps: part.steps, rows: rows, by: multiplier) { _ in rank.meet() }
      }
      if let left, rank.rank == 0 {
        _ = loop(part.run, panels) { TimeLoop.backward(run, steps: left, rows: rows, by: $0) { _ in true } }
      }
    }
    BarrierCost.note(lateness: lateness)
  }

  private func loop<Result>(_ index: Int, _ share: Range<Int>, _ body: (PackedMultiplier) -> Result) -> Result {
    scratch.lend { scratch in
      body(
        PackedMultiplier(
          runs[index], kernels: kernels, packed: packed[runs[index].place], panels: share, gradients: gradients[index],
          scratch: scratch))
    }
  }
}
