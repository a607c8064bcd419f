import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// One call of a recurrent layer, with numbers that look random: what every way of computing it has to agree on.
struct LayerCase: Sendable, CustomTestStringConvertible {
  var kind = NaiveCell.Kind.lstm
  var batch = 3
  var timesteps = 7
  var inputs = 4
  var units = 5
  /// For each direction, whether it is reversed.
  var reversals = [false]
  var lengths: [Int]?
  var hasBias = true
  var hasInitialStates = false
  var returnsSequences = true
  var padding = PaddedOutput.repeatsLast
  var activation = Activation.tanh
  var recurrentActivation = Activation.sigmoid
  var seed = 1

  var cell: any GatedCell {
    switch kind {
    case .simpleRNN: SimpleRNNCell(activation: activation)
    case .lstm: LSTMCell(activation: activation, recurrentActivation: recurrentActivation)
    case .peepholeLSTM:
      LSTMCell(activation: activation, recurrentActivation: recurrentActivation, usePeepholes: true)
    case .coupledLSTM:
      LSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, usePeepholes: true, coupleGates: true)
    case .clippedLSTM:
      LSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, usePeepholes: true, clip: kind.clip,
        memoryClip: kind.memoryClip)
    case .clippedRNN: SimpleRNNCell(activation: activation, clip: kind.clip)
    case .clippedGRU:
      GRUCell(
        activation: activation, recurrentActivation: recurrentActivation, resetAfter: false, clip: kind.clip)
    case .indRNN: IndRNNCell(activation: activation)
    case .mgu: MGUCell(activation: activation, recurrentActivation: recurrentActivation)
    case .minGRU: MinGRUCell(activation: activation, recurrentActivation: recurrentActivation)
    case .minLSTM: MinLSTMCell(activation: activation)
    case .sLSTM: SLSTMCell(activation: activation)
    case .layerNormLSTM: LayerNormLSTMCell(activation: activation, recurrentActivation: recurrentActivation)
    case .layerNormGRU: LayerNormGRUCell(activation: activation, recurrentActivation: recurrentActivation)
    case .gruResetAfter, .gruResetBefore:
      GRUCell(
        activation: activation, recurrentActivation: recurrentActivation, resetAfter: kind == .gruResetAfter)
    }
  }

  var testDescription: String {
    """
    \(kind) \(activation) B\(batch) T\(timesteps) I\(inputs) H\(units) reversed \(reversals) \
    lengths \(lengths.map { "\($0)" } ?? "full") initial \(hasInitialStates) bias \(hasBias) \
    sequences \(returnsSequences) \(padding)
    """
  }

  /// The same case with some of its fields set.
  func with(_ change: (inout LayerCase) -> Void) -> LayerCase {
    var copy = self
    change(&copy)
    return copy
  }
}

extension LayerCase {
  private var hasSlotBias: Bool { hasBias && cell.hasSlotBias }
  /// Functions of all shapes.
  static let activations: [Activation] = [
    .linear, .relu, .sigmoid, .tanh, .hardSigmoid, .softsign, .elu, .softplus, .silu, .relu6, .gelu,
    .leakyRelu(negativeSlope: 0.2), .clippedLine(alpha: 0.3, beta: 0.4), .scaledTanh(alpha: 1.2, beta: 0.7),
  ]

  /// Tells whether a result has kinks.
  var hasKinks: Bool {
    let bent: [Activation] = [
      .relu, .hardSigmoid, .relu6, .leakyRelu(negativeSlope: 0.2), .clippedLine(alpha: 0.3, beta: 0.4),
    ]
    return [.clippedRNN, .clippedGRU, .clippedLSTM, .sLSTM].contains(kind) || bent.contains(activation)
      || bent.contains(recurrentActivation)
  }

  /// The parameters that the cell names.
  private var named: [CellParameter] { cell.parameters(inputs: inputs, units: units) }

  /// The input, then of each direction the weights, the bias, what the cell names and the initial states; the same
  /// numbers in every type.
  func values(_ dtype: DType) -> [Tensor] {
    var number = seed &* 1_000
    func varied(_ shape: [Int], _ bound: Double) -> Tensor {
      number += 1
      return Tensor.varied(shape, seed: number, in: -bound...bound, dtype: .float32).converted(to: dtype)
    }
    var values = [varied([batch, timesteps, inputs], 1)]
    let rows = cell.weightRows(inputs: inputs, units: units)
    for _ in reversals {
      values.append(varied([rows, cell.gateCount * units], rows == 0 ? 1 : min(1, 2 / Double(rows).squareRoot())))
      if hasSlotBias { values.append(varied(cell.biasShape(units: units), 0.5)) }
      values += named.map { varied($0.shape, 0.8) }
      guard hasInitialStates else { continue }
      for state in 0..<cell.stateCount {
        let value = varied([batch, units], 0.9)
        // What a memory is divided by is above 0.
        values.append(kind == .sLSTM && state == 2 ? value * value + 0.3 : value)
      }
    }
    return values
  }

  /// The directions that `values` describes.
  func directions(of values: [Tensor]) -> [RecurrentDirection] {
    let each = (values.count - 1) / reversals.count
    return reversals.enumerated().map { index, isReversed in
      let own = Array(values[(1 + index * each)..<(1 + (index + 1) * each)])
      return RecurrentDirection(
        weights: own[0], bias: hasSlotBias ? own[1] : nil,
        parameters: Array(own.dropFirst(hasSlotBias ? 2 : 1).prefix(named.count)),
        initialStates: Array(own.dropFirst((hasSlotBias ? 2 : 1) + named.count)), isReversed: isReversed)
    }
  }

  /// What the engine gives: the output, then the final states.
  func results(of values: [Tensor]) -> [Tensor] {
    let result = values[0].recurrent(
      cell, directions(of: values), lengths: lengths, returnsSequences: returnsSequences, padding: padding)
    return [result.output] + result.states
  }

  /// What plain loops in Double give.
  func naiveResults(of values: [Tensor]) -> [Tensor] {
    var (outputs, states): ([Tensor], [Tensor]) = ([], [])
    for direction in directions(of: values) {
      var naive = NaiveCell(
        kind, weights: direction.weights, bias: direction.bias, parameters: direction.parameters, units: units)
      naive.activation = activation
      naive.recurrentActivation = recurrentActivation
      let run = naive.run(
        values[0], initialStates: direction.initialStates, lengths: lengths, isReversed: direction.isReversed,
        zeroOutput: returnsSequences && padding == .zero)
      // The last output is that of the last timestep in the order of processing.
      outputs.append(
        returnsSequences
          ? run.outputTensor : .nested([run.outputs.map { $0[direction.isReversed ? 0 : timesteps - 1] }])[0])
      states += run.finalTensors
    }
    return [.concatenated(outputs, axis: -1)] + states
  }

  /// The results, and the gradients of all values, of a sum of all results with weights that look random.
  func resultsAndGradients(of values: [Tensor]) -> (results: [Tensor], gradients: [Tensor]) {
    let tracked = values.map(\.tracked)
    let results = results(of: tracked)
    return (results.map(\.detached), Self.objective(results).gradients(withRespectTo: tracked))
  }

  /// A sum in which every element of every result has a weight of its own; all are positive, so that little cancels.
  static func objective(_ results: [Tensor]) -> Tensor {
    results.enumerated().map { index, result in
      let weights = Tensor.varied(result.shape, seed: 900 + index, in: 0.25...1.25, dtype: .float32)
      return (result * weights.converted(to: result.dtype)).sum()
    }.reduce(Tensor(0, dtype: results[0].dtype), +)
  }

  /// Names the values, for messages.
  var valueNames: [String] {
    ["input"]
      + reversals.flatMap {
        let names =
          ["weights"] + (hasSlotBias ? ["bias"] : []) + named.map(\.name)
          + (hasInitialStates ? ["initial h", "initial c", "initial n", "initial m"].prefix(cell.stateCount) : [])
        return $0 ? names.map { "reversed \($0)" } : names
      }
  }

  /// Names the results, for messages.
  var resultNames: [String] {
    ["output"] + reversals.flatMap { _ in ["final h", "final c", "final n", "final m"].prefix(cell.stateCount) }
  }
}
