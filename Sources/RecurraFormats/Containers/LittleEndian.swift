extension [UInt8] {
  /// The whole number of `count` bytes from `offset` on, the lowest first; nil where the list ends before.
  func littleEndian(at offset: Int, count: Int) -> UInt64? {
    guard offset >= 0, offset <= self.count, self.count - offset >= count else { return nil }
    return self[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Adds a whole number in `count` bytes, the lowest first.
  mutating func appendLittleEndian(_ value: UInt64, count: Int) {
    for index in 0..<count { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}
