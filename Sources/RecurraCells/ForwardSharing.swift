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
    Streams.runTogether(
      members, saving: plan.sharingSaves * runs[0].layout.steps * runs.count
    ) { rank, size, barrier in
      scratch.lend { scratch in
        let shares = (0..<size).map { (panels * $0 / size)..<(panels * ($0 + 1) / size) }
        var isTogether = size > 1
        for (index, run) in runs.enumerated() {
          var step = 0
          if isTogether {
            if isSingleRow {
              let parts = shares.map { kernels.units(of: $0).clamped(to: 0..<units) }
              let member = RowExchange.Member(exchanges[index], rank, parts: parts)
              let own = multiplier(
                index, Share(panels: shares[rank], scratch: scratch, rank: rank, company: .exchange(member)))
              step = exchangeRows(run, member, isFirst: rank == 0, by: own, &isTogether)
            } else {
              let rendezvous = Rendezvous(barrier, rank)
              let own = multiplier(
                index, Share(panels: shares[rank], scratch: scratch, rank: rank, company: .rendezvous(rendezvous)))
              step = TimeLoop.forward(run, rows: 0..<run.layout.batch, by: own) { _, _ in
                isTogether = rendezvous.arrive()
                return isTogether
              }
              rendezvous.awaitOthers()
            }
          }
          if isTogether { continue }
          if rank > 0 { return }
          // The input's product of the steps that are left is for all units again.
          let alone = multiplier(index, Share(panels: 0..<panels, scratch: scratch, firstStep: step))
          TimeLoop.forward(run, from: step, rows: 0..<run.layout.batch, by: alone) { _, _ in true }
        }
      }
    }
  }

  /// Runs a single row as one of the members that make it; returns the step that comes next, whose h the first has then put into the run, and
  /// leaves behind whether the members stay together.
  private func exchangeRows(
    _ run: DirectionRun<Float>, _ member: RowExchange.Member, isFirst: Bool, by multiplier: PackedMultiplier,
    _ isTogether: inout Bool
  ) -> Int {
    member.row(0).update(from: run.hidden(0)[0], count: run.units)
    var goesOn = true
    let step = TimeLoop.forward(run, rows: 0..<1, by: multiplier) { step, _ in
      goesOn = member.handOver(step + 1)
      return goesOn
    }
    isTogether = goesOn
    if isFirst, step > 0 {
      member.awaitRest(step)
      run.hidden(step)[0].update(from: member.row(step), count: run.units)
    }
    return step
  }
}

extension RecurraCellKernels {
  /// The units of some forward panels, as if the last were full.
  fileprivate func units(of panels: Range<Int>) -> Range<Int> {
    (panels.lowerBound * panelUnits)..<(panels.upperBound * panelUnits)
  }
}
