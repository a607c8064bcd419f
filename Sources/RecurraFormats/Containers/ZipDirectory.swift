internal import RecurraLayers
internal import RecurraTensor

/// Reads the directory at the end of a zip archive, and refuses what could mean two things.
struct ZipDirectory {
  private static let endByteCount = 22
  private static let maximumCount = 1 << 18
  /// What all members may inflate to beyond a hundred times the file: a model's numbers do not shrink so far.
  private static let unsuspiciousByteCount = 1 << 26

  private let file: InputFile
  private let bytes: [UInt8]
  private let count: Int
  /// Where the directory starts in the file.
  private let offset: Int

  init(_ file: InputFile) throws(RecurraError) {
    self.file = file
    let tailStart = max(0, file.byteCount - Self.endByteCount - 0xFFFF)
    let tail = try file.bytes(tailStart..<file.byteCount)
    guard let end = Self.end(in: tail) else {
      throw file.damaged(expected: "a zip archive", got: "no end of its directory")
    }
    var place = try Place(end: tail, at: end, file)
    var directoryEnd = tailStart + end
    if let locator = directoryEnd >= 20 ? try file.bytes((directoryEnd - 20)..<directoryEnd) : nil,
      locator.starts(with: "PK\u{6}\u{7}".utf8)
    {
      directoryEnd = try place.widen(locator: locator, locatorOffset: directoryEnd - 20, file)
    }
    guard let count = Int(exactly: place.count), let byteCount = Int(exactly: place.byteCount),
      let offset = Int(exactly: place.offset), count <= Self.maximumCount, byteCount <= directoryEnd,
      offset == directoryEnd - byteCount, byteCount / 46 >= count
    else {
      throw file.damaged(
        expected: "a directory that ends where it is said to, of at most \(Self.maximumCount) members",
        got: "\(place.byteCount) bytes from \(place.offset) for \(place.count) members")
    }
    (self.count, self.offset) = (count, offset)
    bytes = try file.bytes(offset..<directoryEnd)
  }

  /// Where the end record starts: the last one whose comment ends with the file.
  private static func end(in tail: [UInt8]) -> Int? {
    let signature = Array("PK\u{5}\u{6}".utf8)
    return stride(from: tail.count - endByteCount, through: 0, by: -1).first { position in
      tail[position] == signature[0] && tail[position..<(position + 4)].elementsEqual(signature)
        && tail.littleEndian(at: position + 20, count: 2) == UInt64(tail.count - position - endByteCount)
    }
  }

  /// The members in the order of the directory.
  func entries() throws(RecurraError) -> [ZipArchive.Entry] {
    var entries: [ZipArchive.Entry] = []
    var names: Set<[UInt8]> = []
    var position = 0
    var total = 0
    for index in 0..<count {
      let (entry, next) = try ZipEntryReader(file: file, directory: bytes, position: position, index: index).entry()
      guard names.insert(Array(entry.name.utf8)).inserted else {
        throw file.damaged(expected: "every name once", got: "\(entry.name.excerpt) twice")
      }
      let (sum, overflow) = total.addingReportingOverflow(entry.byteCount)
      let limit = Self.unsuspiciousByteCount.addingReportingOverflow(file.byteCount.multipliedFull(by: 100))
      guard !overflow, limit.overflow || sum <= limit.partialValue else {
        throw file.damaged(
          expected: "members of at most 100 times the archive's \(file.byteCount) bytes", got: "more, a zip bomb")
      }
      (total, position) = (sum, next)
      entries.append(entry)
    }
    guard position == bytes.count else {
      throw file.damaged(expected: "\(count) members in the directory", got: "further bytes")
    }
    try place(&entries)
    return entries
  }

  /// Finds where each member's bytes start, and refuses members that overlap or reach into the directory.
  private func place(_ entries: inout [ZipArchive.Entry]) throws(RecurraError) {
    var end = 0
    for index in entries.indices.sorted(by: { entries[$0].offset < entries[$1].offset }) {
      let entry = entries[index]
      guard entry.offset >= end else {
        throw file.damaged(
          expected: "members that do not overlap", got: "\(entry.name.excerpt) at \(entry.offset), before \(end)")
      }
      let dataOffset = try ZipLocalHeader(file: file, entry: entry, end: offset).dataOffset()
      guard dataOffset <= offset, entry.compressedByteCount <= offset - dataOffset else {
        throw file.damaged(
          expected: "a member before the directory at \(offset)",
          got: "\(entry.name.excerpt), \(entry.compressedByteCount) bytes from \(dataOffset)")
      }
      end = dataOffset + entry.compressedByteCount
      entries[index].dataOffset = dataOffset
    }
  }

  /// What the end records say of the directory.
  private struct Place {
    var count: UInt64
    var byteCount: UInt64
    var offset: UInt64

    init(end tail: [UInt8], at end: Int, _ file: InputFile) throws(RecurraError) {
      let numbers = [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4)].map { offset, count in
        tail.littleEndian(at: end + offset, count: count) ?? 0
      }
      guard numbers[0] == 0, numbers[1] == 0, numbers[2] == numbers[3] else {
        throw file.damaged(expected: "an archive in one part", got: "one of several parts")
      }
      (count, byteCount, offset) = (numbers[3], numbers[4], numbers[5])
    }

    /// Takes the numbers of the 64-bit end record, and returns where that starts.
    mutating func widen(
      locator: [UInt8], locatorOffset: Int, _ file: InputFile
    ) throws(RecurraError) -> Int {
      guard locator.littleEndian(at: 4, count: 4) == 0, locator.littleEndian(at: 16, count: 4) == 1,
        let start = locator.littleEndian(at: 8, count: 8).flatMap({ Int(exactly: $0) }), start >= 0,
        start <= locatorOffset - 56
      else { throw file.damaged(expected: "the place of the 64-bit end record", got: "another") }
      let record = try file.bytes(start..<(start + 56))
      let numbers = [(4, 8), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)].map { offset, count in
        record.littleEndian(at: offset, count: count) ?? 0
      }
      guard record.starts(with: "PK\u{6}\u{6}".utf8), numbers[0] == UInt64(locatorOffset - start - 12),
        numbers[1] == 0, numbers[2] == 0, numbers[3] == numbers[4],
        count == 0xFFFF || count == numbers[4], byteCount == 0xFFFF_FFFF || byteCount == numbers[5],
        offset == 0xFFFF_FFFF || offset == numbers[6]
      else { throw file.damaged(expected: "two end records that agree", got: "others") }
      (count, byteCount, offset) = (numbers[4], numbers[5], numbers[6])
      return start
    }
  }
}

extension Int {
  /// The product, or the largest number there is.
  fileprivate func multipliedFull(by other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
