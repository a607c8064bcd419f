internal import Glibc

/// The system calls that files need, gathered here so that a test can make any of them fail.
///
/// Paths are texts as `PathText` makes them.
package protocol FileSystem: Sendable {
  func openForReading(_ path: String) throws(SystemError) -> Int32
  func openDirectory(_ path: String) throws(SystemError) -> Int32
  /// Makes a file that must not exist yet, for writing.
  func create(_ path: String, mode: UInt32) throws(SystemError) -> Int32
  func status(of descriptor: Int32) throws(SystemError) -> FileStatus
  func status(at path: String) throws(SystemError) -> FileStatus
  /// Reads up to the size of `buffer` from `offset` and returns the bytes read; 0 is the end of the file.
  func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
  /// Writes up to the size of `buffer` and returns the bytes written.
  func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int
  func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError)
  func synchronize(_ descriptor: Int32) throws(SystemError)
  func close(_ descriptor: Int32) throws(SystemError)
  func checkWritable(_ path: String) throws(SystemError)
  /// The path with every symbolic link followed; it must exist.
  func resolved(_ path: String) throws(SystemError) -> String
  func rename(_ path: String, to target: String) throws(SystemError)
  func remove(_ path: String) throws(SystemError)
  /// What a symbolic link says, whether that is there or not; nil for what is no link.
  func link(at path: String) throws(SystemError) -> String?
  /// The names in a directory, in any order.
  func names(in directory: String) throws(SystemError) -> [String]
  /// Opens a regular file, never through a link, to find out whether it is locked.
  func openForLocking(_ path: String) throws(SystemError) -> Int32
  /// Locks a file until its descriptor is closed, however that comes about; false when another descriptor has the lock.
  func lock(_ descriptor: Int32) throws(SystemError) -> Bool
  /// Tells whether there is a process of a number.
  func isAlive(process: Int32) -> Bool
}

/// The system's own, for file systems that stand in for a part of it.
extension FileSystem {
  package func link(at path: String) throws(SystemError) -> String? { try LocalFileSystem().link(at: path) }
  package func names(in directory: String) throws(SystemError) -> [String] {
    try LocalFileSystem().names(in: directory)
  }
  package func openForLocking(_ path: String) throws(SystemError) -> Int32 {
    try LocalFileSystem().openForLocking(path)
  }
  package func lock(_ descriptor: Int32) throws(SystemError) -> Bool { try LocalFileSystem().lock(descriptor) }
  package func isAlive(process: Int32) -> Bool { LocalFileSystem().isAlive(process: process) }
}

/// What a system call failed with.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  package let code: Int32

  package init(code: Int32) { self.code = code }

  /// The system's words: "No such file or directory".
  package var description: String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  package static let interrupted = SystemError(code: EINTR)
  package static let noSpace = SystemError(code: ENOSPC)
  package static let inputOutput = SystemError(code: EIO)
  package static let notFound = SystemError(code: ENOENT)
  package static let invalid = SystemError(code: EINVAL)

  /// The error as what was got instead of what was expected.
  package var got: String { "the error \"\(description)\"" }
}

/// What is known about a file without opening it.
package struct FileStatus: Sendable {
  package enum FileType: Sendable {
    case regular
    case directory
    case other
  }

  package let type: FileType
  package let byteCount: Int
  /// Permission bits.
  package let mode: UInt32
  /// The names the file has; 0 when the last one was taken away while it was open.
  package let nameCount: Int
}
