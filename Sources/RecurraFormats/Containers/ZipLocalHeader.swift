internal import RecurraLayers
internal import RecurraTensor

/// Reads the header before a member of a zip archive, which must say what the directory says.
struct ZipLocalHeader {
  let file: InputFile
  let entry: ZipArchive.Entry
  /// Where the directory starts.
  let end: Int

  /// Where the member's bytes start.
  func dataOffset() throws(RecurraError) -> Int {
    guard entry.offset >= 0, entry.offset <= end - 30 else {
      throw damaged("a header before the directory at \(end)", "one at \(entry.offset)")
    }
    let header = try file.bytes(entry.offset..<(entry.offset + 30))
    func number(_ offset: Int, _ count: Int) -> UInt64 { header.littleEndian(at: offset, count: count) ?? 0 }
    let nameCount = Int(number(26, 2))
    let extraCount = Int(number(28, 2))
    let start = entry.offset + 30
    guard header.starts(with: "PK\u{3}\u{4}".utf8), nameCount + extraCount <= end - start else {
      throw damaged("a header of its own", "other bytes")
    }
    let rest = try file.bytes(start..<(start + nameCount + extraCount))
    guard rest[..<nameCount].elementsEqual(entry.name.utf8) else {
      throw damaged("the directory's name in its own header", "another")
    }
    let flags = number(6, 2)
    guard number(8, 2) == (entry.method == .stored ? 0 : 8), flags & (1 | 1 << 5 | 1 << 6 | 1 << 13) == 0 else {
      throw damaged("the directory's method in its own header", "another")
    }
    // The order of the two sizes is that of the field of 64-bit numbers.
    guard let sizes = ZipEntryReader.widened([number(22, 4), number(18, 4)], Array(rest[nameCount...])) else {
      throw damaged("its 64-bit sizes in its own header", "fewer")
    }
    let said = [UInt64(entry.checksum), UInt64(entry.byteCount), UInt64(entry.compressedByteCount)]
    let own = [number(14, 4)] + sizes
    // With bit 3 the numbers follow the member, and may be 0 here.
    let isLate = flags & 1 << 3 != 0
    guard zip(own, said).allSatisfy({ $0 == $1 || isLate && $0 == 0 }) else {
      throw damaged("the directory's checksum and sizes in its own header", "others")
    }
    return start + nameCount + extraCount
  }

  private func damaged(_ expected: String, _ got: String) -> RecurraError {
    file.damaged(expected: "\(expected), member \(entry.name.excerpt)", got: got)
  }
}
