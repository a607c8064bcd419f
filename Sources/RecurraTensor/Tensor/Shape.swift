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
  /// - Throws: an error of that kind for a negative extent, and for more bytes than `Int` counts. Extents of 0 are left
  ///   out of the product, wherever they stand: strides must exist for such a shape too.
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
