import RecurraTensor

/// Rows of memory that belong to one run: a tensor without a shape, since a call makes several and a shape costs more
/// than the memory.
struct Buffer<S: FloatingScalar>: Sendable {
  private let storage: Storage
  private let columns: Int
  /// The numbers it was made for.
  let count: Int

  /// Makes room for some rows, their content undefined; nothing at all for no rows.
  init(_ rows: Int, _ columns: Int) {
    self.columns = columns
    count = rows * columns
    storage = rows > 0 ? Storage(byteCount: count * MemoryLayout<S>.stride + Self.room) : NoRows.storage
  }

  /// Room behind what one thread writes while others write theirs: a core fetches ahead past the end of what it reads,
  /// and would take the lines that another is about to write.
  private static var room: Int { 8_192 }

  /// The rows. They are the owner's as long as it lives, so writing needs no check.
  var rows: Rows<S> { Rows(storage.pointer.assumingMemoryBound(to: S.self), stride: columns) }
}

/// What buffers without rows point to.
private enum NoRows {
  static let storage = Storage(byteCount: 64)
}
