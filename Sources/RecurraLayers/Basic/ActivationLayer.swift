public import RecurraTensor

/// Applies an activation function; Keras calls this layer `Activation`.
///
/// - Shapes: `input` [B, …]; result the same. Softmax and its logarithm run over the last axis.
/// - Throws: `badData` for an integer input, and for a single number.
/// - Complexity: one pass over the input.
/// - Source: Keras, `keras.layers.Activation`.
public final class ActivationLayer: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Activation" }

  /// The function.
  public let activation: Activation

  /// Makes a layer that applies `activation`.
  public init(_ activation: Activation) { self.activation = activation }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(try configuration.activation("activation"))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["activation": .string(activation.rawValue)] }

  /// `activation`.
  public var finalActivation: Activation? { activation }

  /// Returns its input: the activation is all that the layer does.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    input
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Applies the function.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard input.value.dtype.isFloating else { throw failure(expected: "floating input", got: "\(input.value.dtype)") }
    guard input.value.rank > 0 else { throw failure(expected: "input [B, …]", got: "[]") }
    return input.with(value: activation(input.value))
  }
}
