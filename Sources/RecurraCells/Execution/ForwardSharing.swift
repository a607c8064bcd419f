internal import CRecurraKernels
import RecurraTensor

/// What a thread does of the steps of a run: all panels, or those of a member with some company.
struct Share {
  let panels: Range<Int>
  /// Scratch of the thread's own.
  let scratch: UnsafeMutablePointer<Float>?
  var rank = 0
  var company: PackedMultiplier.Company?
  /// The step it begins with.
  var firstStep = 0
}

extension ForwardPass {
  /// Runs one direction after the other on threads that share the units of every step, panel by panel.
  func shareUnits(
    _ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ scratch: Scratch?,
    by multiplier: (_ index: Int, _ share: Share) -> PackedMultiplier
  ) {
    let units = runs[0].units
    let panels = kernels.forwardPanels(units)
    // In training every h is kept where all can read it.
    let isSingleRow = runs[0].layout.batch == 1 && !runs[0].isTraining
    // Nobody comes away empty-handed: members learn from each other's parts that they go on.
    let members = min(plan.unitShares, panels)
    let exchanges = isSingleRow ? runs.map { _ in RowExchange(members: members, count: units) } : []
    Threads.runTogether(
      members, saving: plan.sharingSaves * runs[0].layout.steps * runs.count
    ) { rank, size, barrier in
      scratch.lend { scratch in
        let shares = (0..<size).map { (panels * $0 / size)..<(panels * ($0 + 1) / size) }
        var isTogether = size > 1
        for (index, run) in runs.enumerated() {
          var step = 0
          if isTogether {
            if isSingleRow {
              let bounds = shares.map { min($0.lowerBound * kernels.panelUnits, units) } + [units]
              let member = RowExchange.Member(exchanges[index], rank, bounds: bounds)
              let own = multiplier(
                index, Share(panels: shares[rank], scratch: scratch, rank: rank, company: .exchange(member)))
              step = exchangeRows(run, member, isFirst: rank == 0, by: own, &isTogether)
            } else {
              let rendezvous = Rendezvous(barrier, rank)
              let own = multiplier(
                index, Share(panels: shares[rank], scratch: scratch, rank: rank, company: .rendezvous(rendezvous)))
              let (steps, rows) = (run.layout.steps, 0..<run.layout.batch)
              let left = TimeLoop.forward(run, 0..<steps, rows: rows, by: own) { _, _ in
                isTogether = rendezvous.arrive()
                return isTogether
              }
              step = left?.lowerBound ?? steps
              rendezvous.awaitOthers()
            }
          }
          if isTogether { continue }
          if rank > 0 { return }
          // The input's product of the steps that are left is for all units again.
          let alone = multiplier(index, Share(panels: 0..<panels, scratch: scratch, firstStep: step))
          TimeLoop.forward(run, from: step, rows: 0..<run.layout.batch, by: alone)
        }
      }
    }
  }

  /// Runs a single row as one of the members that make it; returns the step that comes next, whose h the first has then
  /// put into the run, and leaves behind whether the members stay together.
  private func exchangeRows(
    _ run: DirectionRun<Float>, _ member: RowExchange.Member, isFirst: Bool, by multiplier: PackedMultiplier,
    _ isTogether: inout Bool
  ) -> Int {
    let (row, steps) = (member.pointer, run.layout.steps)
    let hasMemory = run.cell.stateCount > 1
    recurra_row(row, 0).update(from: run.hidden(0)[0], count: run.units)
    if hasMemory {
      recurra_row_memory(row, row.pointee.rank, 0).update(from: run.memory(0)[0], count: run.units)
    }
    var step = 0
    while step < steps, isTogether {
      let end = step + multiplier.forward(from: step, to: steps, 0..<1)
      isTogether = recurra_row_goes_on(row, end) != 0
      step = end
    }
    if isFirst, step > 0 {
      recurra_row_take_rest(row, step)
      run.hidden(step)[0].update(from: recurra_row(row, step), count: run.units)
      if hasMemory { recurra_row_gather_memory(row, step, run.memory(step)[0]) }
    }
    return step
  }
}
