import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct ZipArchiveTests {
  private static let members: [(name: String, bytes: [UInt8])] = [
    ("config.json", Array("{}".utf8)), ("data/0", (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }), ("empty", []),
  ]

  private func archive(_ bytes: [UInt8]) throws -> ZipArchive {
    try ZipArchive(InputFile(bytes, operation: "read test.zip"))
  }

  private func refusal(_ bytes: [UInt8]) -> RecurraError? {
    do {
      _ = try archive(bytes)
      return nil
    } catch {
      return error as? RecurraError
    }
  }

  @Test(arguments: [1, 64])
  func whatIsWrittenIsRead(alignment: Int) throws {
    let bytes = ZipArchive.bytes(of: Self.members, alignment: alignment)
    #expect(bytes == ZipArchive.bytes(of: Self.members, alignment: alignment))
    let archive = try archive(bytes)
    #expect(archive.entries.map(\.name) == ["config.json", "data/0", "empty"])
    #expect(archive.entries.map(\.byteCount) == [2, 300, 0])
    for (name, content) in Self.members { #expect(try archive.bytes(of: name) == content) }
    #expect(try archive.start(of: "data/0", count: 5) == [0, 7, 14, 21, 28])
    if alignment == 64 {
      let start = try #require(bytes.indices.first { bytes[$0...].starts(with: Self.members[1].bytes) })
      #expect(start % 64 == 0)
    }
  }

  @Test func membersThatNumPyDeflatedAreInflated() throws {
    let archive = try ZipArchive(InputFile(Fixture.path("formats/numpy_deflated.npz")))
    #expect(archive.entries.allSatisfy { $0.method == .deflated && $0.compressedByteCount < $0.byteCount })
    let entry = try #require(archive.entries.first)
    let bytes = try archive.bytes(of: entry.name)
    #expect(bytes.count == entry.byteCount && bytes.starts(with: [0x93] + Array("NUMPY".utf8)))
    #expect(try archive.start(of: entry.name, count: 9) == Array(bytes[..<9]))
  }

  @Test(arguments: ["torch_state.pt", "numpy_deflated.npz"])
  func damageIsNoticed(file: String) throws {
    let input = try InputFile(Fixture.path("formats/\(file)"))
    let bytes = try input.bytes(0..<input.byteCount)
    let refused = try Corruption.check(bytes) { file in
      let archive = try ZipArchive(file)
      for entry in archive.entries { _ = try archive.bytes(of: entry.name) }
    }
    #expect(refused.cuts == bytes.count)
  }

  @Test func everyFlipWithinAStoredMemberIsNoticed() throws {
    let bytes = ZipArchive.bytes(of: Self.members)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: Self.members[1].bytes) })
    for index in start..<(start + 300) {
      var damaged = bytes
      damaged[index] ^= 4
      let archive = try archive(damaged)
      #expect(throws: RecurraError.self) { try archive.bytes(of: "data/0") }
    }
  }

  @Test(arguments: ["/etc/passwd", "../up", "a/../b", "a\\b", "a\0b", "C:x", ""])
  func namesThatLeaveTheirFolderAreRefused(name: String) {
    #expect(refusal(ZipArchive.bytes(of: [(name, [1])]))?.expected.contains("relative name") == true)
  }

  @Test func aNameTwiceIsRefused() {
    #expect(refusal(ZipArchive.bytes(of: [("a", [1]), ("a", [2])]))?.expected == "every name once")
  }

  /// Where the directory's entries start in an archive of the members a and b, of one byte each.
  private static let pair = ZipArchive.bytes(of: [("a", [1]), ("b", [2])])
  private static let directory = 2 * 32

  @Test func membersThatOverlapAreRefused() {
    var bytes = Self.pair
    // Both entries say the first header, by which the second name is wrong as well.
    bytes[Self.directory + 47 + 42] = 0
    #expect(refusal(bytes)?.expected.contains("overlap") == true)
  }

  @Test(arguments: [
    (8, 1, "not encrypted"), (8, 64, "not encrypted"), (34, 1, "one part"), (10, 12, "stored or deflated"),
  ])
  func whatIsNotReadIsRefusedByName(offset: Int, value: UInt8, expected: String) {
    var bytes = Self.pair
    bytes[Self.directory + offset] = value
    #expect(refusal(bytes)?.expected.contains(expected) == true)
  }

  @Test(arguments: [14, 18, 22])
  func aHeaderThatContradictsTheDirectoryIsRefused(offset: Int) {
    var bytes = Self.pair
    bytes[offset] ^= 1
    #expect(refusal(bytes)?.expected.contains("in its own header") == true)
  }

  @Test func aBombIsRefusedBeforeItIsInflated() {
    var bytes = ZipArchive.bytes(of: [("bomb", [UInt8](repeating: 1, count: 1 << 17))])
    let directory = bytes.count - 22 - 50
    for start in [8, directory + 10] { bytes[start] = 8 }
    for start in [22, directory + 24] { bytes[start + 3] = 7 }
    #expect(refusal(bytes)?.got.contains("bomb") == true)
  }

  @Test func aMemberLargerThanItMayBeIsRefused() throws {
    let archive = try archive(ZipArchive.bytes(of: Self.members))
    #expect(throws: RecurraError.self) { try archive.bytes(of: "data/0", atMost: 299) }
    #expect(throws: RecurraError.self) { try archive.bytes(of: "none") }
  }
}
