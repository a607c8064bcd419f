public import RecurraTensor

/// Multiplies by numbers of the normal distribution around 1 while training, with deviation √(rate/(1 − rate)): the
/// mean and variance of dropout. Outside training it passes its input on.
///
/// - Shapes: `input` any; result the same.
/// - Throws: `badData` for an integer input, `badArgument` for a rate below 0 or from 1 on.
/// - Complexity: about fifty operations a number.
/// - Source: Srivastava et al. 2014; `keras.layers.GaussianDropout`.
public final class GaussianDropout: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "GaussianDropout" }

  /// The rate of the dropout that it stands for.
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

  /// Multiplies by the noise.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard context.isTraining, rate > 0 else { return x }
    return x * (context.normal(x.shape, dtype: x.dtype) * (rate / (1 - rate)).squareRoot() + 1)
  }
}

extension Layer {
  /// Refuses a rate below 0 or from 1 on, where 1/(1 − rate) is needed.
  func checkRate(_ rate: Double) throws(RecurraError) {
    guard !(0..<1).contains(rate) else { return }
    throw failure(.badArgument, expected: "rate from 0 to below 1", got: "\(rate)")
  }
}
