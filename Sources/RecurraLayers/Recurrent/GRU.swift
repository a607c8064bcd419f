public import RecurraCells
public import RecurraTensor

/// Mixes the old state and a candidate by an update gate: hₜ = z⊙hₜ₋₁ + (1 − z)⊙h̃.
///
/// z,r = σ(xₜ·W + hₜ₋₁·U + b); with `resetAfter` h̃ = tanh(xₜ·W + b + r⊙(hₜ₋₁·U + b′)), else
/// h̃ = tanh(xₜ·W + (r⊙hₜ₋₁)·U + b).
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I+H, 3H], gate columns z r h;
///   `bias` [2, 3H] with `resetAfter` (the input's row, then the state's), else [3H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·3H flops.
/// - Accuracy: without `resetAfter` OpenBLAS multiplies, and the last bits of a sequence's result may differ with the
///   sequences that are computed along with it.
/// - Source: Cho et al. 2014; names and defaults as `keras.layers.GRU`.
public final class GRU: RecurrentLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "GRU" }

  /// The arithmetic of a timestep.
  public let cell: GRUCell
  /// Size, beginnings, and what is given out.
  public let options: RecurrentOptions
  /// Where the parameters are once the layer is built.
  public let state = RecurrentState()

  /// The layer itself.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self, isStackable: true) }

  /// Makes a layer from its parts.
  public init(cell: GRUCell, options: RecurrentOptions) {
    self.cell = cell
    self.options = options
  }

  /// Makes a GRU layer; the reset gate acts after the product with U unless `resetAfter` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false, resetAfter: Bool = true
  ) {
    var options = RecurrentOptions(units: units)
    options.useBias = useBias
    options.kernelInitializer = kernelInitializer
    options.recurrentInitializer = recurrentInitializer
    options.biasInitializer = biasInitializer
    options.returnSequences = returnSequences
    options.returnState = returnState
    options.goBackwards = goBackwards
    let cell = GRUCell(activation: activation, recurrentActivation: recurrentActivation, resetAfter: resetAfter)
    self.init(cell: cell, options: options)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let cell = GRUCell(
      activation: try configuration.activation("activation", default: .tanh, isElementwise: true),
      recurrentActivation: try configuration.activation("recurrent_activation", default: .sigmoid, isElementwise: true),
      resetAfter: try configuration.bool("reset_after", default: true))
    self.init(cell: cell, options: try RecurrentOptions(configuration))
  }

  /// Refuses activations that are not elementwise; `build` refuses `units` outside 1...2³¹ − 1 besides.
  public func checkSettings() throws(RecurraError) { try checkElementwise(cell.activation, cell.recurrentActivation) }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    let own: [String: JSONValue] = [
      "activation": .string(cell.activation.rawValue), "reset_after": .bool(cell.resetAfter),
      "recurrent_activation": .string(cell.recurrentActivation.rawValue),
    ]
    return options.configuration.merging(own) { $1 }
  }
}
