package import RecurraLayers
package import RecurraTensor

/// A zip archive whose directory has been checked: every name once, every member within the file and apart from the
/// others.
///
/// libzip does not look for duplicate, absolute or overlapping entries, so the directory is read here.
///
/// - Source: PKWARE, APPNOTE.TXT 6.3.
package struct ZipArchive: Sendable {
  /// A member of an archive.
  package struct Entry: Sendable, Equatable {
    package let name: String
    /// The bytes of the member once it is inflated.
    package let byteCount: Int
    package let compressedByteCount: Int
    package let method: Method
    let checksum: UInt32
    /// Where the member's own header starts in the file.
    let offset: Int
    /// Where the member's bytes start in the file.
    var dataOffset = 0
  }

  /// How a member lies in an archive.
  package enum Method: Sendable {
    case stored
    case deflated
  }

  /// The members in the order of the directory.
  package let entries: [Entry]
  private let file: InputFile

  /// Tells by a file's first bytes whether it is an archive, perhaps an empty one.
  package static func isArchive(_ head: [UInt8]) -> Bool {
    head.starts(with: "PK\u{3}\u{4}".utf8) || head.starts(with: "PK\u{5}\u{6}".utf8)
  }

  /// Tells whether a name stands for one file inside a folder.
  package static func isName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let hasDrive = bytes.count >= 2 && bytes[1] == UInt8(ascii: ":") && Unicode.Scalar(bytes[0]).properties.isAlphabetic
    return !bytes.isEmpty && bytes.count <= 0xFFFF && !bytes.contains(0) && !bytes.contains(UInt8(ascii: "\\"))
      && bytes[0] != UInt8(ascii: "/") && !hasDrive && !parts.contains { $0.elementsEqual("..".utf8) }
  }

  /// Reads an archive's directory and the header before each member.
  ///
  /// - Throws: `badFile` for what is damaged, encrypted, in several parts, or means two things.
  package init(_ file: InputFile) throws(RecurraError) {
    self.file = file
    entries = try ZipDirectory(file).entries()
  }

  /// The entry of a name; nil where there is none.
  package func entry(_ name: String) -> Entry? { entries.first { $0.name.utf8.elementsEqual(name.utf8) } }

  /// Reads a member and checks it.
  ///
  /// - Parameter limit: What the member may have at most; more is an error before any memory is taken for it.
  /// - Throws: `badFile` where there is no such member, it is larger, or damaged; `outOfMemory` where it does not fit.
  package func bytes(of name: String, atMost limit: Int = .max) throws(RecurraError) -> [UInt8] {
    let entry = try found(name)
    guard entry.byteCount <= limit else {
      throw RecurraError(
        .badFile, operation: operation(name), expected: "at most \(limit) bytes", got: "\(entry.byteCount)")
    }
    return try bytes(of: entry, count: entry.byteCount)
  }

  /// Reads the start of a member, which is not checked by itself: whoever believes it reads the whole member too.
  package func start(of name: String, count: Int) throws(RecurraError) -> [UInt8] {
    let entry = try found(name)
    return try bytes(of: entry, count: min(count, entry.byteCount))
  }

  /// Names a member in errors.
  package func operation(_ name: String) -> String { "\(file.operation), \(name.excerpt)" }

  private func found(_ name: String) throws(RecurraError) -> Entry {
    guard let entry = entry(name) else { throw file.damaged(expected: "a member \(name.excerpt)", got: "none") }
    return entry
  }

  private func bytes(of entry: Entry, count: Int) throws(RecurraError) -> [UInt8] {
    try MemoryLimit.require(count, operation(entry.name), for: "\(count) bytes")
    let range = entry.dataOffset..<(entry.dataOffset + entry.compressedByteCount)
    if entry.method == .deflated {
      let inflater = Inflater(
        operation: operation(entry.name), compressed: try file.bytes(range), byteCount: entry.byteCount,
        checksum: entry.checksum)
      return try inflater.bytes(atMost: count)
    }
    let bytes = try file.bytes(range.lowerBound..<(range.lowerBound + count))
    guard count < entry.byteCount || Checksum.of(bytes) == entry.checksum else {
      throw RecurraError(
        .badFile, operation: operation(entry.name), expected: "bytes of the checksum that the archive says",
        got: "others")
    }
    return bytes
  }

  /// Makes an archive of stored members; it depends on names and bytes alone.
  ///
  /// - Parameter alignment: Where each member's bytes start is a multiple of it.
  package static func bytes(of members: [(name: String, bytes: [UInt8])], alignment: Int = 1) -> [UInt8] {
    var writer = ZipWriter()
    var archive: [UInt8] = []
    for (name, bytes) in members {
      archive += writer.header(
        name, byteCount: bytes.count, checksum: Checksum.of(bytes), alignment: alignment)
      archive += bytes
    }
    return archive + writer.directory()
  }
}
