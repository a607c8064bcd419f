public import RecurraTensor

/// Divides what lies along an axis, or along several together, by its root mean square, then scales it:
/// x / √(mean x² + ε) · scale.
///
/// - Shapes: `input` [B, …, I] with I along the axis; result the same; `scale` [I], of several axes their extents.
/// - Throws: `badData` for an input with another extent along the axis or of another type; building throws
///   `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Zhang & Sennrich 2019; `keras.layers.RMSNormalization`.
public final class RMSNormalization: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "RMSNormalization" }

  /// The axes; below 0 counted from the end.
  public let axes: [Int]
  /// What is added to the mean square.
  public let epsilon: Double
  private let state = BuildState<Parameter>()

  /// Makes a normalisation along an axis, the last one when it is left out; the scale starts at 1.
  public convenience init(axis: Int = -1, epsilon: Double = 1e-6) { self.init(axes: [axis], epsilon: epsilon) }

  /// Makes a normalisation over several axes together; the scale starts at 1.
  public init(axes: [Int], epsilon: Double = 1e-6) {
    self.axes = axes
    self.epsilon = epsilon
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      axes: try configuration.integers("axis", default: [-1], in: -64...64),
      epsilon: try configuration.number("epsilon", default: 1e-6, in: 0...Double.greatestFiniteMagnitude))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    ["axis": axes.count == 1 ? .integer(axes[0]) : .array(axes.map { .integer($0) }), "epsilon": .number(epsilon)]
  }

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
    let extents = try places(axes, in: inputShape).map { (place) throws(RecurraError) in
      try features(along: place, of: inputShape)
    }
    let scale = try state.build { () throws(RecurraError) in
      try parameter("scale", extents, dtype, .ones, random)
    }
    guard scale.shape == extents else {
      throw failure(expected: "\(Self.product(scale.shape)) along \(axisText)", got: text(of: inputShape))
    }
  }

  /// Normalises; a mask of steps goes no further, as in Keras.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    Signal(try applied(to: input.value, context), mask: input.mask.withoutSteps, states: input.states)
  }

  /// Normalises the axes.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let scale = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let places = try places(axes, in: x.shape)
    guard places.map({ x.shape[$0] }) == scale.shape, x.dtype == scale.dtype else {
      throw failure(
        expected: "\(scale.dtype) input of \(Self.product(scale.shape)) along \(axisText)",
        got: "\(x.dtype) \(x.shape)")
    }
    let shape = x.shape.indices.map { places.contains($0) ? x.shape[$0] : 1 }
    let root = (x.squared.mean(axes: places, keepingDimensions: true) + epsilon).sqrt()
    return x / root * context.tensor(scale).reshaped(shape)
  }

  private static func product(_ extents: [Int]) -> String {
    extents.map(String.init).joined(separator: "×") + " features"
  }

  private var axisText: String {
    axes.count == 1 ? "axis \(axes[0])" : "axes " + axes.map(String.init).joined(separator: ", ")
  }
}
