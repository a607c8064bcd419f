internal import RecurraLayers
internal import RecurraTensor

/// Reads one entry of a zip archive's directory.
struct ZipEntryReader {
  let file: InputFile
  let directory: [UInt8]
  /// Where the entry starts in the directory.
  let position: Int
  let index: Int

  private static let headerByteCount = 46

  /// The entry, and where the next one starts.
  func entry() throws(RecurraError) -> (entry: ZipArchive.Entry, next: Int) {
    guard directory.count - position >= Self.headerByteCount,
      directory[position..<(position + 4)].elementsEqual("PK\u{1}\u{2}".utf8)
    else { throw damaged("the head of its entry", "other bytes") }
    let nameCount = Int(number(28, 2))
    let extraCount = Int(number(30, 2))
    let start = position + Self.headerByteCount
    let next = start + nameCount + extraCount + Int(number(32, 2))
    guard next <= directory.count else { throw damaged("an entry within the directory", "one that is longer") }
    let name = try checked(Array(directory[start..<(start + nameCount)]))
    // Encrypted by one way or the other, patched, or with masked headers.
    guard number(8, 2) & (1 | 1 << 5 | 1 << 6 | 1 << 13) == 0 else {
      throw damaged("a member that is not encrypted", name.excerpt)
    }
    guard number(34, 2) == 0 else { throw damaged("an archive in one part", "a member of another part") }
    let method: ZipArchive.Method
    switch number(10, 2) {
    case 0: method = .stored
    case 8: method = .deflated
    case let other: throw damaged("a stored or deflated member", "method \(other) of \(name.excerpt)")
    }
    let extra = Array(directory[(start + nameCount)..<(start + nameCount + extraCount)])
    guard let wide = Self.widened([number(24, 4), number(20, 4), number(42, 4)], extra) else {
      throw damaged("the 64-bit sizes of \(name.excerpt)", "fewer")
    }
    guard let byteCount = Int(exactly: wide[0]), let compressed = Int(exactly: wide[1]),
      let offset = Int(exactly: wide[2]), method == .deflated || byteCount == compressed
    else { throw damaged("sizes of \(name.excerpt) that agree", "\(wide[0]) and \(wide[1]) bytes") }
    // The most that a deflated byte can stand for.
    guard byteCount / 1033 <= compressed else {
      throw damaged("a size of \(name.excerpt) that \(compressed) bytes can hold", "\(byteCount)")
    }
    let entry = ZipArchive.Entry(
      name: name, byteCount: byteCount, compressedByteCount: compressed, method: method,
      checksum: UInt32(truncatingIfNeeded: number(16, 4)), offset: offset)
    return (entry, next)
  }

  private func number(_ offset: Int, _ count: Int) -> UInt64 {
    directory.littleEndian(at: position + offset, count: count) ?? 0
  }

  private func damaged(_ expected: String, _ got: String) -> RecurraError {
    file.damaged(expected: "\(expected), member \(index) of the archive", got: got)
  }

  private func checked(_ bytes: [UInt8]) throws(RecurraError) -> String {
    guard let name = String(validating: bytes, as: UTF8.self) else { throw damaged("a name in UTF-8", "other bytes") }
    guard ZipArchive.isName(name) else { throw damaged("a relative name without .., \\ and NUL", name.excerpt) }
    return name
  }

  /// Numbers of 32 bits, where those that are all ones stand in the field of 64-bit numbers instead; nil where that
  /// field lacks one.
  static func widened(_ numbers: [UInt64], _ extra: [UInt8]) -> [UInt64]? {
    guard numbers.contains(0xFFFF_FFFF) else { return numbers }
    var position = 0
    while let id = extra.littleEndian(at: position, count: 2),
      let count = extra.littleEndian(at: position + 2, count: 2), extra.count - position - 4 >= Int(count)
    {
      if id == 1 {
        let field = Array(extra[(position + 4)..<(position + 4 + Int(count))])
        var offset = 0
        var result: [UInt64] = []
        for number in numbers {
          if number == 0xFFFF_FFFF {
            guard let wide = field.littleEndian(at: offset, count: 8) else { return nil }
            offset += 8
            result.append(wide)
          } else {
            result.append(number)
          }
        }
        return result
      }
      position += 4 + Int(count)
    }
    return nil
  }
}
