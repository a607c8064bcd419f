internal import CRecurraKernels
import RecurraTensor

/// One call of a recurrent layer: forward, and the record for going back.
struct RecurrentCall: Sendable {
  let cell: any RecurrentCell
  let directions: [RecurrentDirection]
  let input: Tensor
  let lengths: [Int]?
  let returnsSequences: Bool
  let padding: PaddedOutput
  let keepsTrace: Bool

  func run<S: FloatingScalar>(_ type: S.Type) -> RecurrentOutput {
    let isTracked = input.isTracked || directions.contains(where: \.isTracked)
    let isTraining = keepsTrace || isTracked
    let x = input.detached.contiguous
    let units = directions[0].weights.shape[1] / cell.gateCount
    let plan = Plan(
      cell: cell, dtype: S.dtype, batch: x.shape[0], timesteps: x.shape[1], inputs: x.shape[2], units: units,
      directions: directions.count, isTraining: isTraining)
    // The last direction first: the pool gives back first what it was given last, and runs are let go from the first on. So from
    // one batch to the next a direction gets the memory that its thread's caches hold.
    let runs = Array(
      directions.reversed().map {
        DirectionRun(
          cell, $0.detached, input: x, lengths: lengths, isTraining: isTraining, laysInput: plan.kernels == nil,
          of: S.self)
      }.reversed())
    let width = directions.count * units
    let sequence = returnsSequences ? Tensor(uninitialized: [x.shape[0], x.shape[1], width], dtype: S.dtype) : nil
    let target = sequence.map { $0.storage.pointer.assumingMemoryBound(to: S.self) }
    ForwardPass(runs: runs, plan: plan, output: target, width: width).run()
    if let target {
      for (index, run) in runs.enumerated() { run.fillPadding(target + index * units, width: width, padding) }
    }
    let output =
      sequence
      ?? Tensor([x.shape[0], width], of: S.self) { last in
        for (index, run) in runs.enumerated() { run.writeLastOutput(to: last + index * units, width: width) }
      }
    let states = runs.flatMap { run in
      (0..<cell.stateCount).map { index in
        Tensor([x.shape[0], units], of: S.self) { run.writeFinalState(index, to: $0, width: units) }
      }
    }
    let traces = keepsTrace ? runs.map { RecurrentTrace($0) } : []
    guard isTracked else { return RecurrentOutput(output: output, states: states, traces: traces) }
    let parents = [input] + directions.flatMap { [$0.weights] + ($0.bias.map { [$0] } ?? []) + $0.initialStates }
    let record = RecurrentRecord(call: detached, plan: plan, runs: runs, needsInput: input.isTracked)
    let outputs = [output] + states
    let node = Node(parents: parents.map(\.origin), outputCount: outputs.count) { record.gradients($0) }
    let tracked = outputs.enumerated().map { $1.with(origin: Origin(node: node, output: $0)) }
    return RecurrentOutput(output: tracked[0], states: Array(tracked.dropFirst()), traces: traces)
  }

  /// The same call without histories, for the record to hold.
  private var detached: RecurrentCall {
    RecurrentCall(
      cell: cell, directions: directions.map(\.detached), input: input.detached, lengths: lengths,
      returnsSequences: returnsSequences, padding: padding, keepsTrace: false)
  }
}

extension RecurrentDirection {
  /// Tells whether a parameter or an initial state has a history.
  fileprivate var isTracked: Bool {
    weights.isTracked || bias?.isTracked == true || initialStates.contains(where: \.isTracked)
  }

  /// The same parameters without histories, dense.
  var detached: RecurrentDirection {
    RecurrentDirection(
      weights: weights.detached.contiguous, bias: bias?.detached, initialStates: initialStates.map(\.detached),
      isReversed: isReversed, packed: packed, version: version)
  }
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
      run.isLaid = run.isTraining && (plan.hoistedSteps > 0 || plan.unitShares > 1)
      if run.isLaid { Streams.run(run.layout.steps) { run.layInput($0, 0..<run.layout.counts[$0]) } }
    }
    if let kernels = plan.kernels, let runs = runs as? [DirectionRun<Float>] {
      runPacked(runs, kernels)
      return
    }
    for run in runs where run.isTraining { run.clearEndedRows() }
    Streams.run(runs.count * plan.rowBlocks) { piece in
      let run = runs[piece % runs.count]
      loop(run, piece % runs.count, rows: plan.rows(piece / runs.count, run.layout), by: OpenBLASMultiplier(run))
    }
  }

  /// Runs one direction for some rows, and copies each step's h to the output.
  @inline(__always)
  private func loop(_ run: DirectionRun<S>, _ direction: Int, rows: Range<Int>, by multiplier: some Multiplier) {
    let target = output.map { $0 + direction * run.units }
    TimeLoop.forward(run, rows: rows, by: multiplier) { step, active in
      if let target { run.writeOutput(step, active, to: target, width: width) }
      return true
    }
  }

  private func runPacked(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels) {
    let units = runs[0].units
    let packed = PackedWeights.packed(
      [.forward], of: runs.map(\.direction), kernels, inputs: runs[0].inputs, units: units)[0]
    let target = output as? UnsafeMutablePointer<Float>
    let panels = 0..<kernels.forwardPanels(units)
    let hoists = runs.map(hoist)
    if runs[0].isTraining {
      if plan.hoistedSteps > 0 { project(runs, kernels, packed) }
      for run in runs { run.clearEndedRows() }
    }

    func multiplier(_ direction: Int, _ share: Range<Int>) -> PackedMultiplier {
      let run = runs[direction]
      let rows = target.flatMap { target in
        run.layout.order == nil ? PackedMultiplier.OutputRows(base: target + direction * units, width: width) : nil
      }
      let stretch = hoists[direction].map {
        PackedMultiplier.Hoist(rows: DirectionRun<Float>.rows($0), stretch: $0.shape[0] / run.layout.batch)
      }
      return PackedMultiplier(
        run, kernels: kernels, packed: packed[direction], panels: share, hoist: stretch, output: rows)
    }
    if plan.unitShares > 1, runs[0].layout.order == nil {
      let steps = runs[0].layout.steps
      Streams.runTogether(plan.unitShares, saving: plan.sharingSaves * steps * runs.count) { rank, size, barrier in
        let share = (panels.count * rank / size)..<(panels.count * (rank + 1) / size)
        var isTogether = true
        for (index, run) in runs.enumerated() {
          let rows = 0..<run.layout.batch
          var step = 0
          if isTogether {
            step = TimeLoop.forward(run, rows: rows, by: multiplier(index, share)) { _, _ in
              isTogether = barrier.waitUnlessHeldUp(rank)
              return isTogether
            }
          }
          if isTogether { continue }
          if rank > 0 { return }
          TimeLoop.forward(run, from: step, rows: rows, by: multiplier(index, panels)) { _, _ in true }
        }
      }
      return
    }
    Streams.run(runs.count * plan.rowBlocks) { piece in
      let (direction, run) = (piece % runs.count, runs[piece % runs.count])
      let rows = plan.rows(piece / runs.count, run.layout)
      TimeLoop.forward(run, rows: rows, by: multiplier(direction, panels)) { step, active in
        if run.layout.order != nil, let target {
          run.writeOutput(step, active, to: target + direction * units, width: width)
        }
        return true
      }
    }
  }

  /// Room for the input's product of a stretch of timesteps; nil where it stays in the loop.
  private func hoist(_ run: DirectionRun<Float>) -> Tensor? {
    guard !run.isTraining, !run.laysInput, plan.hoistedSteps > 0, run.layout.lengths.last == run.layout.steps else {
      return nil
    }
    return Tensor(uninitialized: [plan.hoistedSteps * run.layout.batch, run.slots], dtype: .float32)
  }

  /// Computes the input's product of all timesteps at once, into the gate buffers.
  private func project(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ packed: [Tensor]) {
    let stretch = 192
    let pieces = runs.map { ($0.layout.productRows + stretch - 1) / stretch }
    let most = pieces.max() ?? 0
    Streams.run(runs.count * most) { piece in
      let (direction, run) = (piece % runs.count, runs[piece % runs.count])
      let first = piece / runs.count * stretch
      if first < run.layout.productRows {
        PackedMultiplier.project(
          run, kernels, packed[direction], rows: first..<min(first + stretch, run.layout.productRows))
      }
    }
    for run in runs { run.isProjected = true }
  }
}
