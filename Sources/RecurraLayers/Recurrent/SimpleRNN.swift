public import RecurraCells
public import RecurraTensor

/// Feeds each hidden state back into the next step: hₜ = activation(xₜ·W + hₜ₋₁·U + b).
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I+H, H], `bias` [H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·H flops.
/// - Source: Elman 1990; names and defaults as `keras.layers.SimpleRNN`.
public final class SimpleRNN: RecurrentLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "SimpleRNN" }

  /// The arithmetic of a timestep.
  public let cell: SimpleRNNCell
  /// Size, beginnings, and what is given out.
  public let options: RecurrentOptions
  /// Where the parameters are once the layer is built.
  public let state = RecurrentState()

  /// The layer itself.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self, isStackable: true) }

  /// Makes a layer from its parts.
  public init(cell: SimpleRNNCell, options: RecurrentOptions) {
    self.cell = cell
    self.options = options
  }

  /// Makes a simple recurrent layer.
  public convenience init(
    units: Int, activation: Activation = .tanh, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false
  ) {
    var options = RecurrentOptions(units: units)
    options.useBias = useBias
    options.kernelInitializer = kernelInitializer
    options.recurrentInitializer = recurrentInitializer
    options.biasInitializer = biasInitializer
    options.returnSequences = returnSequences
    options.returnState = returnState
    options.goBackwards = goBackwards
    self.init(cell: SimpleRNNCell(activation: activation), options: options)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let activation = try configuration.activation("activation", default: .tanh, isElementwise: true)
    self.init(cell: SimpleRNNCell(activation: activation), options: try RecurrentOptions(configuration))
  }

  /// Refuses activations that are not elementwise; `build` refuses `units` outside 1...2³¹ − 1 besides.
  public func checkSettings() throws(RecurraError) { try checkElementwise(cell.activation) }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    options.configuration.merging(["activation": .string(cell.activation.rawValue)]) { $1 }
  }
}
