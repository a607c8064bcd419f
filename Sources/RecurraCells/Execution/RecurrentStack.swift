internal import CRecurraKernels
package import RecurraTensor

/// A layer of a stack: one direction, forward in time.
package struct StackedLayer: Sendable {
  let cell: any GatedCell
  let direction: RecurrentDirection

  /// Puts a layer together; nil for a cell that is not gated.
  package init?(cell: any RecurrentCell, direction: RecurrentDirection) {
    guard case .gated(let cell) = cell.arithmetic else { return nil }
    (self.cell, self.direction) = (cell, direction)
  }
}

extension InputSource {
  /// Runs recurrent layers that feed each other over whole sequences of full length, several at the same time: while
  /// one layer is at some timesteps, the layer below is at later ones.
  ///
  /// A sequence or two leave a thread nothing to share but the units of every step, with a meeting after each; layers
  /// meet every six steps, or more. The result is the same to the bit as of one layer after the other.
  ///
  /// - Shapes: this input [B, T, I]; result [B, T, H] or [B, H] of the last layer.
  /// - Returns: nil where that would not be faster, or cannot be done: the caller then runs the layers in turn.
  package func recurrentStack(_ layers: [StackedLayer], returnsSequences: Bool) -> Tensor? {
    MultiplierChoice.withRoom { Wave(self, layers)?.run(returnsSequences: returnsSequences) }
  }
}

/// A stack on its way through time, cut into parts of some timesteps.
private struct Wave {
  private let layers: [StackedLayer]
  private let input: Tensor
  private let kernels: [RecurraCellKernels]
  private let schedules: [Schedule]
  private let wave: WaveSchedule

  init?(_ input: InputSource, _ layers: [StackedLayer]) {
    guard Threads.count > 1, layers.count > 1, input.dtype == .float32, input.shape.count == 3, !input.isTracked else {
      return nil
    }
    var (problems, kernels): ([Problem], [RecurraCellKernels]) = ([], [])
    var inputs = input.shape[2]
    for layer in layers {
      let (weights, bias) = (layer.direction.weights, layer.direction.bias)
      let units = weights.shape[1] / layer.cell.gateCount
      guard weights.dtype == .float32, !weights.isTracked, bias?.isTracked != true,
        weights.shape[0] == layer.cell.weightRows(inputs: inputs, units: units),
        case .fused(let own) = MultiplierChoice.multiplication(layer.cell, .float32)
      else { return nil }
      kernels.append(own)
      problems.append(
        Problem(layer.cell, .fused(own), batch: input.shape[0], timesteps: input.shape[1], inputs: inputs, units: units)
      )
      inputs = units
    }
    guard let wave = Planner.wave(problems, .current) else { return nil }
    (self.layers, self.kernels, self.wave) = (layers, kernels, wave)
    schedules = problems.map { Planner.schedule($0, .current) }
    self.input = input.tensor.contiguous
  }

  func run(returnsSequences: Bool) -> Tensor {
    let (batch, timesteps) = (input.shape[0], input.shape[1])
    // As long as a part takes the slowest layer.
    let lateAfter = wave.steps * (schedules.map { $0.lateAfter(rows: batch) }.max() ?? 0)
    let order = RowOrder(batch: batch, timesteps: timesteps, lengths: nil)
    var runs: [DirectionRun<Float>] = []
    var outputs: [Tensor?] = []
    for (index, layer) in layers.enumerated() {
      let run = DirectionRun(
        layer.cell, layer.direction.detached, input: .tensor(index == 0 ? input.detached : outputs[index - 1] ?? input),
        order: order, rows: 0..<batch, isTraining: false, laysInput: false, of: Float.self)
      run.layInitialStates()
      runs.append(run)
      let isGivenOut = index + 1 < layers.count || returnsSequences
      outputs.append(isGivenOut ? Tensor(uninitialized: [batch, timesteps, run.units], dtype: .float32) : nil)
    }
    let hoists = runs.indices.map { index in
      schedules[index].stepsAhead > 0 ? Buffer<Float>(wave.steps * batch, runs[index].slots) : nil
    }
    let scratches = runs.enumerated().map { index, run in
      Buffer<Float>(scratchOf: kernels[index], rows: max(batch, wave.steps))
    }
    let multipliers = runs.indices.map { index -> FusedMultiplier in
      let run = runs[index]
      let packed = PackedWeights.forward(run.direction, kernels[index], inputs: run.inputs, units: run.units)
      return FusedMultiplier(
        run, kernels: kernels[index], packed: packed, panels: 0..<kernels[index].forwardPanels(run.units),
        hoist: hoists[index].map { FusedMultiplier.Hoist(rows: $0.rows, stretch: wave.steps) },
        output: outputs[index].map {
          FusedMultiplier.OutputRows(base: DirectionRun<Float>.rows($0).base, width: run.units)
        }, scratch: scratches[index].rows.base)
    }
    let parts = (timesteps + wave.steps - 1) / wave.steps
    // At tick n, layer l does part n - l: what the layer below has done of it is there since the tick before.
    func run(_ layer: Int, _ part: Int) {
      guard (0..<parts).contains(part) else { return }
      let (first, end) = (part * wave.steps, min((part + 1) * wave.steps, timesteps))
      TimeLoop.forward(runs[layer], from: first, to: end, rows: 0..<batch, by: multipliers[layer])
    }
    // Multipliers know where these lie, no more.
    withExtendedLifetime((hoists, outputs, scratches)) {
      let lateness = Threads.runTeam(wave.ranks, saving: wave.saving, lateAfter: lateAfter) { rank in
        // Alone, layer after layer needs one layer's weights at a time.
        if rank.size == 1 { for layer in runs.indices { for part in 0..<parts { run(layer, part) } } }
        var isTogether = rank.size > 1
        for tick in 0..<(parts + runs.count - 1) where rank.size > 1 {
          if isTogether {
            for layer in stride(from: rank.rank, to: runs.count, by: rank.size) { run(layer, tick - layer) }
            isTogether = rank.meet()
          } else {
            // A rank has come late: rank 0 goes on alone.
            guard rank.rank == 0 else { return }
            for layer in runs.indices { run(layer, tick - layer) }
          }
        }
      }
      BarrierCost.note(lateness: lateness)
    }
    if let last = outputs[layers.count - 1] { return last }
    let run = runs[layers.count - 1]
    return Tensor([batch, run.units], of: Float.self) { run.writeFinalState(0, to: $0, width: run.units) }
  }
}
