public import RecurraTensor

/// Puts values side by side along an axis.
///
/// One behind the other in time their masks are joined as well; with lengths a row of the next input begins where that
/// of the one before it ends. Along another axis a timestep counts where it does in any input.
///
/// - Shapes: inputs [B, …], alike but for `axis`; result the same with the sum of those extents.
/// - Throws: `badData` for inputs that do not fit together, and for the batch's axis.
/// - Complexity: one copy of the inputs.
/// - Source: Keras, `keras.layers.Concatenate`.
public final class Concatenate: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Concatenate" }

  /// The axis, the batch's being 0; below 0 counted from the end.
  public let axis: Int

  /// Makes a layer that puts values side by side along an axis, the last one when it is left out.
  public init(axis: Int = -1) { self.axis = axis }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(axis: try configuration.integer("axis", default: -1, in: -64...64))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["axis": .integer(axis)] }

  /// Adds the extents of the axis; the sum is unknown where one of them is.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard let rank = inputShapes.first?.count else { throw failure(expected: "at least one input", got: "none") }
    let axis = axis < 0 ? rank + axis : axis
    guard (1..<rank).contains(axis) else {
      throw failure(expected: "an axis behind the batch, of \(rank)", got: "axis \(self.axis)")
    }
    func others(_ shape: [Int?]) -> [Int?] { shape.enumerated().map { $0 == axis ? nil : $1 } }
    guard inputShapes.allSatisfy({ $0.count == rank }), var shape = commonShape(inputShapes.map(others)) else {
      throw failure(expected: "inputs alike but for axis \(axis)", got: text(of: inputShapes))
    }
    let extents = inputShapes.compactMap { $0[axis] }
    if extents.count == inputShapes.count { shape[axis] = extents.reduce(0) { MemoryLimit.sum($0, $1) } }
    return [shape]
  }

  /// Puts the inputs side by side, the first one in front.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let tensors = try tensors(inputs)
    _ = try outputShapes(for: shapes(tensors))
    let axis = axis < 0 ? tensors[0].rank + axis : axis
    let joined = Tensor.concatenated(tensors, axis: axis)
    guard axis == 1 else { return [Value(joined, mask: try commonMask(inputs))] }
    return [inputs.allSatisfy(\.mask.isAll) ? Value(joined) : try inOrder(joined, inputs)]
  }

  /// Values one behind the other in time, and their masks. With lengths a row of the next value begins where the one
  /// before it ends, as if the row stood alone.
  private func inOrder(_ joined: Tensor, _ inputs: [Value]) throws(RecurraError) -> Value {
    let mask = try joinedMask(inputs)
    let lengths = inputs.map { $0.mask.withoutSteps.lengths }
    if lengths.allSatisfy({ $0 == nil }) { return Value(joined, mask: mask) }
    let (rows, timesteps) = (joined.shape[0], joined.shape[1])
    guard MemoryLimit.bytes(rows, timesteps) <= Int(Int32.max) else {
      throw failure(expected: "less than 2³¹ timesteps", got: "\(joined.shape)")
    }
    let old = mask.flags(rows, timesteps)
    var (sources, steps, ends) = ([Int32](), [Bool](), [Int]())
    for row in 0..<rows {
      var (kept, behind, start) = ([Int](), [Int](), row * timesteps)
      for (input, lengths) in zip(inputs, lengths) {
        let end = start + (lengths?[row] ?? input.shape[1])
        kept += start..<end
        behind += end..<start + input.shape[1]
        start += input.shape[1]
      }
      ends.append(kept.count)
      for source in kept + behind {
        sources.append(Int32(source))
        steps.append(old[source])
      }
    }
    let table = joined.reshaped([rows * timesteps] + joined.shape.dropFirst(2))
    return Value(
      table.gathered(Tensor(sources, shape: [rows, timesteps])),
      mask: try SequenceMask(steps, rows: rows, timesteps: timesteps).intersection(.lengths(ends)))
  }

  /// The masks one behind the other.
  private func joinedMask(_ inputs: [Value]) throws(RecurraError) -> SequenceMask {
    if inputs.allSatisfy(\.mask.isAll) { return .all }
    let rows = inputs[0].shape[0]
    var steps = [[Bool]](repeating: [], count: rows)
    for input in inputs {
      let timesteps = input.shape[1]
      try input.mask.check(rows: rows, timesteps: timesteps, Self.typeName)
      let flags = input.mask.flags(rows, timesteps)
      for row in 0..<rows { steps[row] += flags[row * timesteps..<(row + 1) * timesteps] }
    }
    return try SequenceMask(steps: steps)
  }
}
