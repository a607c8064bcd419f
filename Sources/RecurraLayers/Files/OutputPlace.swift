internal import RecurraTensor

/// Where a file is to be, and what is there now.
struct OutputPlace {
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
    guard Self.namesAFile(path) else {
      throw RecurraError(.cannotCreate, operation: operation, expected: "the path of a file", got: "no such path")
    }
    var status: FileStatus?
    var path = path
    do throws(SystemError) {
      status = try Self.status(at: path, system)
      // A link that leads nowhere stays too: the file is made where it leads.
      for _ in 0..<Self.maximumLinkCount where status == nil {
        guard let link = try Self.link(at: path, system) else { break }
        path = link.utf8.first == UInt8(ascii: "/") ? link : Self.directory(of: path) + link
        status = try Self.status(at: path, system)
      }
    } catch {
      throw RecurraError(.cannotCreate, operation: operation, expected: "a new file", got: error.got)
    }
    guard let status else {
      guard Self.namesAFile(path) else {
        throw RecurraError(.cannotCreate, operation: operation, expected: "a link to a file", got: "one to \(path)")
      }
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
        .cannotCreate, operation: operation, expected: "a file that may be replaced", got: error.got)
    }
    mode = status.mode
    directory = Self.directory(of: target)
  }

  /// As many as the system follows.
  private static let maximumLinkCount = 40

  private static func namesAFile(_ path: String) -> Bool {
    !path.isEmpty && path.utf8.last != UInt8(ascii: "/") && !path.utf8.contains(0)
  }

  private static func status(at path: String, _ system: any FileSystem) throws(SystemError) -> FileStatus? {
    do throws(SystemError) {
      return try system.status(at: path)
    } catch  where error == .notFound {
      return nil
    }
  }

  private static func link(at path: String, _ system: any FileSystem) throws(SystemError) -> String? {
    do throws(SystemError) {
      return try system.link(at: path)
    } catch  where error == .notFound {
      return nil
    }
  }

  /// The path up to its last slash; of bytes, because a mark at the start of a name makes one character with the slash.
  private static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "./" }
    return String(decoding: path.utf8[...slash], as: UTF8.self)
  }
}
