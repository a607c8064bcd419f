public import RecurraTensor

/// A layer of several inputs, without parameters.
///
/// A layer of one's own needs `typeName`, `init(configuration:)`, `configuration`, `outputShapes(for:)` and
/// `forward(_:_:)` for a list of values.
public protocol MergingLayer: Layer {}

extension MergingLayer {
  /// Checks settings and shapes, and makes nothing.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    for shape in inputShapes { try checkExtents(shape) }
    _ = try outputShapes(for: inputShapes)
  }

  /// The shape for one input alone.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try outputShapes(for: [inputShape])[0]
  }

  /// Runs the layer with one input alone.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let output = try forward([Value(input.source, mask: input.mask)], context)
    return Signal(output[0].source, mask: output[0].mask, states: input.states)
  }

  /// The tensors of values of one floating type.
  func tensors(_ inputs: [Value]) throws(RecurraError) -> [Tensor] {
    let tensors = inputs.map(\.tensor)
    guard let dtype = tensors.first?.dtype, dtype.isFloating, tensors.allSatisfy({ $0.dtype == dtype }) else {
      throw failure(
        expected: "inputs of one floating type", got: tensors.map(\.dtype.rawValue).joined(separator: ", "))
    }
    return tensors
  }

  /// The shapes of tensors, for `outputShapes(for:)`.
  func shapes(_ tensors: [Tensor]) -> [[Int?]] { tensors.map { $0.shape.map { Optional($0) } } }

  /// What counts in any of the values, as Keras' merging layers say.
  func commonMask(_ inputs: [Value]) throws(RecurraError) -> SequenceMask {
    var mask = inputs[0].mask
    for input in inputs.dropFirst() { mask = try mask.union(input.mask) }
    return mask
  }
}

/// Writes shapes for a message.
func text(of shapes: [[Int?]]) -> String { shapes.map { text(of: $0) }.joined(separator: " and ") }

/// The extents of shapes that must be alike, where any of them is known; nil where they are not alike.
func commonShape(_ shapes: [[Int?]]) -> [Int?]? {
  guard var common = shapes.first else { return nil }
  for shape in shapes.dropFirst() {
    guard fits(shape, common) else { return nil }
    common = zip(common, shape).map { $0 ?? $1 }
  }
  return common
}
