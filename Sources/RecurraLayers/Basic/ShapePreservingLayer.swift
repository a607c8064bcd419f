public import RecurraTensor

/// A layer whose output has the shape and the mask of its input.
///
/// A layer of one's own needs `typeName`, `init(configuration:)`, `configuration` and `apply(_:_:)`.
public protocol ShapePreservingLayer: Layer {
  /// Computes the output from a floating input.
  func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor
}

extension ShapePreservingLayer {
  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Checks settings and type, because a layer without parameters may never have been built, and applies the layer.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    input.with(value: try applied(to: input.value, context))
  }

  /// Checks, and computes the output.
  func applied(to x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    try checkSettings()
    guard x.dtype.isFloating else { throw failure(expected: "floating input", got: "\(x.dtype)") }
    return try apply(x, context)
  }
}
