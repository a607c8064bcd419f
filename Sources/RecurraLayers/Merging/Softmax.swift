public import RecurraTensor

/// Computes eˣ / Σ eˣ along an axis, over what counts.
///
/// A second input says by its mask which entries of the axis count: attention weighs the encoder's valid timesteps
/// alone. Others weigh 0, and are never read. Where no entry counts all weigh 0. Without a second input the value's own
/// mask says so for a softmax over time.
///
/// - Shapes: x [B, …]; a second input [B, T, …] where x has T along the axis; result as x.
/// - Throws: `badData` for other numbers of inputs, and a second one with other rows or timesteps.
/// - Complexity: one pass over the input, two more with a mask.
/// - Source: Keras, `keras.layers.Softmax`, whose `mask` is a value of its own; its `axis` is one axis here.
public final class Softmax: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Softmax" }

  /// The axis, the batch's being 0; below 0 counted from the end.
  public let axis: Int

  /// Makes a softmax over an axis, the last one when it is left out.
  public init(axis: Int = -1) { self.axis = axis }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let axes = try configuration.integers("axis", default: [-1], in: -64...64)
    guard axes.count == 1 else {
      throw configuration.failure(
        "axis", expected: "one axis, all that is supported", got: configuration.values["axis"] ?? .null)
    }
    self.init(axis: axes[0])
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["axis": .integer(axis)] }

  /// Returns the shape of the first input.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard (1...2).contains(inputShapes.count), inputShapes[0].count >= 2 else {
      throw failure(expected: "x [B, …, T], and perhaps a value with a mask", got: text(of: inputShapes))
    }
    let shape = inputShapes[0]
    let along = shape[try place(of: axis, in: shape)]
    if inputShapes.count == 2 {
      guard fits(Array(inputShapes[1].prefix(2)), [shape[0], along]) else {
        throw failure(
          expected: "a second input \(text(of: [shape[0], along])) in its first two axes",
          got: text(of: inputShapes[1]))
      }
    }
    return [shape]
  }

  /// Computes the weights.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let shapes = inputs.map { $0.shape.map { Optional($0) } }
    _ = try outputShapes(for: shapes)
    let x = inputs[0].tensor
    guard x.dtype.isFloating else { throw failure(expected: "floating input", got: "\(x.dtype)") }
    let place = try place(of: axis, in: shapes[0])
    let mask = inputs.count == 2 ? inputs[1].mask : place == 1 ? inputs[0].mask : .all
    let (rows, timesteps) = (x.shape[0], x.shape[place])
    try mask.check(rows: rows, timesteps: timesteps, Self.typeName)
    // The function runs along the last axis.
    let last = place == x.rank - 1 ? x : x.transposed(place, -1)
    let weights: Tensor
    if mask.isAll {
      weights = last.softmax()
    } else {
      let counts = mask.tensor(rows: rows, timesteps: timesteps, dtype: .int32)
      weights = last.softmax(where: counts.reshaped([rows] + [Int](repeating: 1, count: x.rank - 2) + [timesteps]))
    }
    return [Value(place == x.rank - 1 ? weights : weights.transposed(place, -1), mask: inputs[0].mask)]
  }
}

extension Tensor {
  /// Computes the softmax over the entries of the last axis that count; others weigh 0 and are never read, and so do
  /// all where none counts.
  ///
  /// - Shapes: `counts`, int32, broadcasts to this tensor.
  func softmax(where counts: Tensor) -> Tensor {
    let weights = Tensor.select(counts, self, Tensor(-.infinity, dtype: dtype)).softmax()
    // Where nothing counts the softmax is NaN, and replaced.
    return .select(counts, weights, Tensor(0, dtype: dtype))
  }
}
