internal import Glibc

/// Lets those who read and write files work on a stream, such as a pipe: it is read as a whole beforehand, and it is
/// written as it comes, because a stream has no name that it could take at the end.
package struct StreamFileSystem: FileSystem {
  private let content: [UInt8]
  private let output: Int32

  private init(content: [UInt8], output: Int32) {
    self.content = content
    self.output = output
  }

  /// Makes a system whose every file has this content.
  package static func reading(_ content: [UInt8]) -> StreamFileSystem {
    StreamFileSystem(content: content, output: -1)
  }

  /// Makes a system whose every file is written to a descriptor; an error half way leaves what was written before.
  package static func writing(to descriptor: Int32) -> StreamFileSystem {
    StreamFileSystem(content: [], output: descriptor)
  }

  /// A system that takes every file and keeps none.
  package static let nowhere = StreamFileSystem(content: [], output: -1)

  package func openForReading(_ path: String) throws(SystemError) -> Int32 { -1 }
  package func openDirectory(_ path: String) throws(SystemError) -> Int32 { -1 }
  package func create(_ path: String, mode: UInt32) throws(SystemError) -> Int32 { output }
  package func status(at path: String) throws(SystemError) -> FileStatus { throw .notFound }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    FileStatus(type: .regular, byteCount: content.count, mode: 0, nameCount: 1)
  }

  package func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    let piece = content[min(offset, content.count)...].prefix(buffer.count)
    unsafe buffer.copyBytes(from: piece)
    return piece.count
  }

  package func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    if output < 0 { return buffer.count }
    let count = unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
    if count < 0 { throw SystemError(code: errno) }
    return count
  }

  package func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError) {}
  package func synchronize(_ descriptor: Int32) throws(SystemError) {}
  package func close(_ descriptor: Int32) throws(SystemError) {}
  package func checkWritable(_ path: String) throws(SystemError) {}
  package func resolved(_ path: String) throws(SystemError) -> String { path }
  package func rename(_ path: String, to target: String) throws(SystemError) {}
  package func remove(_ path: String) throws(SystemError) {}
  package func names(in directory: String) throws(SystemError) -> [String] { [] }
  package func lock(_ descriptor: Int32) throws(SystemError) -> Bool { true }
}
