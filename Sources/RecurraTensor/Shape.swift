/// Arithmetic on shapes, strides and axes, in one place.
package enum Shape {
  /// The number of elements; a product that does not fit in `Int` is a programmer's mistake.
  package static func count(_ shape: [Int]) -> Int {
    var count = 1
    for extent in shape {
      check(extent >= 0, "shape", expected: "extents of 0 or more", got: "\(shape)")
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      check(!overflow, "shape", expected: "a number of elements that fits in Int", got: "\(shape)")
      count = product
    }
    return count
  }

  /// The strides of a row-major tensor, in elements.
  package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1) }
    return strides
  }

  /// An axis counted from the end when negative, as in NumPy.
  package static func axis(_ axis: Int, rank: Int, _ operation: String) -> Int {
    check(
      axis >= -rank && axis < rank, operation, expected: "an axis in \(-rank)..<\(rank)", got: "\(axis)")
    return axis < 0 ? axis + rank : axis
  }

  /// The shape two operands have in common when each is stretched along axes of extent 1, aligned at the last axis.
  package static func broadcast(_ left: [Int], _ right: [Int], _ operation: String) -> [Int] {
    let rank = max(left.count, right.count)
    return (0..<rank).map { axis in
      let first = axis - (rank - left.count) >= 0 ? left[axis - (rank - left.count)] : 1
      let second = axis - (rank - right.count) >= 0 ? right[axis - (rank - right.count)] : 1
      check(
        first == second || first == 1 || second == 1, operation, expected: "shapes that broadcast",
        got: "\(left) and \(right)")
      return first == 1 ? second : first
    }
  }

  /// The strides that make a tensor look as if it had the shape `target`: 0 along stretched axes.
  package static func broadcastStrides(shape: [Int], strides: [Int], to target: [Int]) -> [Int] {
    let missing = target.count - shape.count
    return target.indices.map { axis in
      axis < missing || shape[axis - missing] != target[axis] ? 0 : strides[axis - missing]
    }
  }
}

/// Walks several operands of one shape together: calls `row` with each operand's offset for every run along the last axis.
///
/// Axes that are contiguous in every operand are merged first, so a dense operation becomes one long run.
@inline(__always)
func walk(_ shape: [Int], _ strides: [[Int]], _ row: (_ offsets: [Int], _ count: Int, _ strides: [Int]) -> Void) {
  guard Shape.count(shape) > 0 else { return }
  var extents: [Int] = []
  var steps: [[Int]] = strides.map { _ in [] }
  for axis in shape.indices where shape[axis] != 1 {
    let last = extents.count - 1
    if last >= 0, strides.indices.allSatisfy({ steps[$0][last] == strides[$0][axis] * shape[axis] }) {
      extents[last] *= shape[axis]
      for operand in strides.indices { steps[operand][last] = strides[operand][axis] }
    } else {
      extents.append(shape[axis])
      for operand in strides.indices { steps[operand].append(strides[operand][axis]) }
    }
  }
  guard let count = extents.popLast() else {
    row(strides.map { _ in 0 }, 1, strides.map { _ in 1 })
    return
  }
  let inner = steps.indices.map { steps[$0].removeLast() }
  var index = [Int](repeating: 0, count: extents.count)
  var offsets = [Int](repeating: 0, count: strides.count)
  while true {
    row(offsets, count, inner)
    var axis = extents.count - 1
    while axis >= 0 {
      index[axis] += 1
      for operand in offsets.indices { offsets[operand] += steps[operand][axis] }
      if index[axis] < extents[axis] { break }
      for operand in offsets.indices { offsets[operand] -= steps[operand][axis] * extents[axis] }
      index[axis] = 0
      axis -= 1
    }
    if axis < 0 { return }
  }
}
