internal import RecurraTensor

/// The extents of a dataset or an attribute.
enum HDF5Dataspace {
  /// Reads a dataspace message; nil for one without elements, which is called null.
  ///
  /// - Throws: `badFile` for a damaged message, or more elements than can be counted.
  static func shape(_ cursor: inout HDF5Cursor) throws(RecurraError) -> [Int]? {
    let (version, rank, flags) = (try cursor.byte(), Int(try cursor.byte()), try cursor.byte())
    switch version {
    case 1: try cursor.skip(5)
    case 2: if try cursor.byte() == 2 { return nil }
    default: throw cursor.damaged(expected: "a dataspace of version 1 or 2", got: "\(version)")
    }
    guard rank <= 32 else { throw cursor.damaged(expected: "at most 32 axes", got: "\(rank)") }
    var shape: [Int] = []
    for _ in 0..<rank { shape.append(try cursor.count()) }
    if flags & 1 == 1 { try cursor.skip(8 * rank) }
    guard byteCount(of: shape, 8) != nil else {
      throw cursor.damaged(expected: "extents whose product can be counted", got: "\(shape)")
    }
    return shape
  }

  /// The bytes of elements of a size; nil where they cannot be counted, also behind an extent of 0, by whose neighbours
  /// strides are made.
  static func byteCount(of shape: [Int], _ elementByteCount: Int) -> Int? {
    var product = max(elementByteCount, 1)
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard extent >= 0, !overflow else { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : shape.reduce(elementByteCount, *)
  }
}
