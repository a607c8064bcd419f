public import RecurraTensor

/// Adds numbers of the normal distribution while training; outside it passes its input on.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input, `badArgument` for a deviation outside 0...1.
/// - Complexity: about fifty operations a number.
/// - Source: Keras, `keras.layers.GaussianNoise`.
public final class GaussianNoise: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "GaussianNoise" }

  /// The standard deviation of what is added.
  public let stddev: Double

  /// Makes a layer of noise.
  public init(stddev: Double) { self.stddev = stddev }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(stddev: try configuration.number("stddev", in: 0...1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["stddev": .number(stddev)] }

  /// Refuses a deviation outside 0...1.
  public func checkSettings() throws(RecurraError) { try checkSetting("stddev", stddev, in: 0...1) }

  /// Adds the noise.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    context.isTraining && stddev > 0 ? x + context.normal(x.shape, dtype: x.dtype) * stddev : x
  }
}
