import Glibc
package import RecurraTensor

/// The recurrent cells as plain loops in Double: the reference of every faster way. Layouts and meanings are Keras'.
package struct NaiveCell {
  package enum Kind: Sendable, CaseIterable {
    case simpleRNN, lstm, gruResetAfter, gruResetBefore, peepholeLSTM, indRNN
    case clippedRNN, clippedGRU, clippedLSTM, coupledLSTM, mgu, minGRU, minLSTM, sLSTM, layerNormLSTM, layerNormGRU

    /// h, or h and c, and what stands beside them.
    package var stateCount: Int {
      switch self {
      case .sLSTM: 4
      case .lstm, .peepholeLSTM, .clippedLSTM, .coupledLSTM, .layerNormLSTM: 2
      default: 1
      }
    }

    /// The bound of arguments, where there is one.
    package var clip: Double? { [.clippedRNN, .clippedGRU, .clippedLSTM].contains(self) ? 0.4 : nil }
    /// The bound of the memory, where there is one.
    package var memoryClip: Double? { self == .clippedLSTM ? 0.35 : nil }
    /// Added to variances.
    package var epsilon: Double { 1e-3 }
  }

  /// What a sequence gives; everything in the order of time.
  package struct Run {
    /// [B][T][H]; the padding rule is applied.
    package var outputs: [[[Double]]]
    /// h, then c: [B][H], after the last valid timestep.
    package var finalStates: [[[Double]]]
    /// h, then c, after every timestep that was processed: [B][T][H]; carried over padding.
    package var states: [[[[Double]]]]
  }

  package let kind: Kind
  package var activation: Activation = .tanh
  package var recurrentActivation: Activation = .sigmoid
  /// [I+H][G·H].
  package let weights: [[Double]]
  /// G·H; with reset after, the input's and then the recurrent one's.
  package let bias: [Double]?
  /// What the cell names, one behind the other.
  package let parameters: [Double]
  package let units: Int
  /// What h is multiplied with before it meets U, for each gate, [G·H]; the same at every timestep.
  package var masks: [Double]?

  /// Takes the weights from tensors: [I+H, G·H], and the bias [G·H] or [2, G·H].
  package init(_ kind: Kind, weights: Tensor, bias: Tensor?, parameters: [Tensor] = [], units: Int) {
    self.kind = kind
    let (flat, width) = (weights.doubles, weights.shape[1])
    self.weights = (0..<weights.shape[0]).map { Array(flat[$0 * width..<($0 + 1) * width]) }
    self.bias = bias?.doubles
    self.parameters = parameters.flatMap(\.doubles)
    self.units = units
  }

  /// Runs whole sequences.
  ///
  /// - Parameters:
  ///   - x: [B, T, I].
  ///   - initialStates: h, then c, each [B, H]; zeros where missing.
  ///   - lengths: valid timesteps of each row, the rest is padding on the right; reversed, a row begins at its last
  ///     valid one.
  ///   - steps: the timesteps that count, [B][T], where padding may stand anywhere; instead of lengths.
  ///   - zeroOutput: padding gives 0; otherwise it repeats the output that was processed before it, 0 before the first.
  package func run(
    _ x: Tensor, initialStates: [Tensor] = [], lengths: [Int]? = nil, steps: [[Bool]]? = nil, isReversed: Bool = false,
    zeroOutput: Bool = false
  ) -> Run {
    let (batch, timesteps, inputs) = (x.shape[0], x.shape[1], x.shape[2])
    let stateCount = kind.stateCount
    let numbers = x.doubles
    let blank = [[Double]](repeating: [Double](repeating: 0, count: units), count: timesteps)
    var run = Run(
      outputs: [[[Double]]](repeating: blank, count: batch), finalStates: [],
      states: [[[[Double]]]](repeating: [[[Double]]](repeating: blank, count: batch), count: stateCount))
    run.finalStates = (0..<stateCount).map { state in
      let initial = state < initialStates.count ? initialStates[state].doubles : nil
      return (0..<batch).map { row in
        initial.map { Array($0[row * units..<(row + 1) * units]) } ?? [Double](repeating: 0, count: units)
      }
    }
    for row in 0..<batch {
      var previous = [Double](repeating: 0, count: units)
      for step in 0..<timesteps {
        let time = isReversed ? timesteps - 1 - step : step
        if steps?[row][time] ?? (time < lengths?[row] ?? timesteps) {
          let start = (row * timesteps + time) * inputs
          let next = self.step(Array(numbers[start..<(start + inputs)]), run.finalStates.map { $0[row] })
          for state in 0..<stateCount { run.finalStates[state][row] = next[state] }
          previous = next[0]
          run.outputs[row][time] = previous
        } else if !zeroOutput {
          run.outputs[row][time] = previous
        }
        for state in 0..<stateCount { run.states[state][row][time] = run.finalStates[state][row] }
      }
    }
    return run
  }
}

extension NaiveCell.Run {
  /// The outputs as a tensor [B, T, H].
  package var outputTensor: Tensor { Tensor.nested(outputs) }
  /// The final states as tensors [B, H].
  package var finalTensors: [Tensor] {
    finalStates.map { Tensor($0.flatMap { $0 }, shape: [$0.count, $0.first?.count ?? 0]) }
  }
}

extension Tensor {
  /// Makes a float64 tensor of three axes from nested arrays of equal extents.
  package static func nested(_ rows: [[[Double]]]) -> Tensor {
    Tensor(
      rows.flatMap { $0.flatMap { $0 } }, shape: [rows.count, rows.first?.count ?? 0, rows.first?.first?.count ?? 0])
  }
}
