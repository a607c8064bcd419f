internal import CRecurraKernels
import RecurraTensor

/// What a thread does of the steps of a run: all panels, or those of a rank of a team.
struct Share {
  let panels: Range<Int>
  /// Scratch of the thread's own.
  let scratch: UnsafeMutablePointer<Float>?
  var rank = 0
  /// How it meets the ranks that make the other panels.
  var meeting: FusedMultiplier.Meeting?
  /// The step it begins with.
  var firstStep = 0
}

/// The time loops of all directions on packed kernels, forward.
struct FusedForward {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  private let schedule: Schedule
  private let output: UnsafeMutablePointer<Float>?
  private let width: Int
  private let units: Int
  private let panels: Range<Int>
  /// The weights of each direction.
  private let packed: [Tensor]
  /// Room for the input's product of a stretch of timesteps of each run; nil where it stays in the loop.
  private let ahead: [Buffer<Float>?]
  private let scratch: Scratch?

  init(
    _ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ schedule: Schedule,
    output: UnsafeMutablePointer<Float>?, width: Int
  ) {
    (self.runs, self.kernels, self.schedule, self.output, self.width) = (runs, kernels, schedule, output, width)
    units = runs[0].units
    panels = 0..<kernels.forwardPanels(units)
    packed =
      PackedWeights.packed(
        [.forward], of: directions(runs), kernels, inputs: runs[0].inputs, units: units)[0]
    ahead = runs.map { run in
      // Products of several timesteps need them side by side.
      let isSideBySide =
        !run.isTraining && !run.laysInput && run.lookup == nil && run.layout.lengths.last == run.layout.steps
      guard schedule.stepsAhead > 0, isSideBySide else { return nil }
      // A part for each rank, which would else take lines from each other.
      return Buffer(schedule.teamSize * schedule.stepsAhead * run.layout.batch, run.slots)
    }
    let batch = runs.lazy.map(\.layout.batch).max() ?? 0
    scratch = Scratch.of(
      kernels, rows: schedule.stepsAhead > 0 ? max(Tuning.standard.productRows, schedule.stepsAhead) : batch)
  }

  func run() {
    if runs[0].isTraining {
      if schedule.stepsAhead > 0, runs[0].lookup == nil { project() }
      for run in runs { run.clearEndedRows() }
    }
    if schedule.teamSize > 1, runs[0].layout.order == nil { shareUnits() } else { shareRows() }
  }

  private func multiplier(_ index: Int, _ share: Share) -> FusedMultiplier {
    let run = runs[index]
    let rows = output.flatMap { output in
      run.layout.order == nil ? FusedMultiplier.OutputRows(base: output + run.place * units, width: width) : nil
    }
    let hoist = ahead[index].map { buffer in
      FusedMultiplier.Hoist(
        rows: buffer.rows.from(share.rank * schedule.stepsAhead * run.layout.batch), stretch: schedule.stepsAhead,
        first: share.firstStep)
    }
    return FusedMultiplier(
      run, kernels: kernels, packed: packed[run.place], panels: share.panels, hoist: hoist, output: rows,
      scratch: share.scratch, meeting: share.meeting)
  }

  /// Runs every direction of every block of rows on a thread, which gives rows to those that are idle.
  private func shareRows() {
    let all = runs.reduce(0) { $0 + $1.layout.batch }
    schedule.share(runs.count * schedule.rowBlocks, rows: all, lasting: schedule.nanoseconds) { index, sharing in
      let (place, run) = (index % runs.count, runs[index % runs.count])
      let rows = run.rows(block: index / runs.count, of: schedule.rowBlocks, byTimesteps: true)
      let sharing = RowSharing(sharing: sharing, layout: run.layout, rowNanoseconds: schedule.rowNanoseconds)
      sharing.run(0..<run.layout.steps, rows) { steps, rows in
        scratch.lend { scratch in
          let multiplier = multiplier(place, Share(panels: panels, scratch: scratch))
          guard run.layout.order != nil, let output else {
            return TimeLoop.forward(run, steps, rows: rows, by: multiplier, sharing)
          }
          return TimeLoop.forward(run, steps, rows: rows, by: multiplier) { step, active in
            run.writeOutput(step, active, to: output + run.place * units, width: width)
            return !sharing.isDue(rows, left: (step + 1)..<steps.upperBound)
          }
        }
      }
    }
  }

  /// Runs one direction after the other on a team that shares the units of every step, panel by panel.
  ///
  /// Once a rank has come late the others part, and rank 0 does the steps that are left alone, to the same bits.
  private func shareUnits() {
    // In training every h is kept where all can read it.
    let isSingleRow = runs[0].layout.batch == 1 && !runs[0].isTraining
    // No part may be empty: ranks learn from each other's parts that they go on.
    let ranks = min(schedule.teamSize, panels.count)
    let lateAfter = schedule.lateAfter(rows: runs[0].layout.batch)
    let gathers = isSingleRow ? runs.map { _ in RowGather(ranks: ranks, count: units, lateAfter: lateAfter) } : []
    let saving = schedule.stepSaving * runs[0].layout.steps * runs.count
    let lateness = Threads.runTeam(ranks, saving: saving, lateAfter: lateAfter) { rank in
      scratch.lend { scratch in
        var isTogether = rank.size > 1
        for (index, run) in runs.enumerated() {
          var step = 0
          if isTogether {
            let own = PanelShare(panels, rank, scratch)
            step =
              isSingleRow
              ? gatherRows(index, gathers[index], own, &isTogether) : meetAfterSteps(index, own, &isTogether)
          }
          if isTogether { continue }
          if rank.rank > 0 { return }
          // The input's product of the steps that are left is for all units again.
          let alone = multiplier(index, Share(panels: panels, scratch: scratch, firstStep: step))
          TimeLoop.forward(run, from: step, rows: 0..<run.layout.batch, by: alone)
        }
      }
    }
    BarrierCost.note(lateness: gathers.reduce(lateness) { max($0, $1.lateness) })
  }

  /// The panels of a rank.
  private struct PanelShare {
    let rank: TeamRank
    let scratch: UnsafeMutablePointer<Float>?
    /// The first panel of each rank, and the end of all.
    let bounds: [Int]

    init(_ panels: Range<Int>, _ rank: TeamRank, _ scratch: UnsafeMutablePointer<Float>?) {
      (self.rank, self.scratch) = (rank, scratch)
      bounds = (0...rank.size).map { panels.count * $0 / rank.size }
    }

    func share(_ meeting: FusedMultiplier.Meeting) -> Share {
      Share(panels: bounds[rank.rank]..<bounds[rank.rank + 1], scratch: scratch, rank: rank.rank, meeting: meeting)
    }
  }

  /// Runs some rows as a rank; returns the step that comes next, and leaves behind whether the ranks stay together.
  private func meetAfterSteps(_ index: Int, _ own: PanelShare, _ isTogether: inout Bool) -> Int {
    let (run, rank) = (runs[index], own.rank)
    let multiplier = multiplier(index, own.share(.barrier(rank)))
    var goesOn = true
    let left = TimeLoop.forward(run, 0..<run.layout.steps, rows: 0..<run.layout.batch, by: multiplier) { _, _ in
      goesOn = rank.arrive()
      return goesOn
    }
    rank.awaitOthers()
    isTogether = goesOn
    return left?.lowerBound ?? run.layout.steps
  }

  /// Runs a single row as a rank; returns the step that comes next, whose h rank 0 has then put into the run, and
  /// leaves behind whether the ranks stay together.
  private func gatherRows(_ index: Int, _ gather: RowGather, _ own: PanelShare, _ isTogether: inout Bool) -> Int {
    let run = runs[index]
    let bounds = own.bounds.map { min($0 * kernels.panelUnits, units) }
    let rank = RowGather.Rank(gather, own.rank.rank, bounds: bounds)
    let multiplier = multiplier(index, own.share(.gather(rank)))
    let (row, steps) = (rank.pointer, run.layout.steps)
    let hasMemory = run.widths.count > 1
    recurra_row(row, 0).update(from: run.hidden(0)[0], count: units)
    if hasMemory { recurra_row_memory(row, row.pointee.rank, 0).update(from: run.memory(0)[0], count: units) }
    var step = 0
    while step < steps, isTogether {
      let end = step + multiplier.forward(from: step, to: steps, 0..<1)
      isTogether = recurra_row_goes_on(row, end) != 0
      step = end
    }
    if own.rank.rank == 0, step > 0 {
      recurra_row_take_rest(row, step)
      run.hidden(step)[0].update(from: recurra_row(row, step), count: units)
      if hasMemory { recurra_row_gather_memory(row, step, run.memory(step)[0]) }
    }
    return step
  }

  /// Computes the input's product of all timesteps at once, into the gate buffers.
  private func project() {
    let stretch = Tuning.standard.productRows
    let most = runs.lazy.map { ($0.layout.productRows + stretch - 1) / stretch }.max() ?? 0
    let rows = runs.reduce(0) { $0 + $1.layout.productRows }
    let lasting = Estimate().nanoseconds(multiplications: runs[0].inputs * runs[0].slots * rows)
    Threads.run(runs.count * most, lasting: lasting) { index in
      let run = runs[index % runs.count]
      let first = index / runs.count * stretch
      if first < run.layout.productRows {
        FusedMultiplier.project(
          run, kernels, packed[run.place], rows: first..<min(first + stretch, run.layout.productRows), in: scratch)
      }
    }
    for run in runs { run.isProjected = true }
  }
}
