/// Reshaping and slicing. Views share memory with their source; each has its gradient.
extension Tensor {
  /// Returns the same elements in another shape; one extent may be −1 and is worked out.
  ///
  /// - Precondition: a shape of as many elements.
  /// - Complexity: O(1) for a tensor in row-major order, else a copy.
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

  /// All elements in one axis.
  public var flattened: Tensor { reshaped([count]) }

  /// Returns the axes in another order: axis i of the result is axis `order[i]` of this tensor; shares memory.
  ///
  /// - Precondition: each axis once.
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

  /// Returns the tensor with two axes exchanged, the last two when left out; shares memory.
  ///
  /// - Precondition: at least two axes, and axes that are there.
  public func transposed(_ first: Int = -2, _ second: Int = -1) -> Tensor {
    check(rank >= 2, "transposed", expected: "two axes or more", got: "shape \(shape)")
    var order = Array(shape.indices)
    order.swapAt(Shape.axis(first, rank: rank, "transposed"), Shape.axis(second, rank: rank, "transposed"))
    return permuted(order)
  }

  /// Returns the tensor with an axis of extent 1 put in at `axis`, which counts from the end when negative.
  ///
  /// - Precondition: an axis in −rank − 1 ... rank.
  public func expanded(at axis: Int) -> Tensor {
    var target = shape
    target.insert(1, at: Shape.axis(axis, rank: rank + 1, "expanded"))
    return reshaped(target)
  }

  /// Returns the tensor without the axis `axis`.
  ///
  /// - Precondition: an axis of extent 1.
  public func squeezed(_ axis: Int) -> Tensor {
    let axis = Shape.axis(axis, rank: rank, "squeezed")
    check(shape[axis] == 1, "squeezed", expected: "an axis of extent 1", got: "axis \(axis) of \(shape)")
    var target = shape
    target.remove(at: axis)
    return reshaped(target)
  }

  /// Returns the elements whose index along `axis` lies in `range`, every `step`-th of them; shares memory.
  ///
  /// - Precondition: a range within the axis, a step of 1 or more.
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
  ///
  /// - Precondition: an index within the first axis.
  public subscript(index: Int) -> Tensor {
    check(rank >= 1 && index >= 0 && index < shape[0], "subscript", expected: "an index into \(shape)", got: "\(index)")
    return sliced(index..<(index + 1)).squeezed(0)
  }

  /// Returns the rows in `range` along the first axis; shares memory.
  ///
  /// - Precondition: a range within the first axis.
  public subscript(range: Range<Int>) -> Tensor { sliced(range) }

  /// Returns this dense tensor with `other` added to the elements that a view of its shape, with these strides, shows;
  /// each as often as the view shows it. For gradients of views.
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
}
