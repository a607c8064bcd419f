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
  ) throws {
    guard isStream(path) else { return try body(path, LocalFileSystem()) }
    let descriptor = path == "-" ? 1 : try open(path)
    defer { if descriptor != 1 { close(descriptor) } }
    try body(path == "-" ? "standard output" : path, StreamFileSystem.writing(to: descriptor))
  }

  private static func open(_ path: String) throws -> Int32 {
    while true {
      // Without O_NONBLOCK this would wait for a reader, and no signal could end that.
      let descriptor = unsafe Glibc.open(PathText.system(path), O_WRONLY | O_CLOEXEC | O_NONBLOCK)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        return descriptor
      }
      let code = errno
      guard code == EINTR || code == ENXIO && type(of: path) == S_IFIFO else {
        throw RecurraError(
          .cannotCreate, operation: "write \(path)", expected: "a pipe or device that can be written",
          got: SystemError(code: code).got)
      }
      if Interrupt.hasCome {
        Console.error("recur: interrupted while nobody reads \(path.escaped), so nothing is written there")
        throw Interrupt.exitCode
      }
      usleep(20_000)
    }
  }

  private static func isStream(_ path: String) -> Bool {
    path == "-" || [S_IFIFO, S_IFCHR].contains(type(of: path))
  }

  /// The kind of a file, such as `S_IFREG`; nil where there is none.
  private static func type(of path: String) -> mode_t? {
    var status = stat()
    guard unsafe !path.utf8.contains(0) && stat(PathText.system(path), &status) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }
}
