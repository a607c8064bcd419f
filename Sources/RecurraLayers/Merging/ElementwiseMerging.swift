public import RecurraTensor

// Six layers of a few lines share this file, because what they do beyond their one formula is the protocol's.

/// A layer that computes each number from those at its place in every input.
///
/// Inputs of fewer axes are repeated along those that they lack behind the batch, extents of 1 along the axis. A
/// timestep counts where it does in any input: masks are joined by "or", and an input without a mask leaves none.
/// Products and extremes take masked numbers for those of the other inputs.
///
/// - Source: Keras, whose `keras.layers.Add` and its like join values and masks in the same way.
public protocol ElementwiseMergingLayer: MergingLayer {
  /// Makes a layer; there are no settings.
  init()
  /// Computes the output from inputs of one type whose shapes broadcast.
  func merged(_ tensors: [Tensor]) -> Tensor
  /// Computes the output from inputs of which int32 numbers [B, T, …] say what counts, by not being 0; nil where all
  /// does. As `merged(_:)` when left out.
  func merged(_ tensors: [Tensor], where counts: [Tensor?]) -> Tensor
  /// The number of inputs that the layer takes.
  var inputCounts: ClosedRange<Int> { get }
}

extension ElementwiseMergingLayer {
  /// Makes the layer from its arguments in a file.
  public init(configuration: LayerArguments) throws(RecurraError) { self.init() }
  /// There are none.
  public var configuration: [String: JSONValue] { [:] }
  /// Any number but 0.
  public var inputCounts: ClosedRange<Int> { 1...Int.max }
  /// Takes masked numbers like any others.
  public func merged(_ tensors: [Tensor], where counts: [Tensor?]) -> Tensor { merged(tensors) }

  /// Works out the shape that the inputs broadcast to.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard inputCounts.contains(inputShapes.count) else {
      throw failure(expected: inputCounts == 2...2 ? "two inputs" : "at least one input", got: "\(inputShapes.count)")
    }
    guard let shape = broadcastShape(inputShapes) else {
      throw failure(expected: "inputs of one shape, or of shapes that broadcast", got: text(of: inputShapes))
    }
    return [shape]
  }

  /// Merges the inputs.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let tensors = try tensors(inputs)
    let rank = try outputShapes(for: shapes(tensors))[0].count
    let aligned = tensors.map { tensor in
      tensor.rank == rank
        ? tensor
        : tensor.reshaped(
          tensor.shape.prefix(1) + [Int](repeating: 1, count: rank - tensor.rank) + tensor.shape.dropFirst())
    }
    let mask = try commonMask(inputs)
    if inputs.allSatisfy(\.mask.isAll) { return [Value(merged(aligned), mask: mask)] }
    var counts: [Tensor?] = []
    for (input, tensor) in zip(inputs, aligned) {
      counts.append(try Signal(tensor, mask: input.mask).counts(Self.typeName))
    }
    return [Value(merged(aligned, where: counts), mask: mask)]
  }
}

/// Adds the inputs from the first to the last.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Add`.
public final class Add: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Add" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Adds the inputs from the first to the last.
  public func merged(_ tensors: [Tensor]) -> Tensor { tensors.dropFirst().reduce(tensors[0]) { $0 + $1 } }
}

/// Subtracts the second input from the first.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for other than two inputs, and inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Subtract`.
public final class Subtract: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Subtract" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Two.
  public var inputCounts: ClosedRange<Int> { 2...2 }
  /// Subtracts the second input from the first.
  public func merged(_ tensors: [Tensor]) -> Tensor { tensors[0] - tensors[1] }
}

/// Multiplies the inputs from the first to the last.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Multiply`.
public final class Multiply: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Multiply" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Multiplies the inputs from the first to the last.
  public func merged(_ tensors: [Tensor]) -> Tensor { tensors.dropFirst().reduce(tensors[0]) { $0 * $1 } }

  /// Multiplies what counts; what counts in no input becomes 0.
  public func merged(_ tensors: [Tensor], where counts: [Tensor?]) -> Tensor {
    let factors = zip(tensors, counts).map { x, counts in
      counts.map { .select($0, x, Tensor(1, dtype: x.dtype)) } ?? x
    }
    let known = counts.compactMap { $0 }
    guard known.count == counts.count, let first = known.first else { return merged(factors) }
    let any = known.dropFirst().reduce(first) { $0 + $1 }
    return .select(any, merged(factors), Tensor(0, dtype: tensors[0].dtype))
  }
}

/// Computes the mean of the inputs.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Average`.
public final class Average: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Average" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Computes the mean of the inputs.
  public func merged(_ tensors: [Tensor]) -> Tensor {
    tensors.dropFirst().reduce(tensors[0]) { $0 + $1 } / Double(tensors.count)
  }
}

/// Takes the largest of the inputs, number by number; equal ones share the gradient.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Maximum`.
public final class Maximum: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Maximum" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Takes the largest of the inputs, number by number; equal ones share the gradient.
  public func merged(_ tensors: [Tensor]) -> Tensor { tensors.dropFirst().reduce(tensors[0]) { .maximum($0, $1) } }

  /// Takes the largest of what counts.
  public func merged(_ tensors: [Tensor], where counts: [Tensor?]) -> Tensor {
    tensors.folded(where: counts) { .maximum($0, $1) }
  }
}

/// Takes the smallest of the inputs, number by number; equal ones share the gradient.
///
/// - Shapes: inputs [B, …] of shapes that broadcast; result of the shape that they broadcast to.
/// - Throws: `badData` for inputs of different types or of shapes that do not broadcast.
/// - Complexity: one pass over each input.
/// - Source: Keras, `keras.layers.Minimum`.
public final class Minimum: ElementwiseMergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Minimum" }
  /// Makes the layer; there are no settings.
  public init() {}
  /// Takes the smallest of the inputs, number by number; equal ones share the gradient.
  public func merged(_ tensors: [Tensor]) -> Tensor { tensors.dropFirst().reduce(tensors[0]) { .minimum($0, $1) } }

  /// Takes the smallest of what counts.
  public func merged(_ tensors: [Tensor], where counts: [Tensor?]) -> Tensor {
    tensors.folded(where: counts) { .minimum($0, $1) }
  }
}

extension [Tensor] {
  /// Joins tensors two by two as Keras does: what a mask leaves out on one side is that of the other.
  fileprivate func folded(where counts: [Tensor?], _ operation: (Tensor, Tensor) -> Tensor) -> Tensor {
    var (output, known) = (self[0], counts[0])
    for (next, own) in zip(self, counts).dropFirst() {
      let right = own.map { .select($0, next, output) } ?? next
      let left = known.map { .select($0, output, right) } ?? output
      known = known.flatMap { known in own.map { known + $0 } }
      output = operation(left, right)
    }
    return output
  }
}

/// The shape that shapes broadcast to, those of fewer axes being repeated behind the batch; nil where they do not fit.
private func broadcastShape(_ shapes: [[Int?]]) -> [Int?]? {
  guard let rank = shapes.map(\.count).max(), shapes.allSatisfy({ !$0.isEmpty }) else { return nil }
  var result: [Int?] = []
  for axis in 0..<rank {
    let extents = shapes.compactMap { shape -> Int?? in
      axis == 0 ? .some(shape[0]) : axis + shape.count < rank + 1 ? nil : .some(shape[axis + shape.count - rank])
    }
    let known = Set(extents.compactMap { $0 })
    // The batch is repeated for no input: a row of one is not a row of all.
    let wide = axis == 0 ? known : known.filter { $0 != 1 }
    guard wide.count <= 1 else { return nil }
    result.append(wide.first ?? (extents.contains { $0 == nil } ? nil : known.first))
  }
  return result
}
