internal import Glibc
internal import Recurra
internal import RecurraLayers

/// The folder that a demonstration writes its files to.
struct OutputFolder {
  private let path: String

  /// Makes the folder when it is not there, and finds out at once whether it can be written to.
  init(_ path: String) throws(RecurraError) {
    // A C function would see the path end at a zero byte.
    errno = EINVAL
    guard !path.utf8.contains(0), unsafe mkdir(PathText.system(path), 0o777) == 0 || errno == EEXIST else {
      throw RecurraError(
        .cannotCreate, operation: "make the folder \(path)", expected: "a folder to write to",
        got: SystemError(code: errno).got)
    }
    self.path = path
    try OutputTarget.check(path + "/results.json")
  }

  /// Writes a file, whole or not at all.
  func write(_ name: String, _ text: String) throws(RecurraError) {
    try AtomicFile.write(Array(text.utf8), to: "\(path)/\(name)")
  }
}
