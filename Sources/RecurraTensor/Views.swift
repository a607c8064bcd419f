/// Reshaping, slicing and joining. Views share memory with their source; each has its gradient.
extension Tensor {
  /// Returns the same elements in another shape; one extent may be −1 and is worked out.
  public func reshaped(_ target: [Int]) -> Tensor {
    var wanted = target
    if let unknown = wanted.firstIndex(of: -1) {
      wanted[unknown] = 1
      let known = Shape.count(wanted)
      check(
        known > 0 && count % known == 0, "reshaped", expected: "a shape that divides \(count) elements",
        got: "\(target)")
      wanted[unknown] = count / known
    }
    check(Shape.count(wanted) == count, "reshaped", expected: "a shape of \(count) elements", got: "\(target)")
    let dense = detached.contiguous
    let result = Tensor(
      shape: wanted, strides: Shape.rowMajorStrides(wanted), offset: dense.offset, dtype: dtype, storage: dense.storage)
    let source = shape
    return result.derived(from: [self]) { upstream, _ in [upstream.reshaped(source)] }
  }

  /// Returns all elements in one axis.
  public var flattened: Tensor { reshaped([count]) }

  /// Returns the axes in another order: axis i of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    let axes = order.map { Shape.axis($0, rank: rank, "permuted") }
    check(axes.sorted() == Array(shape.indices), "permuted", expected: "each of \(rank) axes once", got: "\(order)")
    let result = Tensor(
      shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] }, offset: offset, dtype: dtype, storage: storage)
    var inverse = axes
    for (position, axis) in axes.enumerated() { inverse[axis] = position }
    let back = inverse
    return result.derived(from: [self]) { upstream, _ in [upstream.permuted(back)] }
  }

  /// Returns the tensor with two axes exchanged, the last two when left out.
  public func transposed(_ first: Int = -2, _ second: Int = -1) -> Tensor {
    check(rank >= 2, "transposed", expected: "two axes or more", got: "shape \(shape)")
    var order = Array(shape.indices)
    order.swapAt(Shape.axis(first, rank: rank, "transposed"), Shape.axis(second, rank: rank, "transposed"))
    return permuted(order)
  }

  /// Returns the tensor with an axis of extent 1 put in at `axis`.
  public func expanded(at axis: Int) -> Tensor {
    var target = shape
    target.insert(1, at: Shape.axis(axis, rank: rank + 1, "expanded"))
    return reshaped(target)
  }

  /// Returns the tensor without the axis `axis`, whose extent is 1.
  public func squeezed(_ axis: Int) -> Tensor {
    let axis = Shape.axis(axis, rank: rank, "squeezed")
    check(shape[axis] == 1, "squeezed", expected: "an axis of extent 1", got: "axis \(axis) of \(shape)")
    var target = shape
    target.remove(at: axis)
    return reshaped(target)
  }

  /// Returns the elements whose index along `axis` lies in `range`, every `step`-th of them; shares memory.
  public func sliced(_ range: Range<Int>, axis: Int = 0, step: Int = 1) -> Tensor {
    let axis = Shape.axis(axis, rank: rank, "sliced")
    check(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "sliced",
      expected: "a range within 0..<\(shape[axis])", got: "\(range)")
    check(step >= 1, "sliced", expected: "a step of 1 or more", got: "\(step)")
    var target = shape
    target[axis] = (range.count + step - 1) / step
    var steps = strides
    steps[axis] *= step
    let result = Tensor(
      shape: target, strides: steps, offset: offset + range.lowerBound * strides[axis], dtype: dtype, storage: storage)
    let source = shape
    return result.derived(from: [self]) { upstream, _ in
      var steps = Shape.rowMajorStrides(source)
      let start = range.lowerBound * steps[axis]
      steps[axis] *= step
      return [Tensor.zeros(source, dtype: upstream.dtype).adding(upstream, at: start, strides: steps)]
    }
  }

  /// Returns the tensor repeated along its axes of extent 1 to a larger shape, without a copy.
  package func stretched(to target: [Int]) -> Tensor {
    if shape == target { return self }
    check(
      Shape.broadcast(shape, target, "stretched") == target, "stretched",
      expected: "a shape that \(shape) broadcasts to",
      got: "\(target)")
    let result = Tensor(
      shape: target, strides: Shape.broadcastStrides(shape: shape, strides: strides, to: target), offset: offset,
      dtype: dtype, storage: storage)
    let source = shape
    return result.derived(from: [self]) { upstream, _ in [upstream.reduced(to: source)] }
  }

  /// Returns the sub-tensor at `index` along the first axis; shares memory.
  public subscript(index: Int) -> Tensor {
    check(rank >= 1 && index >= 0 && index < shape[0], "subscript", expected: "an index into \(shape)", got: "\(index)")
    return sliced(index..<(index + 1)).squeezed(0)
  }

  /// Returns the rows in `range` along the first axis; shares memory.
  public subscript(range: Range<Int>) -> Tensor { sliced(range) }

  /// Returns this dense tensor with `other` added to the elements that a view of its shape, with these strides, shows; each as often
  /// as the view shows it. For gradients of views.
  func adding(_ other: Tensor, at start: Int, strides: [Int]) -> Tensor {
    func add<S: TensorScalar>(_ type: S.Type) -> Tensor {
      var result = self
      result.withMutablePointer(of: S.self) { output in
        other.withPointer(of: S.self) { input in
          walk(other.shape, Layout(shape: other.shape, strides: strides), other.layout) { _, count, offsets, steps in
            let target = output + start + offsets.first
            let source = input + offsets.second
            for i in 0..<count { target[i &* steps.first] += source[i &* steps.second] }
          }
        }
      }
      return result
    }
    return dtype == .float32 ? add(Float.self) : add(Double.self)
  }

  /// Joins tensors along an axis; the other extents must agree.
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
    switch first.dtype {
    case .float32: result = join(Float.self)
    case .float64: result = join(Double.self)
    case .int32: result = join(Int32.self)
    }
    let extents = tensors.map { $0.shape[axis] }
    return result.derived(from: tensors) { upstream, _ in upstream.split(extents, axis: axis) }
  }

  /// Joins tensors of one shape along a new axis.
  public static func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    concatenated(tensors.map { $0.expanded(at: axis) }, axis: axis)
  }

  /// Cuts the tensor along an axis into pieces of the given extents; they share memory.
  public func split(_ extents: [Int], axis: Int = 0) -> [Tensor] {
    let axis = Shape.axis(axis, rank: rank, "split")
    check(
      extents.reduce(0, +) == shape[axis], "split", expected: "extents that add up to \(shape[axis])", got: "\(extents)"
    )
    var start = 0
    return extents.map { extent in
      defer { start += extent }
      return sliced(start..<(start + extent), axis: axis)
    }
  }
}
