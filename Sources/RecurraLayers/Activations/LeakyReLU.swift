public import RecurraTensor

/// Computes x above 0, and negativeSlope · x up to it.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input; building throws `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Maas et al. 2013; `keras.layers.LeakyReLU`.
public final class LeakyReLU: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "LeakyReLU" }

  /// The slope up to 0.
  public let negativeSlope: Double

  /// Makes a leaky rectifier.
  public init(negativeSlope: Double = 0.3) { self.negativeSlope = negativeSlope }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      negativeSlope: try configuration.number("negative_slope", default: 0.3, in: 0...Double.greatestFiniteMagnitude))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["negative_slope": .number(negativeSlope)] }

  /// Refuses a slope below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("negativeSlope", negativeSlope, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Applies the function.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    .select(x.isGreater(than: Tensor(0, dtype: x.dtype)), x, x * negativeSlope)
  }
}
