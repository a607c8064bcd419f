import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Symbolic links as the place of a new file.
@Suite struct LinkTests {
  let folder: TemporaryFolder
  private let content = SafeTensors(["kernel": [1, 2, 3]])

  init() throws { folder = try TemporaryFolder() }

  private func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: folder(name), withDestinationPath: target)
  }

  @Test(arguments: ["target", "./target", "sub/../target", "absolute"]) func thatLeadNowhereStayAndAreFilled(
    _ target: String
  ) throws {
    try FileManager.default.createDirectory(atPath: folder("sub"), withIntermediateDirectories: false)
    let target = target == "absolute" ? folder("target") : target
    try link("link", to: target)
    try AtomicFile.check(folder("link"))
    #expect(try folder.names == ["link", "sub"])
    try content.write(to: folder("link"))
    #expect(try folder.names == ["link", "sub", "target"])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder("link")) == target)
    #expect(try SafeTensors(contentsOf: folder("target")).tensors.names == ["kernel"])
  }

  @Test func mayFormAChainAcrossDirectories() throws {
    try FileManager.default.createDirectory(atPath: folder("sub"), withIntermediateDirectories: false)
    try link("first", to: "sub/second")
    try link("sub/second", to: "third")
    try link("sub/third", to: "../target")
    try content.write(to: folder("first"))
    #expect(try folder.names == ["first", "sub", "target"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("sub")).sorted() == ["second", "third"])
  }

  @Test func intoMissingDirectoriesAndCirclesAreRefused() throws {
    try link("missing", to: "nowhere/target")
    expectError(.cannotCreate, "missing", "No such file or directory") { try content.write(to: folder("missing")) }
    try link("a", to: "b")
    try link("b", to: "a")
    expectError(.cannotCreate, "symbolic links") { try content.write(to: folder("a")) }
    try link("directory", to: "sub/")
    expectError(.cannotCreate, "a link to a file") { try content.write(to: folder("directory")) }
    #expect(try folder.names == ["a", "b", "directory", "missing"])
  }
}
