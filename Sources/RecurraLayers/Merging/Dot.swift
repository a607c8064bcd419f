public import RecurraTensor

/// Multiplies two values and adds along an axis of each: what attention compares and sums up with.
///
/// With lengths only what lies in front of a row's end is added, and those of the first input go on where its time
/// does. A mask of steps is not looked at and goes no further, as in Keras.
///
/// - Shapes: x [B, M, K] and y [B, N, K] with axes 2 and 2 give [B, M, N]; x [B, M, K] and y [B, K, N] with axes 2 and
///   1 give [B, M, N]; [B, K] and [B, K] give [B, 1]; a matrix and a vector to each row give a vector.
/// - Throws: `badData` for inputs other than two of 2 or 3 axes, and for extents that differ.
/// - Complexity: 2·B·M·K·N flops, on OpenBLAS.
/// - Source: Keras, `keras.layers.Dot`.
public final class Dot: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Dot" }

  /// The axis of either input, the batch's being 0; below 0 counted from the end.
  public let axes: [Int]
  /// Tells whether what is added along the axes is brought to length 1 first, so that the result is the cosine.
  public let normalize: Bool

  /// Makes a layer that adds along one axis of both inputs.
  public convenience init(axes: Int, normalize: Bool = false) { self.init(axes: [axes, axes], normalize: normalize) }

  /// Makes a layer that adds along an axis of the first input and another one of the second.
  public init(axes: [Int], normalize: Bool = false) { (self.axes, self.normalize) = (axes, normalize) }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let value = configuration.value("axes") ?? .null
    var axes: [Int] = []
    if let axis = value.wholeNumber { axes = [axis, axis] }
    if case .array(let elements) = value { axes = elements.compactMap(\.wholeNumber) }
    guard axes.count == 2 else { throw configuration.failure("axes", expected: "an axis, or two", got: value) }
    self.init(axes: axes, normalize: try configuration.bool("normalize", default: false))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    ["axes": .array(axes.map { .integer($0) }), "normalize": .bool(normalize)]
  }

  /// Refuses other than two axes.
  public func checkSettings() throws(RecurraError) {
    guard axes.count != 2 else { return }
    throw failure(.badArgument, expected: "two axes", got: "\(axes)")
  }

  /// Leaves the two axes out and puts what is left side by side.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    try checkSettings()
    guard inputShapes.count == 2, inputShapes.allSatisfy({ (2...3).contains($0.count) }) else {
      throw failure(expected: "two inputs of 2 or 3 axes", got: text(of: inputShapes))
    }
    let places = places(inputShapes)
    guard zip(places, inputShapes).allSatisfy({ (1..<$1.count).contains($0) }) else {
      throw failure(expected: "axes behind the batch", got: "axes \(axes) of \(text(of: inputShapes))")
    }
    let (first, second) = (inputShapes[0], inputShapes[1])
    let extents = [first[places[0]], second[places[1]]]
    guard fits([first[0]], [second[0]]), fits([extents[0]], [extents[1]]) else {
      throw failure(
        expected: "one batch, and one extent along axes \(places[0]) and \(places[1])", got: text(of: inputShapes))
    }
    func rest(_ shape: [Int?], _ place: Int) -> [Int?] {
      shape.indices.filter { $0 > 0 && $0 != place }.map { shape[$0] }
    }
    let free = rest(first, places[0]) + rest(second, places[1])
    return [[first[0] ?? second[0]] + (free.isEmpty ? [1] : free)]
  }

  /// Multiplies and adds.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let tensors = try tensors(inputs)
    let shape = try outputShapes(for: shapes(tensors))[0]
    let places = places(shapes(tensors))
    var operands: [Tensor] = []
    for (index, tensor) in tensors.enumerated() {
      let operand = try places[index] == 1 ? tensor.cleared(by: inputs[index].mask.withoutSteps, Self.typeName) : tensor
      operands.append(normalize ? operand.unit(along: [places[index]]) : operand)
    }
    // [B, M, K] and [B, K, N], a missing axis being 1.
    let (x, y) = (operands[0], operands[1])
    let left = x.rank == 2 ? x.expanded(at: 1) : places[0] == 1 ? x.transposed() : x
    let right = y.rank == 2 ? y.expanded(at: 2) : places[1] == 2 ? y.transposed() : y
    let product = left.matrixProduct(right).reshaped(shape.map { $0 ?? 0 })
    return [Value(product, mask: x.rank == 3 && places[0] == 2 ? inputs[0].mask.withoutSteps : .all)]
  }

  private func places(_ shapes: [[Int?]]) -> [Int] { zip(axes, shapes).map { $0 < 0 ? $1.count + $0 : $0 } }
}

extension Tensor {
  /// The same with 0 at every timestep that does not count; nothing of what stands there is left, not even NaN.
  ///
  /// - Shapes: this tensor [B, T, …].
  func cleared(by mask: SequenceMask, _ operation: String) throws(RecurraError) -> Tensor {
    if mask.isAll || rank < 2 { return self }
    try mask.check(rows: shape[0], timesteps: shape[1], operation)
    let flags = mask.tensor(rows: shape[0], timesteps: shape[1], dtype: .int32)
    let condition = flags.reshaped(Array(shape.prefix(2)) + [Int](repeating: 1, count: rank - 2))
    return .select(condition, self, Tensor(0, dtype: dtype))
  }
}
