package import RecurraTensor

/// A file in the making, that takes its name only when it is whole and on disk.
///
/// Whatever goes wrong before that, the file that had the name stays as it was and nothing new is left behind; what a
/// process that was killed leaves, the next one that writes to the directory removes. Only the last step, which makes
/// the new name itself durable, can fail with the new file already in place; it is whole then.
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
    let place = try OutputPlace(path, system)
    let operation = place.operation
    let directory: Int32
    do throws(SystemError) {
      directory = try retrying { () throws(SystemError) in try system.openDirectory(place.directory) }
    } catch {
      throw RecurraError(.cannotCreate, operation: operation, expected: "a directory to write in", got: error.got)
    }
    defer { try? system.close(directory) }
    let (descriptor, temporary) = try create(place, system)
    defer { TemporaryFile.finish(temporary) }
    let file = AtomicFile(operation: operation, descriptor: descriptor, system: system)
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
    let place = try OutputPlace(path, system)
    let (descriptor, temporary) = try create(place, system)
    defer { TemporaryFile.finish(temporary) }
    try? system.close(descriptor)
    do throws(SystemError) {
      try system.remove(temporary)
    } catch {
      throw RecurraError(.cannotCreate, operation: place.operation, expected: "a new file", got: error.got)
    }
  }

  private static func create(
    _ place: OutputPlace, _ system: any FileSystem
  ) throws(RecurraError) -> (descriptor: Int32, path: String) {
    TemporaryFile.removeAbandoned(in: place.directory, system)
    do throws(SystemError) {
      return try TemporaryFile.create(in: place.directory, system)
    } catch {
      throw RecurraError(.cannotCreate, operation: place.operation, expected: "a new file", got: error.got)
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
    RecurraError(.inputOutput, operation: operation, expected: what, got: error.got)
  }
}
