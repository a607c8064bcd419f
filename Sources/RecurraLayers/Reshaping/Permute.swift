public import RecurraTensor

/// Puts the axes behind the batch into another order.
///
/// Lengths go on where time stays the first of them; else what lies behind a row's end becomes 0. A mask of steps is
/// not looked at and goes no further, as in Keras.
///
/// - Shapes: `input` [B, …]; axis i of the result is axis `dims[i − 1]` of the input.
/// - Throws: `badData` for an input of another number of axes; building throws `badArgument` for a bad setting.
/// - Complexity: none: the result shares the input's memory.
/// - Source: Keras, `keras.layers.Permute`.
public final class Permute: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Permute" }

  /// The axes in their new order, the first one behind the batch being 1.
  public let dims: [Int]

  /// Makes a layer that puts axes into an order.
  public init(dims: [Int]) { self.dims = dims }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(dims: try configuration.integers("dims"))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["dims": .array(dims.map { .integer($0) })] }

  /// Refuses `dims` that do not name each axis from 1 on once.
  public func checkSettings() throws(RecurraError) {
    guard dims.isEmpty || dims.sorted() != Array(1...dims.count) else { return }
    throw failure(.badArgument, expected: "dims that name each axis from 1 on once", got: "\(dims)")
  }

  /// Puts the extents into the order.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    guard inputShape.count == dims.count + 1 else {
      throw failure(expected: "input of \(dims.count + 1) axes", got: text(of: inputShape))
    }
    return [inputShape[0]] + dims.map { inputShape[$0] }
  }

  /// Puts the axes into the order.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    _ = try outputShape(for: input.shape)
    let value = try input.cutToLengths(Self.typeName).permuted([0] + dims)
    return Signal(value, mask: dims.first == 1 ? input.mask.withoutSteps : .all, states: input.states)
  }
}
