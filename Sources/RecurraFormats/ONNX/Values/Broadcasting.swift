internal import RecurraLayers
internal import RecurraTensor

/// Shapes that are stretched to each other, as NumPy does it.
enum Broadcasting {
  /// The shape that all have in common; nil where two do not fit.
  static func shape(_ shapes: [[Int]]) -> [Int]? {
    var result: [Int] = []
    for shape in shapes {
      let rank = max(result.count, shape.count)
      var next = [Int](repeating: 1, count: rank)
      for axis in 0..<rank {
        let first = axis < rank - result.count ? 1 : result[axis - (rank - result.count)]
        let second = axis < rank - shape.count ? 1 : shape[axis - (rank - shape.count)]
        guard first == second || first == 1 || second == 1 else { return nil }
        next[axis] = first == 1 ? second : first
      }
      result = next
    }
    return result
  }

  /// For each element of `target` the place of the element of `shape` that is stretched to it.
  static func places(of shape: [Int], in target: [Int]) -> [Int] {
    let strides = Shape.broadcastStrides(shape: shape, strides: Shape.rowMajorStrides(shape), to: target)
    return places(shape: target, strides: strides, offset: 0)
  }

  /// The places of the elements that lie along some strides, in row-major order.
  static func places(shape: [Int], strides: [Int], offset: Int) -> [Int] {
    let count = shape.reduce(1, *)
    guard count > 0 else { return [] }
    guard let last = shape.last, let step = strides.last else { return [offset] }
    var result: [Int] = []
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: shape.count)
    var place = offset
    while result.count < count {
      for i in 0..<last { result.append(place + i * step) }
      var axis = shape.count - 2
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }
}

extension IntegerArray {
  /// Stretches the array to a shape that it broadcasts to.
  func stretched(to target: [Int]) -> IntegerArray {
    shape == target ? self : gathered(Broadcasting.places(of: shape, in: target), shape: target)
  }

  /// Combines the elements of two arrays of shapes that broadcast to `target`.
  func combined(
    with other: IntegerArray, _ target: [Int], as format: ElementFormat? = nil, _ body: (Int64, Int64) -> Int64
  ) -> IntegerArray {
    let format = format ?? self.format
    let (a, b) = (stretched(to: target).elements, other.stretched(to: target).elements)
    var result: [Int64] = []
    result.reserveCapacity(a.count)
    for index in a.indices { result.append(Self.wrapped(body(a[index], b[index]), to: format)) }
    return IntegerArray(result, shape: target, format: format)
  }
}
