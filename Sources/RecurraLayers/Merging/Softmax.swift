public import RecurraTensor

/// Computes eˣ / Σ eˣ along the last axis, over what counts.
///
/// A second input says by its mask which entries of the last axis count: attention weighs the encoder's valid timesteps
/// alone. Others weigh 0, and are never read. Where no entry counts all weigh 0.
///
/// - Shapes: x [B, …, T]; a second input [B, T, …]; result as x.
/// - Throws: `badData` for other numbers of inputs, and a second one with other rows or timesteps.
/// - Complexity: one pass over the input, two more with a mask.
/// - Source: Keras, `keras.layers.Softmax`, whose `mask` is a value of its own; its `axis` is the last one here.
public final class Softmax: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Softmax" }

  /// Makes a softmax over the last axis.
  public init() {}

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    guard try configuration.integer("axis", default: -1) == -1 else {
      throw configuration.failure(
        "axis", expected: "-1, all that is supported", got: configuration.values["axis"] ?? .null)
    }
    self.init()
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["axis": .integer(-1)] }

  /// Returns the shape of the first input.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard (1...2).contains(inputShapes.count), inputShapes[0].count >= 2 else {
      throw failure(expected: "x [B, …, T], and perhaps a value with a mask", got: text(of: inputShapes))
    }
    let shape = inputShapes[0]
    if inputShapes.count == 2 {
      let masked = Array(inputShapes[1].prefix(2))
      guard fits(masked, [shape[0], shape[shape.count - 1]]) else {
        throw failure(
          expected: "a second input \(text(of: [shape[0], shape[shape.count - 1]])) in its first two axes",
          got: text(of: inputShapes[1]))
      }
    }
    return [shape]
  }

  /// Computes the weights.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    _ = try outputShapes(for: inputs.map { $0.shape.map { Optional($0) } })
    let x = inputs[0].tensor
    guard x.dtype.isFloating else { throw failure(expected: "floating input", got: "\(x.dtype)") }
    // Of a value [B, T] alone its own mask says what counts.
    let mask = inputs.count == 2 ? inputs[1].mask : x.rank == 2 ? inputs[0].mask : .all
    guard !mask.isAll else { return [Value(x.softmax(), mask: inputs[0].mask)] }
    let (rows, timesteps) = (x.shape[0], x.shape[x.rank - 1])
    try mask.check(rows: rows, timesteps: timesteps, Self.typeName)
    let counts = mask.tensor(rows: rows, timesteps: timesteps, dtype: .int32)
      .reshaped([rows] + [Int](repeating: 1, count: x.rank - 2) + [timesteps])
    let weights = Tensor.select(counts, x, Tensor(-.infinity, dtype: x.dtype)).softmax()
    // Where nothing counts the softmax is NaN, and replaced.
    return [Value(.select(counts, weights, Tensor(0, dtype: x.dtype)), mask: inputs[0].mask)]
  }
}
