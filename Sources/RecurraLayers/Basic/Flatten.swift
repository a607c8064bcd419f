public import RecurraTensor

/// Joins all axes but the first; what lies behind the length of a row is read as 0. Lengths and masks go no further.
///
/// - Shapes: `input` [B, …]; result [B, product of the others].
/// - Throws: `badData` for a single number.
/// - Complexity: none for a dense input, else one copy.
/// - Source: Keras, `keras.layers.Flatten`.
public final class Flatten: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Flatten" }

  /// Makes a flattening layer.
  public init() {}

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) { self.init() }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { [:] }

  /// Multiplies all extents but the first; the product is unknown where one of them is.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard let batch = inputShape.first else { throw failure(expected: "input [B, …]", got: text(of: inputShape)) }
    try checkExtents(inputShape)
    let known = inputShape.dropFirst().compactMap { $0 }
    // An extent of 0 counts as 1: what does not fit behind it does not fit as a tensor either.
    var product = 1
    for extent in known {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { throw failure(expected: "extents whose product fits in Int", got: text(of: inputShape)) }
      product = next
    }
    guard known.count == inputShape.count - 1 else { return [batch, nil] }
    return [batch, known.contains(0) ? 0 : product]
  }

  /// Joins all axes but the first.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = input.value.shape
    guard let batch = shape.first else { throw failure(expected: "input [B, …]", got: "\(shape)") }
    return Signal(
      try input.cutToLengths(Self.typeName).reshaped([batch, shape.dropFirst().reduce(1, *)]), states: input.states)
  }
}
