internal import Glibc
internal import RecurraTensor

/// The files that `AtomicFile` writes before they have their names, ".recurra-PID-RANDOM.tmp".
///
/// Whoever writes one holds its lock, which ends with the process however that ends.
enum TemporaryFile {
  private static let prefix = ".recurra-"
  private static let suffix = ".tmp"
  /// Tries to make a file that is not taken for abandoned; some file systems tell of no names, however many there are.
  private static let maximumAttempts = 20
  /// The names of those that this process is writing. A file's lock ends when it is closed, which is a moment before it
  /// is renamed; without this list another thread would take it for abandoned then.
  private static let beingWritten = Guarded<Set<String>>([])

  /// Makes a new file, and locks it where the file system has locks.
  static func create(
    in directory: String, _ system: any FileSystem
  ) throws(SystemError) -> (descriptor: Int32, path: String) {
    var attempts = 0
    while true {
      attempts += 1
      let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
      let name = "\(prefix)\(getpid())-\(random)\(suffix)"
      let path = directory + name
      beingWritten.withLock { _ = $0.insert(name) }
      let descriptor: Int32
      do throws(SystemError) {
        descriptor = try retrying { () throws(SystemError) in try system.create(path, mode: 0o666) }
      } catch {
        finish(path)
        throw error
      }
      let hasLock = (try? system.lock(descriptor)) ?? true
      // Before it had the lock, it may have been taken for abandoned.
      let isOwn = hasLock && (try? system.status(of: descriptor).nameCount) != 0
      if isOwn || attempts == maximumAttempts { return (descriptor, path) }
      try? system.close(descriptor)
      finish(path)
    }
  }

  /// Forgets a file that has got its name or has been removed.
  static func finish(_ path: String) {
    let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    beingWritten.withLock { _ = $0.remove(name) }
  }

  /// Removes what processes left that were ended while they wrote; what cannot be removed stays.
  ///
  /// - Complexity: one look at every name in the directory.
  static func removeAbandoned(in directory: String, _ system: any FileSystem) {
    guard let names = try? system.names(in: directory) else { return }
    for name in names {
      // In a container, process numbers come again: this process may have the one that a former process had.
      guard let process = process(of: name), process == getpid() || !system.isAlive(process: process),
        !beingWritten.withLock({ $0.contains(name) })
      else { continue }
      guard let descriptor = try? system.openForLocking(directory + name) else { continue }
      // A process of another container on the same disk has the lock of what it writes.
      if (try? system.lock(descriptor)) == true { try? system.remove(directory + name) }
      try? system.close(descriptor)
    }
  }

  /// The process that made a temporary file; nil for other names.
  private static func process(of name: String) -> Int32? {
    guard name.utf8.starts(with: prefix.utf8), name.hasSuffix(suffix) else { return nil }
    let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy({ $0.isASCII && ($0.isNumber || $0.isLowercase) }),
      let process = Int32(parts[0]), process > 0, String(process) == parts[0]
    else { return nil }
    return process
  }
}
