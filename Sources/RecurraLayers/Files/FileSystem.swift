internal import Glibc

/// The system calls that files need, gathered here so that a test can make any of them fail.
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
}

/// The system itself.
package struct LocalFileSystem: FileSystem {
  package init() {}

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    // Without O_NONBLOCK opening a named pipe would wait for somebody to write to it.
    try result(unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK))
  }

  package func openDirectory(_ path: String) throws(SystemError) -> Int32 {
    try result(unsafe open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY))
  }

  package func create(_ path: String, mode: UInt32) throws(SystemError) -> Int32 {
    try result(unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode))
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try result(unsafe fstat(descriptor, &status))
    return FileStatus(status)
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try result(unsafe stat(path, &status))
    return FileStatus(status)
  }

  package func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    try result(unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset))
  }

  package func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    try result(unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count))
  }

  package func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError) {
    _ = try result(fchmod(descriptor, mode))
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) { _ = try result(fsync(descriptor)) }

  package func close(_ descriptor: Int32) throws(SystemError) { _ = try result(Glibc.close(descriptor)) }

  package func checkWritable(_ path: String) throws(SystemError) { _ = try result(unsafe access(path, W_OK)) }

  package func resolved(_ path: String) throws(SystemError) -> String {
    guard let real = unsafe realpath(path, nil) else { throw SystemError(code: errno) }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  package func rename(_ path: String, to target: String) throws(SystemError) {
    _ = try result(unsafe Glibc.rename(path, target))
  }

  package func remove(_ path: String) throws(SystemError) { _ = try result(unsafe unlink(path)) }

  private func result<Value: SignedInteger>(_ value: Value) throws(SystemError) -> Value {
    if value < 0 { throw SystemError(code: errno) }
    return value
  }
}

extension FileStatus {
  fileprivate init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: type = .regular
    case S_IFDIR: type = .directory
    default: type = .other
    }
    byteCount = Int(status.st_size)
    mode = status.st_mode & 0o7777
  }
}
