/// Arithmetic on shapes, strides and axes, in one place.
package enum Shape {
  /// The number of elements; one that does not fit in `Int` is a programmer's mistake, also behind a 0.
  package static func count(_ shape: [Int]) -> Int {
    let (count, fault) = measured(shape, byteCount: 1)
    check(fault == nil, "shape", expected: fault ?? "", got: text(shape))
    return count
  }

  /// The number of bytes of a dense tensor.
  package static func byteCount(_ shape: [Int], _ dtype: DType) -> Int {
    let (count, fault) = measured(shape, byteCount: dtype.byteCount)
    check(fault == nil, "shape", expected: fault ?? "", got: text(shape))
    return count * dtype.byteCount
  }

  /// Checks extents that come from outside, and returns the number of elements.
  ///
  /// - Parameters:
  ///   - shape: the extents.
  ///   - byteCount: the bytes of one element.
  ///   - operation: what to name in the error.
  ///   - kind: what kind of error it is.
  /// - Throws: an error of that kind for a negative extent, and for more bytes than `Int` counts. Extents of 0 are left out of the
  ///   product, wherever they stand: strides must exist for such a shape too.
  package static func validated(
    _ shape: [Int], byteCount: Int = 1, operation: @autoclosure () -> String, kind: RecurraError.Kind = .badData
  ) throws(RecurraError) -> Int {
    let (count, fault) = measured(shape, byteCount: byteCount)
    if let fault { throw RecurraError(kind, operation: operation(), expected: fault, got: "shape \(text(shape))") }
    return count
  }

  /// The number of elements, and what the shape should have been when it is none.
  @inline(__always)
  private static func measured(_ shape: [Int], byteCount: Int) -> (count: Int, fault: String?) {
    var (product, isEmpty) = (byteCount, false)
    for extent in shape {
      if extent <= 0 {
        guard extent == 0 else { return (0, "extents of 0 or more") }
        isEmpty = true
        continue
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow else { return (0, "a number of \(byteCount == 1 ? "elements" : "bytes") that fits in Int") }
      product = next
    }
    return (isEmpty ? 0 : product / byteCount, nil)
  }

  /// A shape for a message; of more than eight axes it shows the first and the last.
  package static func text(_ shape: [Int]) -> String {
    guard shape.count > 8 else { return "\(shape)" }
    let ends = (shape.prefix(4).map(String.init), shape.suffix(2).map(String.init))
    return "[\(ends.0.joined(separator: ", ")), …, \(ends.1.joined(separator: ", "))] of \(shape.count) axes"
  }

  /// The index of the element at a position in row-major order, for a message: a number in a vector, else a list.
  package static func indexText(_ position: Int, in shape: [Int]) -> String {
    guard shape.count > 1 else { return "\(position)" }
    var (rest, index) = (position, [Int]())
    for extent in shape.reversed() {
      index.append(rest % max(extent, 1))
      rest /= max(extent, 1)
    }
    return text(index.reversed())
  }

  /// The strides of a row-major tensor, in elements.
  package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    // Few axes are by far the most common, and a literal is made several times as fast as an array of some length.
    switch shape.count {
    case 0: return []
    case 1: return [1]
    case 2: return [max(shape[1], 1), 1]
    case 3: return [max(shape[1], 1) * max(shape[2], 1), max(shape[2], 1), 1]
    default: break
    }
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

/// How the elements of one operand lie in its storage.
struct Layout {
  let shape: [Int]
  let strides: [Int]

  /// The stride along an axis of a shape that the operand is stretched to, aligned at the last axis.
  fileprivate func stride(_ axis: Int, of target: [Int]) -> Int {
    let own = axis - (target.count - shape.count)
    return own < 0 || shape[own] != target[axis] ? 0 : strides[own]
  }
}

/// One number for each of up to three operands.
struct Strides: Equatable {
  var first = 0
  var second = 0
  var third = 0

  static func + (left: Strides, right: Strides) -> Strides {
    Strides(
      first: left.first &+ right.first, second: left.second &+ right.second, third: left.third &+ right.third)
  }
  static func * (left: Strides, factor: Int) -> Strides {
    Strides(first: left.first &* factor, second: left.second &* factor, third: left.third &* factor)
  }
}

private struct WalkAxis {
  var extent: Int
  var steps: Strides
  var index = 0
}

/// Walks operands that are stretched to one shape, in row-major order: calls `row` with the position in that order, the length,
/// each operand's offset and each operand's step of every run along the last axis.
///
/// Axes that every operand goes through evenly are merged first, so a dense operation becomes one long run.
@inline(__always)
func walk(
  _ shape: [Int], _ first: Layout, _ second: Layout? = nil, _ third: Layout? = nil,
  _ row: (_ position: Int, _ count: Int, _ offsets: Strides, _ steps: Strides) -> Void
) {
  withUnsafeTemporaryAllocation(of: WalkAxis.self, capacity: shape.count + 1) { axes in
    let depth = merge(shape, first, second, third, into: axes)
    guard depth > 0 else { return }
    let inner = axes[depth - 1]
    var (position, offsets) = (0, Strides())
    while true {
      row(position, inner.extent, offsets, inner.steps)
      position += inner.extent
      var axis = depth - 2
      while axis >= 0 {
        axes[axis].index += 1
        offsets = offsets + axes[axis].steps
        if axes[axis].index < axes[axis].extent { break }
        offsets = offsets + axes[axis].steps * -axes[axis].extent
        axes[axis].index = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

/// Writes the merged axes, outermost first, and returns their number: 0 for an empty shape, at least 1 for every other.
private func merge(
  _ shape: [Int], _ first: Layout, _ second: Layout?, _ third: Layout?, into axes: UnsafeMutableBufferPointer<WalkAxis>
) -> Int {
  var depth = 0
  for axis in shape.indices where shape[axis] != 1 {
    if shape[axis] == 0 { return 0 }
    let steps = Strides(
      first: first.stride(axis, of: shape), second: second?.stride(axis, of: shape) ?? 0,
      third: third?.stride(axis, of: shape) ?? 0)
    if depth > 0, axes[depth - 1].steps == steps * shape[axis] {
      axes[depth - 1] = WalkAxis(extent: axes[depth - 1].extent * shape[axis], steps: steps)
    } else {
      axes.initializeElement(at: depth, to: WalkAxis(extent: shape[axis], steps: steps))
      depth += 1
    }
  }
  if depth == 0 {
    // A single element: dense in every operand.
    axes.initializeElement(at: 0, to: WalkAxis(extent: 1, steps: Strides(first: 1, second: 1, third: 1)))
    depth = 1
  }
  return depth
}
