internal import RecurraLayers
internal import RecurraTensor

/// The blocks that a dataset is cut into, each compressed by itself or not at all.
struct HDF5Chunks: Sendable {
  /// A block: where it lies in the file, and its first element in the dataset.
  struct Chunk: Sendable {
    let range: Range<Int>
    let start: [Int]
    /// The filters that have been left out for this block, a bit each.
    let skippedFilters: UInt64
  }

  /// The extents of every block; those at the end of an axis reach beyond it.
  let shape: [Int]
  let chunks: [Chunk]
  let filters: [HDF5Filter]

  /// Puts every block in its place among the elements of a dataset.
  func read(
    into target: inout [UInt8], _ extents: [Int], _ elementByteCount: Int, _ file: InputFile, _ name: String
  ) throws(RecurraError) {
    guard let byteCount = HDF5Dataspace.byteCount(of: shape, elementByteCount), byteCount <= 1 << 30 else {
      throw file.damaged(expected: "chunks of dataset \(name.excerpt) of at most 1 GiB", got: "\(shape)")
    }
    // Blocks may hang over the end, yet all of them together hold little more than there is.
    var total = 0
    for chunk in chunks {
      let (sum, overflow) = total.addingReportingOverflow(byteCount)
      guard !overflow, sum <= 64 * max(target.count, 1 << 20) else {
        throw file.damaged(expected: "chunks no larger than dataset \(name.excerpt) \(extents)", got: "\(shape)")
      }
      total = sum
      try MemoryLimit.require(byteCount, file.operation, for: "a chunk of dataset \(name.excerpt)")
      var bytes = try file.bytes(chunk.range)
      for (index, filter) in filters.enumerated().reversed() where chunk.skippedFilters >> UInt64(index) & 1 == 0 {
        bytes = try filter.undo(bytes, byteCount, elementByteCount, file, name)
      }
      guard bytes.count == byteCount else {
        throw file.damaged(expected: "chunks of dataset \(name.excerpt) of \(byteCount) bytes", got: "\(bytes.count)")
      }
      copy(bytes, from: chunk.start, into: &target, extents, elementByteCount)
    }
  }

  /// Copies the part of a block that lies within the dataset, row by row along the last axis.
  private func copy(
    _ bytes: [UInt8], from start: [Int], into target: inout [UInt8], _ extents: [Int], _ elementByteCount: Int
  ) {
    let counts = extents.indices.map { max(0, min(shape[$0], extents[$0] - start[$0])) }
    guard let width = counts.last, !counts.contains(0) else { return }
    var index = [Int](repeating: 0, count: counts.count)
    repeat {
      var (from, to) = (0, 0)
      for axis in counts.indices {
        from = from * shape[axis] + index[axis]
        to = to * extents[axis] + start[axis] + index[axis]
      }
      let source = (from * elementByteCount)..<((from + width) * elementByteCount)
      target.replaceSubrange((to * elementByteCount)..<((to + width) * elementByteCount), with: bytes[source])
    } while Self.advance(&index, counts)
  }

  /// Goes on to the next row; false behind the last one.
  private static func advance(_ index: inout [Int], _ counts: [Int]) -> Bool {
    for axis in counts.indices.dropLast().reversed() {
      index[axis] += 1
      if index[axis] < counts[axis] { return true }
      index[axis] = 0
    }
    return false
  }
}
