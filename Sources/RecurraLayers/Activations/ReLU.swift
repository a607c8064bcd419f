public import RecurraTensor

/// Computes x above a threshold, at most `maxValue`, and negativeSlope · (x − threshold) up to it.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input; building throws `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Keras, `keras.layers.ReLU`.
public final class ReLU: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "ReLU" }

  /// The largest value; nil for none.
  public let maxValue: Double?
  /// The slope up to the threshold.
  public let negativeSlope: Double
  /// Where x begins to pass.
  public let threshold: Double

  /// Makes a rectifier.
  public init(maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0) {
    self.maxValue = maxValue
    self.negativeSlope = negativeSlope
    self.threshold = threshold
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      maxValue: configuration.value("max_value") == nil ? nil : try configuration.number("max_value", in: Self.range),
      negativeSlope: try configuration.number("negative_slope", default: 0, in: Self.range),
      threshold: try configuration.number("threshold", default: 0, in: Self.range))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "max_value": maxValue.map { .number($0) } ?? .null, "negative_slope": .number(negativeSlope),
      "threshold": .number(threshold),
    ]
  }

  private static var range: ClosedRange<Double> { 0...Double.greatestFiniteMagnitude }

  /// Refuses numbers below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    if let maxValue { try checkSetting("maxValue", maxValue, in: Self.range) }
    try checkSetting("negativeSlope", negativeSlope, in: Self.range)
    try checkSetting("threshold", threshold, in: Self.range)
  }

  /// Applies the function.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    if threshold == 0, negativeSlope == 0 {
      let rectified = x.relu()
      return maxValue.map { rectified.clipped(to: 0...$0) } ?? rectified
    }
    let passed = maxValue.map { x.clipped(to: -.infinity...$0) } ?? x
    return .select(x.isGreater(than: Tensor(threshold, dtype: x.dtype)), passed, (x - threshold) * negativeSlope)
  }
}
