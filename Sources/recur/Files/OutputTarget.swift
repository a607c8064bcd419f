internal import Glibc
internal import Recurra
internal import RecurraLayers

/// Where a command writes to: a file, a pipe or device, or standard output as "-".
enum OutputTarget {
  /// Finds out whether it can be written, for those who have much to do before; changes nothing.
  static func check(_ path: String?) throws(RecurraError) {
    guard let path, !isStream(path) else { return }
    try AtomicFile.check(path)
  }

  /// Writes through `body`, which is given a path and the system to write it with: a file is whole or not there at all.
  static func write(
    to path: String, _ body: (_ path: String, _ system: any FileSystem) throws(RecurraError) -> Void
  ) throws(RecurraError) {
    guard isStream(path) else { return try body(path, LocalFileSystem()) }
    let name = path == "-" ? "standard output" : path
    let descriptor = path == "-" ? 1 : unsafe open(path.systemPath, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw RecurraError(
        .cannotCreate, operation: "write \(name)", expected: "a pipe or device that can be written",
        got: SystemError(code: errno).description)
    }
    defer { if descriptor != 1 { close(descriptor) } }
    try body(name, StreamFileSystem.writing(to: descriptor))
  }

  private static func isStream(_ path: String) -> Bool {
    var status = stat()
    guard path != "-" else { return true }
    guard unsafe !path.utf8.contains(0) && stat(path.systemPath, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFIFO || status.st_mode & S_IFMT == S_IFCHR
  }
}
