import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// A directory that one process at a time uses.
@Suite struct DirectoryLockTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("It is free again although the child of a fork still has the descriptor")
  func inheritedDescriptor() throws {
    let directory = folder("shared")
    var lock: DirectoryLock? = try DirectoryLock(directory)
    expectError(.cannotCreate, "in use") { _ = try DirectoryLock(directory) }
    let file = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path + "/lock"
    // What a child inherits is the same open file under a descriptor of its own.
    let descriptor = try #require(
      (0..<1_024).first { number in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == file
      })
    let inherited = dup(Int32(descriptor))
    defer { close(inherited) }
    withExtendedLifetime(lock) {}
    lock = nil
    lock = try DirectoryLock(directory)
    withExtendedLifetime(lock) {}
  }
}
