public import RecurraTensor

/// Passes its input on, and adds a loss to the model's for numbers far from 0: the mean over rows of
/// l1·Σ|x| + l2·Σx².
///
/// Only timesteps that count add to it; Keras takes padding in.
///
/// - Shapes: `input` [B, …]; result the same.
/// - Throws: `badData` for an integer input; building throws `badArgument` for a bad setting.
/// - Complexity: a pass over the input for each of the two.
/// - Source: Keras, `keras.layers.ActivityRegularization`.
public final class ActivityRegularization: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "ActivityRegularization" }

  /// The factor of the sum of magnitudes.
  public let l1: Double
  /// The factor of the sum of squares.
  public let l2: Double

  /// Makes a layer that adds a loss.
  public init(l1: Double = 0, l2: Double = 0) { (self.l1, self.l2) = (l1, l2) }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let range = 0...Double.greatestFiniteMagnitude
    self.init(
      l1: try configuration.number("l1", default: 0, in: range),
      l2: try configuration.number("l2", default: 0, in: range))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["l1": .number(l1), "l2": .number(l2)] }

  /// Refuses factors below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("l1", l1, in: 0...Double.greatestFiniteMagnitude)
    try checkSetting("l2", l2, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Adds the loss.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try checkSettings()
    guard input.value.dtype.isFloating else {
      throw failure(expected: "floating input", got: "\(input.value.dtype)")
    }
    guard context.record != nil else { return input }
    let x = try input.shape.count > 2 ? input.cutToLengths(Self.typeName) : input.value
    if l1 > 0 { context.add(loss: x.abs().sum() * l1) }
    if l2 > 0 { context.add(loss: x.squared.sum() * l2) }
    return input
  }
}
