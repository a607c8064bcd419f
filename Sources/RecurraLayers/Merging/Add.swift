public import RecurraTensor

/// Adds values of one shape: a residual connection, for instance.
///
/// A timestep counts where it does in every input.
///
/// - Shapes: inputs [B, …], at least one, all alike; result the same.
/// - Throws: `badData` for inputs of different shapes or types.
/// - Complexity: one pass over the inputs.
/// - Source: Keras, `keras.layers.Add`.
public final class Add: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Add" }

  /// Makes an adding layer.
  public init() {}

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) { self.init() }

  /// There are none.
  public var configuration: [String: JSONValue] { [:] }

  /// Returns the shape of the inputs.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard let shape = commonShape(inputShapes) else {
      throw failure(expected: "inputs of one shape", got: text(of: inputShapes))
    }
    return [shape]
  }

  /// Adds the inputs from the first to the last.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let tensors = try tensors(inputs)
    _ = try outputShapes(for: shapes(tensors))
    let sum = tensors.dropFirst().reduce(tensors[0]) { $0 + $1 }
    return [Value(sum, mask: try commonMask(inputs))]
  }
}
