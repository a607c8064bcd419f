internal import CRecurraKernels
public import RecurraTensor

/// The plain recurrent cell: h′ = act(x·W + h·U + b).
///
/// - Source: Elman, "Finding structure in time", 1990; Keras' SimpleRNN.
public struct SimpleRNNCell: GatedCell {
  /// "SimpleRNN".
  public static let name = "SimpleRNN"
  /// The function.
  public static var settings: [CellSetting<Self>] {
    [.activation("activation", \.activation), .number("clip", \.clip)]
  }

  /// The function of the new state.
  public var activation: Activation
  /// The bound of the function's argument, as ONNX has it; nil for none.
  public var clip: Double?

  /// Makes a cell.
  public init(activation: Activation, clip: Double? = nil) {
    (self.activation, self.clip) = (activation, clip)
  }
  /// Makes a cell with tanh.
  public init() { self.init(activation: .tanh) }

  /// A bound must be above 0.
  public func fault(units: Int) -> SettingFault? { SettingFault.bound("clip", clip) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 1 }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<1, slot: 0)]] }
  /// The vector kernels, for the function they have.
  public var kernel: CellKernel? { activation == .tanh && clip == nil ? Self.kernel : nil }
  private static let kernel = CellKernel(\.rnn)

  /// Computes the next state; the gate buffer keeps the function's arguments.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let function = ClippedActivation(activation: activation, bound: clip)
    for row in 0..<step.rows { function.apply(to: step.gates[row], into: step.nextH[row], step.units) }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    for row in 0..<step.rows {
      let (gates, dh) = (step.gates[row], step.dh[row])
      if let clip {
        for u in 0..<step.units where gates[u].magnitude > S(clip) { dh[u] = 0 }
      }
      activation.slopes(of: step.nextH[row], at: gates, into: gates, step.units)
      for u in 0..<step.units {
        gates[u] *= dh[u]
        dh[u] = 0
      }
    }
  }
}
