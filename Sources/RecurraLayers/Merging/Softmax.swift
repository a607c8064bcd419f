public import RecurraTensor

/// Computes eˣ / Σ eˣ along an axis, or over several together, over what counts.
///
/// A second input says by its mask which entries of the axis count: attention weighs the encoder's valid timesteps
/// alone. Others weigh 0, and are never read. Where no entry counts all weigh 0. Without a second input the value's own
/// mask says so for a softmax over time, alone or with other axes.
///
/// - Shapes: x [B, …]; a second input [B, T, …] where x has T along the one axis; result as x.
/// - Throws: `badData` for other numbers of inputs, and a second one with other rows or timesteps.
/// - Complexity: one pass over the input, two more with a mask.
/// - Source: Keras, `keras.layers.Softmax`, whose `mask` is a value of its own.
public final class Softmax: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Softmax" }

  /// The axes, the batch's being 0; below 0 counted from the end.
  public let axes: [Int]

  /// Makes a softmax over an axis, the last one when it is left out.
  public convenience init(axis: Int = -1) { self.init(axes: [axis]) }

  /// Makes a softmax over several axes together.
  public init(axes: [Int]) { self.axes = axes }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(axes: try configuration.integers("axis", default: [-1], in: -64...64))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    ["axis": axes.count == 1 ? .integer(axes[0]) : .array(axes.map { .integer($0) })]
  }

  /// Returns the shape of the first input.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard (1...2).contains(inputShapes.count), inputShapes[0].count >= 2 else {
      throw failure(expected: "x [B, …, T], and perhaps a value with a mask", got: text(of: inputShapes))
    }
    let shape = inputShapes[0]
    let places = try places(axes, in: shape)
    if inputShapes.count == 2 {
      let along = shape[places[0]]
      guard places.count == 1, fits(Array(inputShapes[1].prefix(2)), [shape[0], along]) else {
        throw failure(
          expected: places.count > 1
            ? "one input for a softmax over several axes"
            : "a second input \(text(of: [shape[0], along])) in its first two axes",
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
    let places = try places(axes, in: shapes[0])
    let mask = inputs.count == 2 ? inputs[1].mask : places.contains(1) ? inputs[0].mask : .all
    let time = inputs.count == 2 ? places[0] : 1
    let (rows, timesteps) = (x.shape[0], x.shape[min(time, x.rank - 1)])
    try mask.check(rows: rows, timesteps: timesteps, Self.typeName)
    // The function runs along the last axis, into which the others are drawn.
    let order = x.shape.indices.filter { !places.contains($0) } + places
    let extents = order.map { x.shape[$0] }
    func drawn(_ tensor: Tensor) -> Tensor {
      let isInOrder = order == Array(order.indices)
      return (isInOrder ? tensor : tensor.permuted(order)).reshaped(Array(extents.dropLast(places.count)) + [-1])
    }
    var weights = drawn(x)
    if mask.isAll {
      weights = weights.softmax()
    } else {
      let shape = [rows] + (1..<x.rank).map { $0 == time ? timesteps : 1 }
      let counts = mask.tensor(rows: rows, timesteps: timesteps, dtype: .int32).reshaped(shape)
      weights = weights.softmax(where: drawn(counts * Tensor.ones(x.shape, dtype: .int32)))
    }
    let back = order.indices.map { order.firstIndex(of: $0) ?? $0 }
    return [Value(weights.reshaped(extents).permuted(back), mask: inputs[0].mask)]
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
