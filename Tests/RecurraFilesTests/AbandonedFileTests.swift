import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// What is left behind by processes that were ended while they wrote, and what their end must not harm.
@Suite struct AbandonedFileTests {
  let folder: TemporaryFolder
  private let content = SafeTensors(["kernel": [1, 2, 3]])

  init() throws { folder = try TemporaryFolder() }

  /// The number of a process that has ended.
  private func endedProcess() throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  @Test func filesOfEndedProcessesAreRemovedAtTheNextSave() throws {
    let ended = try endedProcess()
    // In a container this process may have the number of the one that was killed.
    for name in [".recurra-\(ended)-1a2b.tmp", ".recurra-\(ended)-0.tmp", ".recurra-\(getpid())-zz9.tmp"] {
      _ = try folder.add(name, [1, 2, 3])
    }
    try content.write(to: folder("model"))
    #expect(try folder.names == ["model"])
    _ = try folder.add(".recurra-\(ended)-1a2b.tmp", [])
    try AtomicFile.check(folder("other"))
    #expect(try folder.names == ["model"])
  }

  @Test func otherFilesStay() throws {
    let ended = try endedProcess()
    let others = [
      ".recurra-1-1a2b.tmp", ".recurra-\(ended)-1a2b.tmp.bak", "recurra-\(ended)-1a2b.tmp", ".recurra-\(ended)-.tmp",
      ".recurra-\(ended)-A.tmp", ".recurra-\(ended)-1-2.tmp", ".recurra--\(ended)-1.tmp", ".recurra-0\(ended)-1.tmp",
      ".recurra-\(ended)-1a2b", ".recurra-0-1.tmp", ".recurra-99999999999-1.tmp", ".recurra-x-1.tmp",
    ]
    for name in others { _ = try folder.add(name, [1]) }
    try FileManager.default.createDirectory(
      atPath: folder(".recurra-\(ended)-d.tmp"), withIntermediateDirectories: false)
    let target = try folder.add("target", [7])
    try FileManager.default.createSymbolicLink(
      atPath: folder(".recurra-\(ended)-e.tmp"), withDestinationPath: target)
    let before = try folder.names
    try content.write(to: folder("model"))
    #expect(try folder.names == (before + ["model"]).sorted())
  }

  @Test func whatSomebodyElseWritesStays() throws {
    // On a disk that containers share, a living process may have a number that is nobody's here: it has the lock.
    let path = try folder.add(".recurra-\(try endedProcess())-1a2b.tmp", [1])
    let descriptor = open(path, O_WRONLY)
    #expect(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    try content.write(to: folder("model"))
    #expect(try folder.names.count == 2)
    close(descriptor)
    try content.write(to: folder("model"))
    #expect(try folder.names == ["model"])
  }

  @Test func savingWhileSavingHarmsNeither() throws {
    try AtomicFile.write(to: folder("outer")) { (file) throws(RecurraError) in
      try file.append([1, 2])
      try AtomicFile.write([7], to: folder("inner"))
      try AtomicFile.check(folder("other"))
      try file.append([3])
    }
    #expect(try folder.names == ["inner", "outer"])
    #expect(try bytes(of: folder("outer")) == [1, 2, 3])
  }

  @Test func manyThreadsSaveInOneDirectory() async throws {
    let path = folder.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<16 {
        group.addTask {
          for _ in 0..<20 { try SafeTensors(["kernel": [Float(index)]]).write(to: "\(path)/\(index)") }
        }
      }
      try await group.waitForAll()
    }
    #expect(try folder.names.count == 16)
  }

  @Test func aFileCutOffByAKillIsGoneAfterTheNextSave() async throws {
    let directory = "/tmp/recurra-killed-\(getpid())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Data([9]).write(to: URL(filePath: "\(directory)/model"))
    await #expect(processExitsWith: .signal(SIGKILL)) {
      try AtomicFile.write(to: "/tmp/recurra-killed-\(getppid())/model") { (file) throws(RecurraError) in
        try file.append([1, 2, 3])
        kill(getpid(), SIGKILL)
      }
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(names.count == 2 && names.contains { $0.hasPrefix(".recurra-") && $0.hasSuffix(".tmp") })
    #expect(try bytes(of: "\(directory)/model") == [9])
    try content.write(to: "\(directory)/other")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == ["model", "other"])
  }

  @Test func aFileBeyondTheLimitIsAnErrorAndNoEnd() async throws {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let path = try folder.add("model", [9])
      var limit = rlimit(rlim_cur: 4096, rlim_max: rlim_t.max)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      for _ in 0..<2 {
        expectError(.inputOutput, "write \(path)", "File too large") {
          try AtomicFile.write([UInt8](repeating: 1, count: 10_000), to: path)
        }
      }
      #expect(try bytes(of: path) == [9])
      #expect(try folder.names == ["model"])
      // The signal is as it was: nobody else's, and not pending.
      var pending = sigset_t()
      sigpending(&pending)
      #expect(sigismember(&pending, SIGXFSZ) == 0)
    }
  }
}
