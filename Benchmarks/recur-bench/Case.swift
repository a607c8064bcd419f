import ArgumentParser
import Recurra
import RecurraCells
import RecurraTensor

/// A recurrent layer and what is asked of it.
struct Case: CustomStringConvertible {
  /// The cells that are compared.
  enum Cell: String, CaseIterable {
    case rnn, lstm, gru, peephole, indrnn, coupled, clipped, layernorm, layernormgru, mgu, mingru, minlstm, slstm
    case projected, dropped, held
    /// An LSTM in tensor operations.
    case composed
  }

  /// Whole sequences; forward and back; or one timestep after the other.
  enum Job: String, CaseIterable, ExpressibleByArgument {
    case inference, training, step
  }

  var cell: Cell
  var isBidirectional = false
  var batch: Int
  var timesteps: Int
  var inputs: Int
  var units: Int
  var job: Job
  /// The functions of the candidate and of the gates, and where the GRU resets.
  var activation = Activation.tanh
  var recurrentActivation = Activation.sigmoid
  var resetsBefore = false
  /// Layers one above the other.
  var layers = 1
  /// The timesteps of each sequence that count; all when nil.
  var lengths: [Int]?

  /// What computes a step.
  var recurrentCell: any RecurrentCell { cell == .composed ? ComposedLSTM() : arithmetic }

  /// The gates: of a composed cell those of the cell that it is.
  var arithmetic: any GatedCell {
    switch cell {
    case .rnn: SimpleRNNCell(activation: activation)
    case .lstm, .composed: LSTMCell(activation: activation, recurrentActivation: recurrentActivation)
    case .peephole:
      LSTMCell(activation: activation, recurrentActivation: recurrentActivation, usePeepholes: true)
    case .coupled: LSTMCell(activation: activation, recurrentActivation: recurrentActivation, coupleGates: true)
    case .clipped:
      LSTMCell(activation: activation, recurrentActivation: recurrentActivation, clip: 3, memoryClip: 10)
    case .layernorm: LayerNormLSTMCell(activation: activation, recurrentActivation: recurrentActivation)
    case .layernormgru: LayerNormGRUCell(activation: activation, recurrentActivation: recurrentActivation)
    case .mgu: MGUCell(activation: activation, recurrentActivation: recurrentActivation)
    case .mingru: MinGRUCell()
    case .minlstm: MinLSTMCell()
    case .slstm: SLSTMCell()
    case .projected: LSTMCell(activation: activation, projectionUnits: max(units / 2, 1))
    case .dropped: RecurrentDropoutCell(LSTMCell(), units: units)
    case .held:
      ZoneoutCell(LSTMCell(), units: units, hidden: 0.1, memory: 0.1, memories: 1, isTraining: job == .training)
    case .indrnn: IndRNNCell(activation: activation)
    case .gru:
      GRUCell(activation: activation, recurrentActivation: recurrentActivation, resetAfter: !resetsBefore)
    }
  }

  /// The name in a table: "bilstm", "3 lstm".
  var name: String { (layers > 1 ? "\(layers) " : "") + (isBidirectional ? "bi" : "") + cell.rawValue }

  /// Says it in words: "lstm inference, 64 sequences of 50 timesteps, 60→100".
  var description: String {
    let rows = Report.count(batch, "sequence")
    return "\(name) \(job.rawValue), \(rows) of \(Report.count(timesteps, "timestep")), \(inputs)→\(units)"
  }

  /// Floating-point operations of one run: two for every weight, sequence and timestep; going back costs twice as much
  /// again.
  var flops: Double {
    let gates = Double(arithmetic.gateCount * (isBidirectional ? 2 : 1))
    let width = isBidirectional ? 2 * units : units
    let rows =
      arithmetic.weightRows(inputs: inputs, units: units)
      + (layers - 1) * arithmetic.weightRows(inputs: width, units: units)
    let forward = 2 * gates * Double(units * rows) * Double(batch * timesteps)
    return forward * (job == .training ? 3 : 1)
  }

  /// Prepares the data, and returns the work of one run.
  func prepare(returnsSequences: Bool = true) -> () -> Void {
    let random = RandomSource(seed: 1)
    let (cell, gates) = (recurrentCell, arithmetic)
    let isComposed = self.cell == .composed
    let scale = 1 / Double(units).squareRoot()
    let x = random.stream(1).normal([batch, timesteps, inputs])
    if layers > 1 { return prepareStack(x) }
    let (lengths, padding) = (lengths, PaddedOutput.zero)
    let parameters = (0..<(isBidirectional ? 2 : 1)).map { index in
      (
        weights: random.stream(2 + index).uniform(
          isComposed ? [0, units] : [gates.weightRows(inputs: inputs, units: units), gates.gateCount * units],
          in: -scale..<scale),
        bias: gates.hasSlotBias && !isComposed
          ? random.stream(4 + index).uniform(gates.biasShape(units: units), in: -scale..<scale) : nil,
        named: cell.parameters(inputs: inputs, units: units).enumerated().map {
          random.stream(6 + index + 2 * $0).uniform($1.shape, in: -scale..<scale)
        },
        packed: PackedWeights()
      )
    }
    switch job {
    case .inference:
      let directions = parameters.enumerated().map { index, parameter in
        RecurrentDirection(
          weights: parameter.weights, bias: parameter.bias, parameters: parameter.named, isReversed: index == 1,
          packed: parameter.packed)
      }
      return {
        _ = x.recurrent(
          cell, directions, lengths: lengths, returnsSequences: returnsSequences, padding: padding)
      }
    case .training:
      let width = cell.stateWidths(units: units)[0] * parameters.count
      let seed = Tensor.ones(returnsSequences ? [batch, timesteps, width] : [batch, width])
      var version = 0
      return {
        // Weights change with every training step, so packing them again is part of the work.
        version += 1
        let input = x.tracked
        let own = parameters.map { ([$0.weights, $0.bias].compactMap { $0 } + $0.named).map(\.tracked) }
        let directions = zip(own, parameters).enumerated().map { index, pair in
          RecurrentDirection(
            weights: pair.0[0], bias: pair.1.bias == nil ? nil : pair.0[1],
            parameters: Array(pair.0.suffix(pair.1.named.count)), isReversed: index == 1, packed: pair.1.packed,
            version: version)
        }
        let output = input.recurrent(
          cell, directions, lengths: lengths, returnsSequences: returnsSequences, padding: padding
        ).output
        _ = output.gradients(withRespectTo: [input] + own.joined(), seed: seed)
      }
    case .step:
      let steps = (0..<timesteps).map { x.sliced($0..<($0 + 1), axis: 1).squeezed(1).detached }
      let steppers = parameters.map {
        RecurrentStepper<Float>(
          cell,
          RecurrentDirection(weights: $0.weights, bias: $0.bias, parameters: $0.named, packed: $0.packed),
          inputs: inputs, batch: batch)
      }
      return {
        for stepper in steppers {
          stepper.reset()
          for step in steps { _ = orExit { try stepper.step(step) } }
        }
      }
    }
  }
}
