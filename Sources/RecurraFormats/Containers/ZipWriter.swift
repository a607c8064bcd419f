/// The parts of a zip archive besides its members' bytes; they depend on names and bytes alone.
///
/// The archive is written by hand: libzip puts the present time into it, and collects a whole archive in memory.
/// Members are stored, as PyTorch and NumPy store them and Keras does not mind.
struct ZipWriter {
  private struct Member {
    let name: [UInt8]
    let byteCount: UInt64
    let compressedByteCount: UInt64
    let checksum: UInt32
    let offset: UInt64
    let isDeflated: Bool
  }

  private var members: [Member] = []
  private var offset: UInt64 = 0

  /// The bytes before a member's own, which are to follow.
  ///
  /// - Parameter alignment: Where the member's bytes start is a multiple of it: of 64 for PyTorch.
  mutating func header(_ name: String, byteCount: Int, checksum: UInt32, alignment: Int = 1) -> [UInt8] {
    header(
      name, byteCount: byteCount, compressedByteCount: byteCount, checksum: checksum, isDeflated: false,
      alignment: alignment)
  }

  mutating func header(
    _ name: String, byteCount: Int, compressedByteCount: Int, checksum: UInt32, isDeflated: Bool, alignment: Int = 1
  ) -> [UInt8] {
    let member = Member(
      name: Array(name.utf8), byteCount: UInt64(byteCount), compressedByteCount: UInt64(compressedByteCount),
      checksum: checksum, offset: offset, isDeflated: isDeflated)
    members.append(member)
    let isLarge = max(byteCount, compressedByteCount) >= Int(UInt32.max)
    var extra: [UInt8] = []
    if isLarge {
      extra.appendLittleEndian(1, count: 2)
      extra.appendLittleEndian(16, count: 2)
      extra.appendLittleEndian(member.byteCount, count: 8)
      extra.appendLittleEndian(member.compressedByteCount, count: 8)
    }
    let unaligned = (Int(offset) + 30 + member.name.count + extra.count) % alignment
    if unaligned != 0 {
      // A field of extra bytes has a head of four.
      var padding = alignment - unaligned
      while padding < 4 { padding += alignment }
      extra.appendLittleEndian(0x4246, count: 2)
      extra.appendLittleEndian(UInt64(padding - 4), count: 2)
      extra += [UInt8](repeating: 0, count: padding - 4)
    }
    var header = Array("PK\u{3}\u{4}".utf8)
    header.appendLittleEndian(isLarge ? 45 : 20, count: 2)
    Self.append(member, isLarge, to: &header)
    header.appendLittleEndian(UInt64(member.name.count), count: 2)
    header.appendLittleEndian(UInt64(extra.count), count: 2)
    header += member.name + extra
    offset += UInt64(header.count) + member.compressedByteCount
    return header
  }

  /// The bytes behind the last member.
  func directory() -> [UInt8] {
    var directory: [UInt8] = []
    for member in members { Self.appendEntry(member, to: &directory) }
    let byteCount = UInt64(directory.count)
    let isLarge = members.count >= 0xFFFF || offset + byteCount >= UInt64(UInt32.max)
    if isLarge { appendLargeEnd(byteCount, to: &directory) }
    directory += Array("PK\u{5}\u{6}".utf8)
    directory.appendLittleEndian(0, count: 4)
    for _ in 0..<2 { directory.appendLittleEndian(min(UInt64(members.count), 0xFFFF), count: 2) }
    directory.appendLittleEndian(min(byteCount, UInt64(UInt32.max)), count: 4)
    directory.appendLittleEndian(min(offset, UInt64(UInt32.max)), count: 4)
    directory.appendLittleEndian(0, count: 2)
    return directory
  }

  /// What a member's own header and its entry in the directory have alike, from the flags to the sizes.
  private static func append(_ member: Member, _ isLarge: Bool, to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(1 << 11, count: 2)
    bytes.appendLittleEndian(member.isDeflated ? 8 : 0, count: 2)
    // Midnight on the first of January 1980, the first that the format can say.
    bytes.appendLittleEndian(0, count: 2)
    bytes.appendLittleEndian(0x21, count: 2)
    bytes.appendLittleEndian(UInt64(member.checksum), count: 4)
    bytes.appendLittleEndian(isLarge ? UInt64(UInt32.max) : member.compressedByteCount, count: 4)
    bytes.appendLittleEndian(isLarge ? UInt64(UInt32.max) : member.byteCount, count: 4)
  }

  private static func appendEntry(_ member: Member, to directory: inout [UInt8]) {
    let isLarge = max(member.byteCount, member.compressedByteCount) >= UInt64(UInt32.max)
    let isFar = member.offset >= UInt64(UInt32.max)
    var extra: [UInt8] = []
    if isLarge || isFar {
      extra.appendLittleEndian(1, count: 2)
      extra.appendLittleEndian((isLarge ? 16 : 0) + (isFar ? 8 : 0), count: 2)
      if isLarge {
        extra.appendLittleEndian(member.byteCount, count: 8)
        extra.appendLittleEndian(member.compressedByteCount, count: 8)
      }
      if isFar { extra.appendLittleEndian(member.offset, count: 8) }
    }
    directory += Array("PK\u{1}\u{2}".utf8)
    for _ in 0..<2 { directory.appendLittleEndian(isLarge || isFar ? 45 : 20, count: 2) }
    append(member, isLarge, to: &directory)
    directory.appendLittleEndian(UInt64(member.name.count), count: 2)
    directory.appendLittleEndian(UInt64(extra.count), count: 2)
    // No comment, one part, and no attributes.
    directory.appendLittleEndian(0, count: 10)
    directory.appendLittleEndian(isFar ? UInt64(UInt32.max) : member.offset, count: 4)
    directory += member.name + extra
  }

  private func appendLargeEnd(_ byteCount: UInt64, to directory: inout [UInt8]) {
    directory += Array("PK\u{6}\u{6}".utf8)
    directory.appendLittleEndian(44, count: 8)
    for _ in 0..<2 { directory.appendLittleEndian(45, count: 2) }
    directory.appendLittleEndian(0, count: 8)
    for _ in 0..<2 { directory.appendLittleEndian(UInt64(members.count), count: 8) }
    directory.appendLittleEndian(byteCount, count: 8)
    directory.appendLittleEndian(offset, count: 8)
    directory += Array("PK\u{6}\u{7}".utf8)
    directory.appendLittleEndian(0, count: 4)
    directory.appendLittleEndian(offset + byteCount, count: 8)
    directory.appendLittleEndian(1, count: 4)
  }
}
