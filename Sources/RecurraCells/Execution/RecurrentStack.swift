internal import CRecurraKernels
package import RecurraTensor

/// A layer of a stack: one direction, forward in time.
package struct StackedLayer: Sendable {
  let cell: any RecurrentCell
  let direction: RecurrentDirection

  /// Puts a layer together.
  package init(cell: any RecurrentCell, direction: RecurrentDirection) {
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

/// A stack on its way through time, cut into chunks of timesteps.
private struct Wave {
  private let layers: [StackedLayer]
  private let input: Tensor
  private let kernels: [RecurraCellKernels]
  private let plans: [Plan]
  private let members, chunk, chunks: Int
  /// Nanoseconds that the wave saves, by and large.
  private let saving: Int

  init?(_ input: InputSource, _ layers: [StackedLayer]) {
    let threads = min(Threads.count, layers.count)
    guard threads > 1, input.dtype == .float32, input.shape.count == 3, !input.isTracked else { return nil }
    let (batch, timesteps) = (input.shape[0], input.shape[1])
    guard batch > 0, batch < 2 * Threads.count, timesteps >= 24 else { return nil }
    var plans: [Plan] = []
    var (inputs, alone) = (input.shape[2], [Int]())
    for layer in layers {
      let units = layer.direction.weights.shape[1] / layer.cell.gateCount
      guard layer.direction.weights.dtype == .float32, !layer.direction.weights.isTracked,
        layer.direction.bias?.isTracked != true,
        layer.direction.weights.shape[0] == inputs + units
      else { return nil }
      plans.append(
        Plan(
          cell: layer.cell, kernels: Plan.kernels(layer.cell, .float32), batch: batch, timesteps: timesteps,
          inputs: inputs, units: units, directions: 1, isTraining: false))
      // The input's product runs at the speed of many rows; and the gates of a few units wait for each other.
      let weights = layer.cell.gateCount * units * (units + inputs / 4)
      alone.append(timesteps * (Plan.nanoseconds(weights: weights, rows: batch) + 150))
      inputs = units
    }
    kernels = plans.compactMap(\.kernels)
    guard kernels.count == layers.count else { return nil }
    (self.layers, self.plans, members) = (layers, plans, threads)
    // Kernels take six rows at a time, and the product of the input has a chunk's timesteps for rows; it stays in the
    // cache.
    let most = plans.map(\.hoistedSteps).filter { $0 > 0 }.min() ?? timesteps
    chunk = max(6, min(timesteps / 12, most) / 6 * 6)
    chunks = (timesteps + chunk - 1) / chunk
    // A member has every so many layers. It waits until the wave has come up to its first, and then meets others once a
    // chunk, whose states come from another's cache.
    let meeting = Plan.meetingCosts()
    let busiest = (0..<threads).map { rank in
      stride(from: rank, to: alone.count, by: threads).reduce(0) { $0 + alone[$1] }
    }
    let wave = (busiest.max() ?? 0) * (chunks + layers.count - 1) / chunks + 4 * meeting * chunks
    let inTurn = zip(plans, alone).reduce(0) { sum, layer in
      guard layer.0.unitShares > 1 else { return sum + layer.1 }
      let costs = SharingCosts(meeting: meeting, rows: batch).of(layer.0.unitShares)
      return sum + layer.1 - timesteps * max(0, layer.0.sharingSaves - costs)
    }
    saving = inTurn - wave
    guard saving > Threads.gatheringNanoseconds + inTurn / 16 || Threads.insistsOnMembers else { return nil }
    self.input = input.tensor.contiguous
  }

  func run(returnsSequences: Bool) -> Tensor {
    let (batch, timesteps) = (input.shape[0], input.shape[1])
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
      plans[index].hoistedSteps > 0 ? Buffer<Float>(chunk * batch, runs[index].slots) : nil
    }
    let scratches = runs.enumerated().map { index, run in
      Buffer<Float>(scratchOf: kernels[index], rows: max(batch, chunk))
    }
    let multipliers = runs.indices.map { index -> PackedMultiplier in
      let run = runs[index]
      let packed = PackedWeights.forward(run.direction, kernels[index], inputs: run.inputs, units: run.units)
      return PackedMultiplier(
        run, kernels: kernels[index], packed: packed, panels: 0..<kernels[index].forwardPanels(run.units),
        hoist: hoists[index].map { PackedMultiplier.Hoist(rows: $0.rows, stretch: chunk) },
        output: outputs[index].map {
          PackedMultiplier.OutputRows(base: DirectionRun<Float>.rows($0).base, width: run.units)
        }, scratch: scratches[index].rows.base)
    }
    // Chunks that each layer has done.
    let progress = runs.map { _ in Progress() }
    // Multipliers know where these lie, no more.
    withExtendedLifetime((hoists, outputs, scratches)) {
      Threads.runTogether(members, saving: saving) { rank, size, _ in
        // By ticks: at tick n, layer l does chunk n - l. Alone, layer after layer, which needs one layer's weights at a
        // time.
        for tick in 0..<(size == 1 ? 1 : chunks + runs.count - 1) {
          for layer in stride(from: rank, to: runs.count, by: size) {
            let own = size == 1 ? 0..<chunks : (tick - layer)..<(tick - layer + 1)
            for place in own.clamped(to: 0..<chunks) {
              if layer > 0 { progress[layer - 1].awaitCount(place + 1) }
              TimeLoop.forward(
                runs[layer], from: place * chunk, to: min((place + 1) * chunk, timesteps), rows: 0..<batch,
                by: multipliers[layer])
              progress[layer].set(place + 1)
            }
          }
        }
      }
    }
    if let last = outputs[layers.count - 1] { return last }
    let run = runs[layers.count - 1]
    return Tensor([batch, run.units], of: Float.self) { run.writeFinalState(0, to: $0, width: run.units) }
  }
}
