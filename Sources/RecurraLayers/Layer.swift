public import RecurraTensor

/// What flows from layer to layer: values, and what is known about them.
public struct Signal: Sendable {
  /// The values, batch first: [B, …].
  public var value: Tensor
  /// The number of valid timesteps of each row, where sequences differ in length (right-padded); nil when all are full.
  public var lengths: [Int]?
  /// Final states, where a layer returns them: h (and c) of each direction, each [B, H]; or initial states given to a layer.
  public var states: [Tensor]

  /// Makes a signal.
  public init(_ value: Tensor, lengths: [Int]? = nil, states: [Tensor] = []) {
    self.value = value
    self.lengths = lengths
    self.states = states
  }
}

/// How a forward pass is run.
public struct ForwardContext: Sendable {
  /// Tells whether layers behave as in training: dropout drops.
  public var isTraining: Bool
  /// Tells whether operations on parameters are recorded for gradients.
  public var isRecording: Bool
  /// Where dropout takes its numbers from; a layer uses a stream of its own.
  public var random: RandomSource

  /// Makes a context; inference without a record when nothing is said.
  public init(isTraining: Bool = false, isRecording: Bool = false, random: RandomSource = RandomSource(seed: 0)) {
    self.isTraining = isTraining
    self.isRecording = isRecording
    self.random = random
  }

  /// The parameter's value, tracked when gradients are recorded.
  public func tensor(_ parameter: Parameter) -> Tensor {
    isRecording && parameter.isTrainable ? parameter.tracked : parameter.value
  }
}

/// A step of a model: shapes, parameters and a forward pass.
///
/// A layer learns its input's shape when it is built, once; then its parameters exist. Gradients need no code: every tensor
/// operation has its own.
public protocol Layer: AnyObject, Sendable {
  /// Keras' name of the class: "LSTM".
  static var typeName: String { get }
  /// The trainable and other parameters, in Keras' order; empty before the layer is built.
  var parameters: [Parameter] { get }
  /// Tells whether the layer has been built.
  var isBuilt: Bool { get }
  /// The arguments the layer was made with, in Keras' names: what `init(configuration:)` needs to make it again.
  var configuration: [String: JSONValue] { get }

  /// Makes a layer from its arguments; a missing one has Keras' default, an unknown or wrong one is an error.
  init(configuration: LayerArguments) throws(RecurraError)
  /// Makes the parameters for inputs of a shape, once; `nil` is an extent that is not known yet, such as batch and time.
  func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError)
  /// The shape of the output for an input shape, both with the batch axis first.
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?]
  /// Computes the output.
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal
}

extension Layer {
  /// Applies the layer to a tensor, for inference.
  public func callAsFunction(_ input: Tensor) throws(RecurraError) -> Tensor {
    if !isBuilt { try build(inputShape: input.shape.map { $0 }, random: RandomSource(seed: 0), dtype: .float32) }
    return try forward(Signal(input), ForwardContext()).value
  }
}
