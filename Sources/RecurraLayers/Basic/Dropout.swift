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
public final class Dropout: Layer {
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

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Drops elements while training, and returns its input otherwise.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    // A layer without parameters may never have been built.
    try checkSettings()
    let (x, dtype) = (input.value, input.value.dtype)
    guard dtype.isFloating else { throw failure(expected: "floating input", got: "\(dtype)") }
    guard context.isTraining, rate > 0 else { return input }
    let threshold = Tensor(1 - rate, dtype: dtype)
    let kept = context.uniform(x.shape, dtype: dtype).isLess(than: threshold).converted(to: dtype)
    return input.with(value: x * (kept * (rate < 1 ? 1 / (1 - rate) : 0)))
  }
}
