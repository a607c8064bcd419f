public import RecurraTensor

/// Divides an axis of each element by its root mean square, then scales it: x / √(mean x² + ε) · scale.
///
/// - Shapes: `input` [B, …, I] with I along `axis`; result the same; `scale` [I].
/// - Throws: `badData` for an input with another extent along the axis or of another type; building throws
///   `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Zhang & Sennrich 2019; `keras.layers.RMSNormalization`.
public final class RMSNormalization: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "RMSNormalization" }

  /// The axis; below 0 counted from the end.
  public let axis: Int
  /// What is added to the mean square.
  public let epsilon: Double
  private let state = BuildState<Parameter>()

  /// Makes a normalisation; the scale starts at 1.
  public init(axis: Int = -1, epsilon: Double = 1e-6) {
    self.axis = axis
    self.epsilon = epsilon
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let axes = try configuration.integers("axis", default: [-1], in: -64...64)
    guard axes.count == 1 else {
      throw configuration.failure("axis", expected: "one axis", got: configuration.values["axis"] ?? .null)
    }
    self.init(
      axis: axes[0],
      epsilon: try configuration.number("epsilon", default: 1e-6, in: 0...Double.greatestFiniteMagnitude))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["axis": .integer(axis), "epsilon": .number(epsilon)] }

  /// `scale`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0] } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses an `epsilon` below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Makes the scale for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another extent than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let features = try features(along: axis, of: inputShape)
    let scale = try state.build { () throws(RecurraError) in
      try parameter("scale", [features], dtype, .ones, random)
    }
    guard scale.count == features else {
      throw failure(expected: "\(scale.count) features along axis \(axis)", got: text(of: inputShape))
    }
  }

  /// Normalises; a mask of steps goes no further, as in Keras.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    Signal(try applied(to: input.value, context), mask: input.mask.withoutSteps, states: input.states)
  }

  /// Normalises the axis.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let scale = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let place = try place(of: axis, in: x.shape)
    guard x.shape[place] == scale.count, x.dtype == scale.dtype else {
      throw failure(
        expected: "\(scale.dtype) input of \(scale.count) features along axis \(axis)", got: "\(x.dtype) \(x.shape)")
    }
    let shape = [scale.count] + [Int](repeating: 1, count: x.rank - 1 - place)
    let root = (x.squared.mean(axes: [place], keepingDimensions: true) + epsilon).sqrt()
    return x / root * context.tensor(scale).reshaped(shape)
  }
}
