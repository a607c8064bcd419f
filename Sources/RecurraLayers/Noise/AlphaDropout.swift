public import RecurraTensor

/// Sets a share of the elements to the value that SELU saturates at while training, then restores mean and variance.
/// Outside training it passes its input on.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input, `badArgument` for a rate below 0 or from 1 on.
/// - Complexity: a few passes over the input.
/// - Source: Klambauer et al. 2017; `keras.layers.AlphaDropout`.
public final class AlphaDropout: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "AlphaDropout" }

  /// The share that is set.
  public let rate: Double

  /// Makes a dropout layer.
  public init(rate: Double) { self.rate = rate }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(rate: try configuration.number("rate", in: 0...1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["rate": .number(rate)] }

  /// Refuses a rate below 0 or from 1 on.
  public func checkSettings() throws(RecurraError) { try checkRate(rate) }

  /// Sets the share.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard context.isTraining, rate > 0 else { return x }
    // −α·λ of SELU.
    let saturation = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
    let kept = context.uniform(x.shape, dtype: x.dtype).isLess(than: Tensor(1 - rate, dtype: x.dtype))
    let scale = 1 / ((1 - rate) * (1 + rate * saturation * saturation)).squareRoot()
    return .select(kept, x, Tensor(saturation, dtype: x.dtype)) * scale - scale * saturation * rate
  }
}
