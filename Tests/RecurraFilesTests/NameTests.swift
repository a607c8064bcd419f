import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Names of files are bytes: they need be neither characters nor UTF-8.
@Suite struct NameTests {
  let folder: TemporaryFolder
  private let content = SafeTensors(["kernel": [1, 2, 3]])

  init() throws { folder = try TemporaryFolder() }

  /// A mark that joins what stands before it, a byte that is no character, half a character, an escape for the
  /// terminal, an emoji.
  static let names: [[UInt8]] = [
    Array("\u{301}e".utf8), [0xE9], Array("a".utf8) + [0xC3], Array("\u{1B}[31m\n".utf8),
    Array("👨‍👩‍👧".utf8),
    Array("\u{10FFFF}".utf8), [0xFF, 0xFE, 0x80], Array("e\u{301}".utf8), Array("\u{E9}".utf8),
  ]

  @Test(arguments: names) func keepEveryByteOnTheirWay(_ name: [UInt8]) throws {
    #expect(PathText.bytes(PathText.text(name)) == name)
    let path = folder("") + PathText.text(name)
    try content.write(to: path)
    #expect(try systemNames(in: folder.path) == [name])
    #expect(try SafeTensors(contentsOf: path).tensors["kernel"]?.scalars(as: Float.self) == [1, 2, 3])
    // Replacing looks the path up, and writes beside it.
    try SafeTensors(["other": [4]]).write(to: path)
    #expect(try systemNames(in: folder.path) == [name])
    #expect(try SafeTensors(contentsOf: path).tensors.names == ["other"])
    try AtomicFile.check(path)
    #expect(try systemNames(in: folder.path) == [name])
  }

  @Test(arguments: names) func ofDirectoriesAreKeptToo(_ name: [UInt8]) throws {
    let directory = folder("") + PathText.text(name)
    #expect(mkdir(PathText.bytes(directory).map { CChar(bitPattern: $0) } + [0], 0o700) == 0)
    // Through a link the directory's name comes from the system.
    try content.write(to: directory + "/model")
    #expect(symlink(PathText.bytes(directory + "/model").map { CChar(bitPattern: $0) } + [0], folder("link")) == 0)
    try SafeTensors(["other": [4]]).write(to: folder("link"))
    #expect(try SafeTensors(contentsOf: directory + "/model").tensors.names == ["other"])
    #expect(try systemNames(in: directory) == [Array("model".utf8)])
    #expect(try systemNames(in: folder.path).count == 2)
  }

  @Test(arguments: names) func ofLockedDirectoriesAreKeptToo(_ name: [UInt8]) throws {
    let directory = folder("") + PathText.text(name)
    let lock = try DirectoryLock(directory + "/inner")
    #expect(try systemNames(in: folder.path) == [name])
    #expect(try systemNames(in: directory) == [Array("inner".utf8)])
    #expect(try systemNames(in: directory + "/inner") == [Array("lock".utf8)])
    expectError(.cannotCreate, "in use") { _ = try DirectoryLock(directory + "/inner/") }
    withExtendedLifetime(lock) {}
  }

  @Test func textsOfPathsAreThePathsThemselves() {
    for path in ["model.safetensors", "/tmp/猫/é.npy", "", "a b"] {
      #expect(PathText.text(Array(path.utf8)) == path)
      #expect(PathText.bytes(path) == Array(path.utf8))
    }
  }

  @Test func errorsShowBytesThatAreNoCharacters() {
    let path = folder("") + PathText.text([0xE9, 0x0A]) + "x"
    expectError(.noInput, "\\xE9\\nx") { _ = try SafeTensors(contentsOf: path) }
  }

  /// The names in a directory, byte for byte.
  private func systemNames(in directory: String) throws -> [[UInt8]] {
    try LocalFileSystem().names(in: directory).filter { $0 != "." && $0 != ".." }.map(PathText.bytes)
  }
}
