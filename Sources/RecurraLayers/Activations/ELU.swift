public import RecurraTensor

/// Computes x above 0, and alpha · (eˣ − 1) up to it.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input; building throws `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Clevert et al. 2016; `keras.layers.ELU`.
public final class ELU: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "ELU" }

  /// The distance of the asymptote below 0.
  public let alpha: Double

  /// Makes an exponential linear unit.
  public init(alpha: Double = 1) { self.alpha = alpha }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(alpha: try configuration.number("alpha", default: 1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["alpha": .number(alpha)] }

  /// Refuses an `alpha` that is NaN or infinite.
  public func checkSettings() throws(RecurraError) {
    let largest = Double.greatestFiniteMagnitude
    try checkSetting("alpha", alpha, in: -largest...largest)
  }

  /// Applies the function.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    let unit = Activation.elu(x)
    return alpha == 1 ? unit : .select(x.isGreater(than: Tensor(0, dtype: x.dtype)), x, unit * alpha)
  }
}
