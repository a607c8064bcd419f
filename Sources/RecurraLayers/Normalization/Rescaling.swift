public import RecurraTensor

/// Computes x · scale + offset: pixels or samples brought into the range that a model is used to.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input; building throws `badArgument` for a bad setting.
/// - Complexity: two passes over the input.
/// - Source: Keras, `keras.layers.Rescaling`.
public final class Rescaling: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Rescaling" }

  /// What every number is multiplied by.
  public let scale: Double
  /// What is added then.
  public let offset: Double

  /// Makes a rescaling layer.
  public init(scale: Double, offset: Double = 0) {
    self.scale = scale
    self.offset = offset
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(scale: try configuration.number("scale"), offset: try configuration.number("offset", default: 0))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["scale": .number(scale), "offset": .number(offset)] }

  /// Refuses numbers that are NaN or infinite.
  public func checkSettings() throws(RecurraError) {
    let largest = Double.greatestFiniteMagnitude
    try checkSetting("scale", scale, in: -largest...largest)
    try checkSetting("offset", offset, in: -largest...largest)
  }

  /// Rescales the numbers.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor { x * scale + offset }
}
