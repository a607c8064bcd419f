public import RecurraTensor

/// Sets a share of the elements to 0 while training, and scales the others up so that sums keep their expectation.
///
/// Outside training it passes its input on. Which elements are dropped follows from the random source of the forward
/// pass.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input, `badArgument` for a rate outside 0...1.
/// - Complexity: one pass over the input.
/// - Source: Srivastava et al. 2014; the inverted form, as Keras.
public final class Dropout: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Dropout" }

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

  /// Drops elements while training, and returns its input otherwise.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    context.isTraining && rate > 0 ? x * context.kept(x.shape, rate: rate, dtype: x.dtype) : x
  }
}
