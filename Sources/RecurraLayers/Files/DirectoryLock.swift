internal import Glibc
package import RecurraTensor

/// A directory that one process at a time may use; the lock ends with this object, or with its process however that ends.
package final class DirectoryLock {
  private let descriptor: Int32

  /// Makes the directory, its parents included, where it is missing, and takes the lock.
  ///
  /// - Throws: `cannotCreate` when the directory cannot be made or written to, or when another process holds the lock.
  package init(_ path: String) throws(RecurraError) {
    func failure(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(.cannotCreate, operation: "use \(path)", expected: expected, got: got)
    }
    var parent = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      parent += parent.isEmpty && part.isEmpty ? "/" : "\(part)/"
      guard parent != "/", unsafe mkdir(parent, 0o777) != 0, errno != EEXIST else { continue }
      throw failure("a directory to write in", SystemError(code: errno).description)
    }
    let descriptor = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("a directory to write in", SystemError(code: errno).description) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw failure(
        "a directory that no other process uses",
        code == EWOULDBLOCK ? "one that is in use" : SystemError(code: code).description)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
