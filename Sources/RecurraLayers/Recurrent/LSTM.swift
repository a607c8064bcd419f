public import RecurraCells
public import RecurraTensor

/// Keeps a memory C that three gates filter: forget clears it, input lets new content in, output lets it out.
///
/// i,f,o = σ(xₜ·W + hₜ₋₁·U + b), c̃ = tanh(xₜ·W + hₜ₋₁·U + b), cₜ = f⊙cₜ₋₁ + i⊙c̃,
/// hₜ = o⊙tanh(cₜ); each gate and the candidate with weights of its own.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states h and c [B, H]; `weights` [I+H, 4H], `bias` [4H],
///   gate columns i f c o.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·4H flops.
/// - Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate); names and defaults as `keras.layers.LSTM`.
public final class LSTM: RecurrentLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "LSTM" }

  /// The arithmetic of a timestep.
  public let cell: LSTMCell
  /// Size, beginnings, and what is given out.
  public let options: RecurrentOptions
  /// Where the parameters are once the layer is built.
  public let state = RecurrentState()

  /// The layer itself.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self, isStackable: true) }

  /// Makes a layer from its parts.
  public init(cell: LSTMCell, options: RecurrentOptions) {
    self.cell = cell
    self.options = options
  }

  /// Makes an LSTM layer; the bias of the forget gate begins at 1 unless `unitForgetBias` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, unitForgetBias: Bool = true, returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false
  ) {
    var options = RecurrentOptions(units: units)
    options.useBias = useBias
    options.kernelInitializer = kernelInitializer
    options.recurrentInitializer = recurrentInitializer
    options.biasInitializer = biasInitializer
    options.unitForgetBias = unitForgetBias
    options.returnSequences = returnSequences
    options.returnState = returnState
    options.goBackwards = goBackwards
    self.init(cell: LSTMCell(activation: activation, recurrentActivation: recurrentActivation), options: options)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    var options = try RecurrentOptions(configuration)
    options.unitForgetBias = try configuration.bool("unit_forget_bias", default: true)
    let activation = try configuration.activation("activation", default: .tanh, isElementwise: true)
    let gates = try configuration.activation("recurrent_activation", default: .sigmoid, isElementwise: true)
    self.init(cell: LSTMCell(activation: activation, recurrentActivation: gates), options: options)
  }

  /// Refuses activations that are not elementwise; `build` refuses `units` outside 1...2³¹ − 1 besides.
  public func checkSettings() throws(RecurraError) { try checkElementwise(cell.activation, cell.recurrentActivation) }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    let own: [String: JSONValue] = [
      "activation": .string(cell.activation.rawValue), "unit_forget_bias": .bool(options.unitForgetBias),
      "recurrent_activation": .string(cell.recurrentActivation.rawValue),
    ]
    return options.configuration.merging(own) { $1 }
  }
}
