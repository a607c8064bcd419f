public import RecurraTensor

/// Sets a share of each row's features to 0 at every timestep while training, and scales the others up. Outside
/// training it passes its input on.
///
/// - Shapes: `input` [B, T, I]; result the same.
/// - Throws: `badData` for an input of another shape or type, `badArgument` for a rate outside 0...1.
/// - Complexity: one pass over the input.
/// - Source: Tompson et al. 2015; `keras.layers.SpatialDropout1D`.
public final class SpatialDropout1D: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "SpatialDropout1D" }

  /// The share that is dropped, 0 to 1.
  public let rate: Double

  /// Makes a dropout layer.
  public init(rate: Double) { self.rate = rate }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(rate: try configuration.number("rate", in: 0...1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["rate": .number(rate)] }

  /// Refuses a `rate` outside 0...1.
  public func checkSettings() throws(RecurraError) { try checkSetting("rate", rate, in: 0...1) }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSequences(inputShape)
    return inputShape
  }

  /// Drops features.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    try checkSequences(x.shape)
    guard context.isTraining, rate > 0 else { return x }
    return x * context.kept([x.shape[0], 1, x.shape[2]], rate: rate, dtype: x.dtype)
  }
}
