public import RecurraTensor

/// What the long short-term memory cells have in common: three gates, a candidate, and a memory beside h.
///
/// Slots i f c o, as in Keras.
public protocol LSTMVariant: GatedCell {
  /// The function of the candidate and of the memory.
  var activation: Activation { get set }
  /// The function of the gates.
  var recurrentActivation: Activation { get set }
  /// Tells whether the bias of the forget gate starts at 1.
  var unitForgetBias: Bool { get set }
}

extension LSTMVariant {
  /// The functions, and whether the forget gate starts open.
  public static var settings: [CellSetting<Self>] {
    [
      .activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation),
      .flag("unit_forget_bias", \.unitForgetBias),
    ]
  }
  /// Blocks of H columns in the weights.
  public var gateCount: Int { 4 }
  /// h and c, [H] each.
  public func stateWidths(units: Int) -> [Int] { [units, units] }
  /// The gates, the candidate third.
  public var slotNames: [String] { ["input", "forget", "candidate", "output"] }
  /// The forget gate keeps, the input gate lets in.
  public var memoryGates: MemoryGates? { MemoryGates(keep: 1, enter: 0) }
  /// The forget gate, where that is asked for.
  public var gateOfUnitBias: Int? { unitForgetBias ? 1 : nil }
  /// The products of a step.
  public var phases: [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<4, slot: 0)]] }
  /// The pre-activations, where a function's slope needs them.
  public func savedCount(units: Int) -> Int { keepsArguments ? 4 * units : 0 }

  var keepsArguments: Bool { activation.needsArgument || recurrentActivation.needsArgument }
  /// Tells whether the functions are those that vector kernels have.
  var hasUsualFunctions: Bool { activation == .tanh && recurrentActivation == .sigmoid }
}
