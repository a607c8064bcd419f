public import RecurraTensor

/// The plain recurrent cell: h′ = act(x·W + h·U + b).
///
/// - Source: Elman, "Finding structure in time", 1990; Keras' SimpleRNN.
public struct SimpleRNNCell: RecurrentCell {
  /// The function of the new state.
  public let activation: Activation

  /// Makes a cell.
  public init(activation: Activation = .tanh) { self.activation = activation }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 1 }
  /// The products of a step.
  public var phases: [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<1, slot: 0)]] }
  /// The vector kernel, for the functions it has.
  public var kernel: CellKernel? { activation == .tanh ? .simpleRNN : nil }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    for row in 0..<step.rows {
      activation.apply(to: step.gates[row], into: step.nextH[row], step.units)
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    for row in 0..<step.rows {
      let (gates, dh) = (step.gates[row], step.dh[row])
      activation.slopes(of: step.nextH[row], into: gates, step.units)
      for u in 0..<step.units {
        gates[u] *= dh[u]
        dh[u] = 0
      }
    }
  }
}
