internal import RecurraLayers
internal import RecurraTensor

extension Network {
  /// Cuts rows into batches in their order. All batches of a stateful model have the same rows: as many as its input
  /// says, or else the batch size.
  ///
  /// - Throws: `badArgument` for a batch size below 1, `badData` for rows that do not fill the batches of a stateful
  ///   model.
  func ranges(ofRows rows: Int, _ batchSize: Int, _ operation: String) throws(RecurraError) -> [Range<Int>] {
    guard graph.isStateful else { return try batchRanges(rows, batchSize, operation) }
    let size = inputShapes?.first?.first.flatMap { $0 } ?? min(batchSize, max(rows, 1))
    let ranges = try batchRanges(rows, size, operation)
    guard rows % size == 0 else {
      throw RecurraError(
        .badData, operation: operation, expected: "a multiple of \(size) rows for a stateful model", got: "\(rows)")
    }
    return ranges
  }
}
