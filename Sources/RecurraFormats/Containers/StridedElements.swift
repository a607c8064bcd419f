/// Elements of a file that lie anywhere: in Fortran's order, in a part of a storage, or once for many places.
struct StridedElements {
  let elementByteCount: Int
  let shape: [Int]
  /// From one element to the next along each axis, in elements.
  let strides: [Int]
  /// The first element.
  let offset: Int

  /// Tells whether every element lies within a storage; strides below 0 never do.
  func liesWithin(elementCount: Int) -> Bool {
    guard strides.count == shape.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }) else { return false }
    if shape.contains(0) { return offset <= elementCount }
    var last = offset
    for (extent, stride) in zip(shape, strides) {
      let (reach, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow) = last.addingReportingOverflow(reach)
      guard !tooFar, !overflow else { return false }
      last = sum
    }
    return last < elementCount
  }

  private var isRowMajor: Bool {
    var expected = 1
    for (extent, stride) in zip(shape, strides).reversed() {
      if extent != 1, stride != expected { return false }
      expected *= extent
    }
    return true
  }

  /// The elements in row-major order.
  ///
  /// - Precondition: `liesWithin`, and the size of all elements fits in `Int`.
  func rowMajor(_ bytes: [UInt8]) -> [UInt8] {
    let count = shape.reduce(1, *)
    guard count > 0 else { return [] }
    let start = offset * elementByteCount
    if isRowMajor {
      let end = start + count * elementByteCount
      return start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
    }
    var result: [UInt8] = []
    result.reserveCapacity(count * elementByteCount)
    var index = [Int](repeating: 0, count: shape.count)
    var place = offset
    for _ in 0..<count {
      let first = place * elementByteCount
      for byte in first..<(first + elementByteCount) { result.append(bytes[byte]) }
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= index[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }

  /// Turns the bytes of each element round.
  static func swapped(_ bytes: [UInt8], elementByteCount: Int) -> [UInt8] {
    guard elementByteCount > 1 else { return bytes }
    var result = bytes
    for start in stride(from: 0, through: bytes.count - elementByteCount, by: elementByteCount) {
      for byte in 0..<elementByteCount { result[start + byte] = bytes[start + elementByteCount - 1 - byte] }
    }
    return result
  }
}
