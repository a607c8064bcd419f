internal import CRecurraKernels
import RecurraTensor

/// The directions that runs belong to, by their places.
func directions<S: FloatingScalar>(_ runs: [DirectionRun<S>]) -> [RecurrentDirection] {
  var result: [RecurrentDirection] = []
  // The runs of a block come in the order of their places.
  for run in runs where run.place == result.count { result.append(run.direction) }
  return result
}

/// Runs the time loops of all directions over the engine's threads.
struct ForwardPass<S: FloatingScalar> {
  let runs: [DirectionRun<S>]
  let plan: Plan
  /// Every hidden state, [B][T][width]; nil where they are not asked for.
  let output: UnsafeMutablePointer<S>?
  let width: Int

  func run() {
    for run in runs {
      run.layInitialStates()
      run.isLaid = run.isTraining && run.laysInput && (plan.hoistedSteps > 0 || plan.unitShares > 1)
      if run.isLaid {
        let lasting = Threads.nanoseconds(copying: run.layout.productRows * run.inputs)
        Threads.run(run.layout.steps, lasting: lasting) { run.layInput($0, 0..<run.layout.counts[$0]) }
      }
    }
    if let kernels = plan.kernels, let runs = runs as? [DirectionRun<Float>] {
      runPacked(runs, kernels)
      return
    }
    for run in runs where run.isTraining { run.clearEndedRows() }
    Threads.run(runs.count * plan.rowBlocks) { piece in
      let run = runs[piece % runs.count]
      loop(run, rows: plan.rows(piece / runs.count, run.layout), by: OpenBLASMultiplier(run))
    }
  }

  /// Runs one direction for some rows, and copies each step's h to the output.
  @inline(__always)
  private func loop(_ run: DirectionRun<S>, rows: Range<Int>, by multiplier: some Multiplier) {
    let target = output.map { $0 + run.place * run.units }
    TimeLoop.forward(run, 0..<run.layout.steps, rows: rows, by: multiplier) { step, active in
      if let target { run.writeOutput(step, active, to: target, width: width) }
      return true
    }
  }

  private func runPacked(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels) {
    let units = runs[0].units
    let packed = PackedWeights.packed(
      [.forward], of: directions(runs), kernels, inputs: runs[0].inputs, units: units)[0]
    let target = output as? UnsafeMutablePointer<Float>
    let panels = 0..<kernels.forwardPanels(units)
    let hoists = runs.map(hoist)
    let rows = plan.hoistedSteps > 0 ? max(Self.stretch, plan.hoistedSteps) : runs.lazy.map(\.layout.batch).max() ?? 0
    let scratch = Scratch.of(kernels, rows: rows)
    if runs[0].isTraining {
      if plan.hoistedSteps > 0, runs[0].lookup == nil { project(runs, kernels, packed, scratch) }
      for run in runs { run.clearEndedRows() }
    }

    func multiplier(_ index: Int, _ share: Share) -> PackedMultiplier {
      let run = runs[index]
      let rows = target.flatMap { target in
        run.layout.order == nil ? PackedMultiplier.OutputRows(base: target + run.place * units, width: width) : nil
      }
      let hoist = hoists[index].map { buffer in
        let stretch = plan.hoistedSteps
        return PackedMultiplier.Hoist(
          rows: buffer.rows.from(share.rank * stretch * run.layout.batch), stretch: stretch, first: share.firstStep)
      }
      return PackedMultiplier(
        run, kernels: kernels, packed: packed[run.place], panels: share.panels, hoist: hoist,
        output: rows, scratch: share.scratch, company: share.company)
    }
    if plan.unitShares > 1, runs[0].layout.order == nil {
      shareUnits(runs, kernels, scratch, by: multiplier)
      return
    }
    let all = runs.reduce(0) { $0 + $1.layout.batch }
    plan.run(runs.count * plan.rowBlocks, rows: all, lasting: plan.lasting) { piece, handover in
      let (index, run) = (piece % runs.count, runs[piece % runs.count])
      let division = Division(handover: handover, layout: run.layout, rowNanoseconds: plan.rowNanoseconds)
      division.run(0..<run.layout.steps, plan.rows(piece / runs.count, run.layout)) { steps, rows in
        scratch.lend { scratch in
          let multiplier = multiplier(index, Share(panels: panels, scratch: scratch))
          guard run.layout.order != nil, let target else {
            return TimeLoop.forward(run, steps, rows: rows, by: multiplier, division)
          }
          return TimeLoop.forward(run, steps, rows: rows, by: multiplier) { step, active in
            run.writeOutput(step, active, to: target + run.place * units, width: width)
            return !division.isDue(rows, left: (step + 1)..<steps.upperBound)
          }
        }
      }
    }
  }

  /// Room for the input's product of a stretch of timesteps; nil where it stays in the loop.
  private func hoist(_ run: DirectionRun<Float>) -> Buffer<Float>? {
    guard plan.hoistedSteps > 0, isComputedAhead(run) else { return nil }
    // One for each member that shares units, who would else take lines from each other.
    return Buffer(plan.unitShares * plan.hoistedSteps * run.layout.batch, run.slots)
  }

  /// Tells whether all timesteps of the input lie side by side, for a product of several at a time.
  private func isComputedAhead(_ run: DirectionRun<Float>) -> Bool {
    !run.isTraining && !run.laysInput && run.lookup == nil && run.layout.lengths.last == run.layout.steps
  }

  /// Rows of the input whose product is computed in one go, at most.
  private static var stretch: Int { 192 }

  /// Computes the input's product of all timesteps at once, into the gate buffers.
  private func project(
    _ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ packed: [Tensor], _ scratch: Scratch?
  ) {
    let stretch = Self.stretch
    let pieces = runs.map { ($0.layout.productRows + stretch - 1) / stretch }
    let most = pieces.max() ?? 0
    let rows = runs.reduce(0) { $0 + $1.layout.productRows }
    let lasting = Plan.nanoseconds(multiplications: runs[0].inputs * runs[0].slots * rows)
    Threads.run(runs.count * most, lasting: lasting) { piece in
      let run = runs[piece % runs.count]
      let first = piece / runs.count * stretch
      if first < run.layout.productRows {
        PackedMultiplier.project(
          run, kernels, packed[run.place], rows: first..<min(first + stretch, run.layout.productRows),
          in: scratch)
      }
    }
    for run in runs { run.isProjected = true }
  }
}
