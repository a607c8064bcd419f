internal import Glibc
package import RecurraTensor

/// A directory that one process at a time may use; the lock ends with this object, or with its process however that
/// ends.
package final class DirectoryLock {
  private let descriptor: Int32

  /// Makes the directory, its parents included, where it is missing, and takes the lock.
  ///
  /// - Throws: `cannotCreate` when the directory cannot be made or written to, or when another process holds the lock.
  package init(_ path: String) throws(RecurraError) {
    func failure(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(.cannotCreate, operation: "use \(path)", expected: expected, got: got)
    }
    guard !path.utf8.contains(0) else { throw failure("the path of a directory", "no such path") }
    let slashes = path.utf8.indices.filter { $0 > path.utf8.startIndex && path.utf8[$0] == UInt8(ascii: "/") }
    for end in slashes + [path.utf8.endIndex] {
      let directory = PathText.system(String(decoding: path.utf8[..<end], as: UTF8.self))
      guard unsafe mkdir(directory, 0o777) != 0, errno != EEXIST else { continue }
      throw failure("a directory to write in", SystemError(code: errno).got)
    }
    let descriptor = unsafe open(PathText.system(path + "/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("a directory to write in", SystemError(code: errno).got) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw failure(
        "a directory that no other process uses",
        code == EWOULDBLOCK ? "one that is in use" : SystemError(code: code).got)
    }
    self.descriptor = descriptor
  }

  deinit {
    // Closing alone would leave the lock to the child of a fork, for as long as that lives.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
