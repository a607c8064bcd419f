/// Joining and cutting up; each has its gradient.
extension Tensor {
  /// Joins tensors along an axis.
  ///
  /// - Precondition: at least one tensor; one type, and equal extents but for the axis.
  /// - Complexity: one copy.
  public static func concatenated(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    guard let first = tensors.first else { stop("concatenated", expected: "a tensor", got: "none") }
    let axis = Shape.axis(axis, rank: first.rank, "concatenated")
    var target = first.shape
    target[axis] = tensors.reduce(0) { $0 + ($1.rank == first.rank ? $1.shape[axis] : 0) }
    for tensor in tensors {
      var expected = first.shape
      if tensor.rank == first.rank { expected[axis] = tensor.shape[axis] }
      check(
        tensor.shape == expected && tensor.dtype == first.dtype, "concatenated",
        expected: "\(first.dtype) of shape \(first.shape) but for axis \(axis)",
        got: "\(tensor.dtype) of \(tensor.shape)")
    }
    let steps = Shape.rowMajorStrides(target)
    func join<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(target, of: S.self) { output in
        var start = 0
        for tensor in tensors {
          tensor.withPointer(of: S.self) { input in
            walk(tensor.shape, Layout(shape: tensor.shape, strides: steps), tensor.layout) {
              _, count, offsets, strides in
              let target = output + start + offsets.first
              let source = input + offsets.second
              if strides.first == 1, strides.second == 1 {
                target.update(from: source, count: count)
              } else {
                for i in 0..<count { target[i &* strides.first] = source[i &* strides.second] }
              }
            }
          }
          start += tensor.shape[axis] * steps[axis]
        }
      }
    }
    let result: Tensor
    switch first.dtype.representation {
    case .float32: result = join(Float.self)
    case .float64: result = join(Double.self)
    case .int32: result = join(Int32.self)
    }
    let extents = tensors.map { $0.shape[axis] }
    return result.derived(from: tensors) { upstream, _ in upstream.split(extents, axis: axis) }
  }

  /// Joins tensors of one shape along a new axis.
  ///
  /// - Shapes: N tensors [A, B] along axis 0 give [N, A, B].
  /// - Precondition: at least one tensor; one type and shape.
  /// - Complexity: one copy.
  public static func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    concatenated(tensors.map { $0.expanded(at: axis) }, axis: axis)
  }

  /// Cuts the tensor along an axis into pieces of the given extents; they share memory.
  ///
  /// - Precondition: extents that add up to the axis'.
  public func split(_ extents: [Int], axis: Int = 0) -> [Tensor] {
    let axis = Shape.axis(axis, rank: rank, "split")
    check(
      extents.reduce(0, +) == shape[axis], "split", expected: "extents that add up to \(shape[axis])", got: "\(extents)"
    )
    var start = 0
    let whole = detached
    let pieces = extents.map { extent in
      defer { start += extent }
      return whole.sliced(start..<(start + extent), axis: axis)
    }
    guard isTracked else { return pieces }
    // One operation: a slice by itself would have a gradient as large as the whole.
    let shapes = pieces.map(\.shape)
    let node = Node(parents: [origin], outputCount: pieces.count) { [dtype] upstream in
      [.concatenated(zip(upstream, shapes).map { $0 ?? .zeros($1, dtype: dtype) }, axis: axis)]
    }
    return pieces.enumerated().map { $1.with(origin: Origin(node: node, output: $0)) }
  }
}
