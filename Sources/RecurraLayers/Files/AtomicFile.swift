internal import Glibc
package import RecurraTensor

/// A file in the making, that takes its name only when it is whole and on disk.
///
/// Whatever goes wrong before that, the file that had the name stays as it was and nothing new is left behind. Only the last
/// step, which makes the new name itself durable, can fail with the new file already in place; it is whole then.
package struct AtomicFile {
  private let operation: String
  private let descriptor: Int32
  private let system: any FileSystem

  /// Writes a file through `body`.
  ///
  /// - Throws: `cannotCreate` when the file cannot be made, `inputOutput` when writing fails, or what `body` throws.
  package static func write(
    to path: String, system: any FileSystem = LocalFileSystem(),
    _ body: (borrowing AtomicFile) throws(RecurraError) -> Void
  ) throws(RecurraError) {
    let place = try Place(path, system)
    let operation = place.operation
    let temporary = place.directory + temporaryName()
    let directory: Int32
    let file: AtomicFile
    do throws(SystemError) {
      directory = try retrying { () throws(SystemError) in try system.openDirectory(place.directory) }
    } catch {
      throw RecurraError(
        .cannotCreate, operation: operation, expected: "a directory to write in", got: error.description)
    }
    defer { try? system.close(directory) }
    do throws(SystemError) {
      file = AtomicFile(
        operation: operation,
        descriptor: try retrying { () throws(SystemError) in try system.create(temporary, mode: 0o666) },
        system: system)
    } catch {
      throw RecurraError(.cannotCreate, operation: operation, expected: "a new file", got: error.description)
    }
    do throws(RecurraError) {
      do throws(RecurraError) {
        try body(file)
        if let mode = place.mode {
          try file.step("its permissions") { () throws(SystemError) in try system.setMode(file.descriptor, mode) }
        }
        try file.step("its bytes on disk") { () throws(SystemError) in try system.synchronize(file.descriptor) }
      } catch {
        try? system.close(file.descriptor)
        throw error
      }
      // The descriptor is gone even when close fails, so it is neither repeated nor closed again.
      do throws(SystemError) {
        try system.close(file.descriptor)
      } catch {
        throw file.failed("its bytes on disk", error)
      }
      try file.step("its name") { () throws(SystemError) in try system.rename(temporary, to: place.target) }
    } catch {
      try? system.remove(temporary)
      throw error
    }
    do throws(SystemError) {
      try retrying { () throws(SystemError) in try system.synchronize(directory) }
    } catch  where error == .invalid {
      // Some network file systems have no fsync for directories.
    } catch {
      throw file.failed("its name on disk", error)
    }
  }

  /// Finds out whether a file can be made, for those who have much to do before they write it; changes nothing.
  ///
  /// - Throws: `cannotCreate` when it cannot.
  package static func check(_ path: String, system: any FileSystem = LocalFileSystem()) throws(RecurraError) {
    let place = try Place(path, system)
    let temporary = place.directory + temporaryName()
    do throws(SystemError) {
      let descriptor = try retrying { () throws(SystemError) in try system.create(temporary, mode: 0o666) }
      try? system.close(descriptor)
      try system.remove(temporary)
    } catch {
      throw RecurraError(.cannotCreate, operation: place.operation, expected: "a new file", got: error.description)
    }
  }

  /// Writes a whole file from bytes.
  package static func write(
    _ bytes: [UInt8], to path: String, system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    try write(to: path, system: system) { (file) throws(RecurraError) in try file.append(bytes) }
  }

  /// Adds bytes at the end.
  package func append(_ bytes: [UInt8]) throws(RecurraError) {
    var failure: RecurraError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(RecurraError) { unsafe try append(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Adds bytes at the end.
  package func append(_ buffer: UnsafeRawBufferPointer) throws(RecurraError) {
    var done = 0
    while done < buffer.count {
      try step("room for \(buffer.count) bytes") { () throws(SystemError) in
        unsafe done += try system.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]))
      }
    }
  }

  private func step(_ what: String, _ call: () throws(SystemError) -> Void) throws(RecurraError) {
    do throws(SystemError) { try retrying(call) } catch { throw failed(what, error) }
  }

  private func failed(_ what: String, _ error: SystemError) -> RecurraError {
    RecurraError(.inputOutput, operation: operation, expected: what, got: error.description)
  }

  private static func temporaryName() -> String {
    ".recurra-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp"
  }
}

/// Where a file is to be, and what is there now.
private struct Place {
  let operation: String
  /// The file that is replaced: a symbolic link stays, and what it points to changes.
  let target: String
  /// The target's directory, with the last slash.
  let directory: String
  /// The permissions of the file that is replaced; nil when there is none.
  let mode: UInt32?

  init(_ path: String, _ system: any FileSystem) throws(RecurraError) {
    let operation = "write \(path)"
    self.operation = operation
    guard !path.isEmpty, path.utf8.last != UInt8(ascii: "/"), !path.utf8.contains(0) else {
      throw RecurraError(.cannotCreate, operation: operation, expected: "the path of a file", got: "no such path")
    }
    var status: FileStatus?
    do throws(SystemError) {
      status = try system.status(at: path)
    } catch  where error == .notFound {
      status = nil
    } catch {
      throw RecurraError(.cannotCreate, operation: operation, expected: "a new file", got: error.description)
    }
    guard let status else {
      target = path
      mode = nil
      directory = Self.directory(of: path)
      return
    }
    guard status.type == .regular else {
      throw RecurraError(
        .cannotCreate, operation: operation, expected: "a regular file or a new one",
        got: status.type == .directory ? "a directory" : "a pipe, socket or device")
    }
    do throws(SystemError) {
      target = try system.resolved(path)
      try system.checkWritable(target)
    } catch {
      throw RecurraError(
        .cannotCreate, operation: operation, expected: "a file that may be replaced", got: error.description)
    }
    mode = status.mode
    directory = Self.directory(of: target)
  }

  private static func directory(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "./"
  }
}
