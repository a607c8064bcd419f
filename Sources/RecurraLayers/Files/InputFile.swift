package import RecurraTensor

/// A regular file that is open for reading, or bytes that lie in one, such as a member of an archive.
///
/// Bytes are copied, never mapped: a mapped file that another process cuts short would end the process.
package final class InputFile: Sendable {
  /// Names the operation and the file in errors: "read model.safetensors".
  package let operation: String
  package let byteCount: Int
  private let descriptor: Int32
  private let system: any FileSystem

  /// Reads bytes as if they were a file of their own.
  ///
  /// - Parameters:
  ///   - content: The bytes.
  ///   - operation: Names them in errors: "read model.keras, config.json".
  package init(_ content: [UInt8], operation: String) {
    self.operation = operation
    byteCount = content.count
    (descriptor, system) = (-1, StreamFileSystem.reading(content))
  }

  package init(
    _ path: String, maximumByteCount: Int = .max, system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    let operation = "read \(path)"
    self.operation = operation
    self.system = system
    // A NUL would end the path early for the system, and so name another file.
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw RecurraError(.noInput, operation: operation, expected: "the path of a file", got: "no such path")
    }
    let status: FileStatus
    do throws(SystemError) {
      descriptor = try retrying { () throws(SystemError) in try system.openForReading(path) }
    } catch {
      throw RecurraError(.noInput, operation: operation, expected: "a readable file", got: error.got)
    }
    do throws(SystemError) {
      status = try system.status(of: descriptor)
    } catch {
      try? system.close(descriptor)
      throw RecurraError(.inputOutput, operation: operation, expected: "the size of the file", got: error.got)
    }
    guard status.type == .regular else {
      try? system.close(descriptor)
      throw RecurraError(
        .noInput, operation: operation, expected: "a regular file",
        got: status.type == .directory ? "a directory" : "a pipe, socket or device")
    }
    guard status.byteCount <= maximumByteCount else {
      try? system.close(descriptor)
      throw RecurraError(
        .badFile, operation: operation, expected: "at most \(maximumByteCount) bytes", got: "\(status.byteCount)")
    }
    // Last: once every property has its value, an error would run deinit, which closes the descriptor too.
    byteCount = status.byteCount
  }

  deinit { try? system.close(descriptor) }

  /// Fills the whole buffer from `offset` on.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(RecurraError) {
    var done = 0
    while done < buffer.count {
      let count: Int
      do throws(SystemError) {
        count = try retrying { () throws(SystemError) in
          unsafe try system.read(
            descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: offset + done)
        }
      } catch {
        throw RecurraError(
          .inputOutput, operation: operation, expected: "\(buffer.count) bytes at offset \(offset)",
          got: error.got)
      }
      guard count > 0 else {
        throw RecurraError(
          .inputOutput, operation: operation, expected: "\(buffer.count) bytes at offset \(offset)",
          got: "the end of the file after \(done)")
      }
      done += count
    }
  }

  /// The bytes of a range that lies within the file.
  package func bytes(_ range: Range<Int>) throws(RecurraError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw RecurraError(
        .badFile, operation: operation, expected: "at least \(range.upperBound) bytes", got: "\(byteCount)")
    }
    try MemoryLimit.require(range.count, operation, for: "\(range.count) bytes of the file")
    var failure: RecurraError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      do throws(RecurraError) {
        unsafe try read(
          into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count), at: range.lowerBound)
        count = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// An error about the content of this file.
  package func damaged(expected: String, got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: expected, got: got)
  }
}

/// Repeats a system call that a signal has interrupted.
func retrying<Value>(_ call: () throws(SystemError) -> Value) throws(SystemError) -> Value {
  while true {
    do throws(SystemError) {
      return try call()
    } catch  where error == .interrupted {
      continue
    }
  }
}
