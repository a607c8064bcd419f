import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder
  private let old = Array("old content".utf8)
  private let new = SafeTensors(["kernel": [1, 2, 3], "bias": [4]], metadata: ["a": "b"])

  init() throws { folder = try TemporaryFolder() }

  @Test func failureAtAnyCallLeavesTheOldFileOrTheWholeNewOneAndNothingElse() throws {
    try new.write(to: folder("reference"))
    let whole = try bytes(of: folder("reference"))
    try FileManager.default.removeItem(atPath: folder("reference"))
    var calls = 0
    for error in [SystemError.noSpace, .inputOutput] {
      for call in 0..<100 {
        let path = try folder.add("model", old)
        let system = TroubledFileSystem(.failure(call: call, error))
        let failure = failure(of: { () throws(RecurraError) in try new.write(to: path, system: system) })
        if let failure {
          #expect(failure.kind == .cannotCreate || failure.kind == .inputOutput, "\(failure)")
          #expect(failure.got == "the error \"\(error)\"")
          #expect(failure.operation == "write \(path)")
        } else if system.log.count <= call {
          calls = call
          break
        }
        let isNamed = failure == nil || system.log[..<call].contains("rename")
        #expect(try bytes(of: path) == (isNamed ? whole : old), "call \(call), \(system.log[call])")
        #expect(try folder.names == ["model"], "call \(call), \(system.log[call])")
      }
    }
    #expect(calls >= 11)
  }

  @Test func failureAtAnyCallLeavesNoNewFile() throws {
    for call in 0..<100 {
      let system = TroubledFileSystem(.failure(call: call, .noSpace))
      let failure = failure(of: { () throws(RecurraError) in try new.write(to: folder("model"), system: system) })
      if failure == nil && system.log.count <= call { return }
      let isNamed = failure == nil || system.log[..<call].contains("rename")
      #expect(try folder.names == (isNamed ? ["model"] : []), "call \(call), \(system.log[call])")
      try? FileManager.default.removeItem(atPath: folder("model"))
    }
    Issue.record("writing never came to an end")
  }

  @Test func failureAtAnyCallOfReadingThrows() throws {
    try new.write(to: folder("model"))
    for call in 0..<100 {
      let system = TroubledFileSystem(.failure(call: call, .inputOutput))
      let failure = failure(of: { () throws(RecurraError) in
        _ = try SafeTensors(InputFile(folder("model"), system: system))
      })
      if system.log.count <= call { return }
      let kind: RecurraError.Kind = system.log[call] == "open" ? .noInput : .inputOutput
      #expect(failure?.kind == (system.log[call] == "close" ? nil : kind), "call \(call), \(system.log[call])")
    }
    Issue.record("reading never came to an end")
  }

  @Test func bytesAreOnDiskBeforeTheyHaveTheName() throws {
    let system = TroubledFileSystem(.failure(call: .max, .noSpace))
    try new.write(to: folder("model"), system: system)
    let log = system.log
    let steps = log.filter { ["write", "synchronize", "rename"].contains($0) }
    #expect(steps.suffix(4) == ["write", "synchronize", "rename", "synchronize"])
    #expect(steps.filter { $0 == "synchronize" }.count == 2)
  }

  @Test func interruptionsAndShortTransfersDoNotShow() throws {
    let system = TroubledFileSystem(.interruptions(byteCount: 3))
    try new.write(to: folder("model"), system: system)
    try new.write(to: folder("reference"))
    #expect(try bytes(of: folder("model")) == bytes(of: folder("reference")))
    #expect(system.log.filter { $0 == "write" }.count > 50)
    let read = try SafeTensors(InputFile(folder("model"), system: TroubledFileSystem(.interruptions(byteCount: 5))))
    #expect(read.tensors["kernel"]?.scalars(as: Float.self) == [1, 2, 3])
    #expect(read.metadata == ["a": "b"])
  }

  @Test func errorInTheMiddleOfWritingKeepsTheOldFile() throws {
    let path = try folder.add("model", old)
    let reason = RecurraError(.badData, operation: "x", expected: "y", got: "z")
    #expect(throws: reason) {
      try AtomicFile.write(to: path) { (file) throws(RecurraError) in
        try file.append([1, 2, 3])
        throw reason
      }
    }
    #expect(try bytes(of: path) == old)
    #expect(try folder.names == ["model"])
  }

  @Test func permissionsOfAReplacedFileStay() throws {
    let path = try folder.add("model", old)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try new.write(to: path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o640)
  }

  @Test func symbolicLinkStaysALink() throws {
    let target = try folder.add("target", old)
    try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: target)
    try new.write(to: folder("link"))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder("link")) == target)
    #expect(try SafeTensors(contentsOf: target).metadata == ["a": "b"])
  }

  @Test func refusesPlacesThatCannotHoldAFile() throws {
    let long = String(repeating: "x", count: 300)
    for path in ["", folder.path, folder("missing/model"), "/dev/null", folder("a\0b"), folder("x/"), folder(long)] {
      expectError(.cannotCreate) { try new.write(to: path) }
    }
    let file = try folder.add("file", old)
    expectError(.cannotCreate, "Not a directory") { try new.write(to: file + "/model") }
    expectError(.cannotCreate, "No such file or directory") { try new.write(to: folder("missing/model")) }
    expectError(.cannotCreate, "a directory") { try new.write(to: folder.path) }
    #expect(try folder.names == ["file"])
  }

  @Test func checkingAPlaceChangesNothing() throws {
    let path = try folder.add("model", old)
    try AtomicFile.check(path)
    try AtomicFile.check(folder("other"))
    #expect(try bytes(of: path) == old)
    #expect(try folder.names == ["model"])
    expectError(.cannotCreate, "No such file or directory") { try AtomicFile.check(folder("missing/model")) }
    let calls = TroubledFileSystem(.failure(call: .max, .noSpace))
    try AtomicFile.check(path, system: calls)
    let create = try #require(calls.log.firstIndex(of: "create"))
    expectError(.cannotCreate, "No space left on device") {
      try AtomicFile.check(path, system: TroubledFileSystem(.failure(call: create, .noSpace)))
    }
  }

  @Test func refusesToReadWhatIsNoFile() throws {
    expectError(
      .noInput, "read \(folder("missing")): expected a readable file, got the error \"No such file or directory\""
    ) {
      _ = try SafeTensors(contentsOf: folder("missing"))
    }
    expectError(.noInput, "a directory") { _ = try SafeTensors(contentsOf: folder.path) }
    expectError(.noInput, "device") { _ = try Tensor(contentsOfNumPy: "/dev/zero") }
    expectError(.noInput) { _ = try Tensor(contentsOfNumPy: "") }
    expectError(.noInput) { _ = try Tensor(contentsOfNumPy: fixture("f4.npy") + "\0x") }
    #expect(mkfifo(folder("pipe"), 0o600) == 0)
    expectError(.noInput, "pipe") { _ = try JSONValue(contentsOf: folder("pipe")) }
    expectError(.badFile, "at most 100 bytes") {
      _ = try Tensor(contentsOfNumPy: fixture("f4.npy"), maximumByteCount: 100)
    }
  }

  @Test func refusedFilesAreClosedOnce() throws {
    let path = try folder.add("file", old)
    for (path, maximumByteCount) in [(folder.path, Int.max), (path, 3)] {
      let system = TroubledFileSystem(.interruptions(byteCount: 8))
      expectError(maximumByteCount == 3 ? .badFile : .noInput) {
        _ = try InputFile(path, maximumByteCount: maximumByteCount, system: system)
      }
      // A second close may hit the file that another thread has opened in between.
      #expect(system.log.filter { $0 == "close" }.count == 1)
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may do everything")) func refusesWithoutPermission() throws {
    let path = try folder.add("model", old)
    try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: path)
    expectError(.noInput, "Permission denied") { _ = try SafeTensors(contentsOf: path) }
    expectError(.cannotCreate, "Permission denied") { try new.write(to: path) }
    try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
    defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path) }
    expectError(.cannotCreate, "Permission denied") { try new.write(to: folder("other")) }
  }
}
