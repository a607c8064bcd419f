import Foundation
import RecurraLayers
import RecurraTensor
import Synchronization
import Testing

/// The path of a committed file that Python has written.
func fixture(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/files/\(name)").standardized.path
}

func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// A folder that is removed when the test lets go of it.
final class TemporaryFolder {
  let path: String

  init() throws {
    // Thousands of small files in memory do not wait for a busy disk.
    let memory = "/dev/shm"
    let base =
      FileManager.default.isWritableFile(atPath: memory)
      ? URL(filePath: memory) : FileManager.default.temporaryDirectory
    let url = base.appending(path: "recurra-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  func add(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: self(name)))
    return self(name)
  }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}

/// The local file system with trouble: one call that fails, or every call interrupted once and short.
final class TroubledFileSystem: FileSystem {
  enum Trouble {
    case failure(call: Int, SystemError)
    /// Every other call is interrupted by a signal, and no call moves more than this many bytes.
    case interruptions(byteCount: Int)
  }

  private let trouble: Trouble
  private let calls = Mutex<[String]>([])
  private let local = LocalFileSystem()

  init(_ trouble: Trouble) { self.trouble = trouble }

  /// The calls made so far, by name.
  var log: [String] { calls.withLock { $0 } }

  private func enter(_ name: String) throws(SystemError) {
    let index = calls.withLock { calls in
      calls.append(name)
      return calls.count - 1
    }
    switch trouble {
    case .failure(let call, let error): if index == call { throw error }
    // An interrupted close is not to be repeated: the descriptor is gone, and may be another file's by then.
    case .interruptions: if index % 2 == 0 && name != "close" { throw .interrupted }
    }
  }

  private var limit: Int {
    if case .interruptions(let byteCount) = trouble { return byteCount }
    return .max
  }

  func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try enter("open")
    return try local.openForReading(path)
  }

  func openDirectory(_ path: String) throws(SystemError) -> Int32 {
    try enter("open directory")
    return try local.openDirectory(path)
  }

  func create(_ path: String, mode: UInt32) throws(SystemError) -> Int32 {
    try enter("create")
    return try local.create(path, mode: mode)
  }

  func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    if case .failure = trouble { try enter("status") }
    return try local.status(of: descriptor)
  }

  func status(at path: String) throws(SystemError) -> FileStatus {
    if case .failure = trouble { try enter("status of path") }
    return try local.status(at: path)
  }

  func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
  {
    try enter("read")
    return try local.read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(limit)), at: offset)
  }

  func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    try enter("write")
    return try local.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer.prefix(limit)))
  }

  func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError) {
    try enter("set mode")
    try local.setMode(descriptor, mode)
  }

  func synchronize(_ descriptor: Int32) throws(SystemError) {
    try enter("synchronize")
    try local.synchronize(descriptor)
  }

  func close(_ descriptor: Int32) throws(SystemError) {
    // As the system's: whatever close says, the descriptor is free.
    try local.close(descriptor)
    try enter("close")
  }

  func checkWritable(_ path: String) throws(SystemError) {
    if case .failure = trouble { try enter("check writable") }
    try local.checkWritable(path)
  }

  func resolved(_ path: String) throws(SystemError) -> String {
    if case .failure = trouble { try enter("resolve") }
    return try local.resolved(path)
  }

  func rename(_ path: String, to target: String) throws(SystemError) {
    try enter("rename")
    try local.rename(path, to: target)
  }

  func remove(_ path: String) throws(SystemError) { try local.remove(path) }

  func link(at path: String) throws(SystemError) -> String? {
    if case .failure = trouble { try enter("link") }
    return try local.link(at: path)
  }

  func names(in directory: String) throws(SystemError) -> [String] {
    try enter("names")
    return try local.names(in: directory)
  }

  func openForLocking(_ path: String) throws(SystemError) -> Int32 {
    try enter("open for locking")
    return try local.openForLocking(path)
  }

  func lock(_ descriptor: Int32) throws(SystemError) -> Bool {
    try enter("lock")
    return try local.lock(descriptor)
  }

  func isAlive(process: Int32) -> Bool { local.isAlive(process: process) }
}

/// Numbers that look random, the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

/// Expects an error from reading a file that ends early, for every length it could have.
func expectErrorForEveryTruncation(
  of whole: [UInt8], in folder: TemporaryFolder, at location: SourceLocation = #_sourceLocation,
  from read: (String) throws -> Void
) throws {
  let path = try folder.add("cut", whole)
  for count in whole.indices.reversed() {
    truncate(path, count)
    #expect(throws: RecurraError.self, "\(count) bytes", sourceLocation: location) { try read(path) }
  }
}

/// What a call throws; nil when it does not.
func failure(of call: () throws(RecurraError) -> Void) -> RecurraError? {
  do throws(RecurraError) {
    try call()
    return nil
  } catch {
    return error
  }
}

/// Expects an error of a kind whose text contains every one of some words.
func expectError(
  _ kind: RecurraError.Kind, _ words: String..., from body: () throws -> Void,
  at location: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: RecurraError.self, sourceLocation: location) { try body() }
  guard let error else { return }
  #expect(error.kind == kind, "\(error)", sourceLocation: location)
  for word in words { #expect(error.description.contains(word), "\(error)", sourceLocation: location) }
}
