import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import Testing

/// Data beside a model: within its folder, and nowhere else.
@Suite struct ONNXExternalDataTests {
  /// x · w, where w [3] lies elsewhere.
  private func model(_ location: String, offset: Int64 = 4) -> [UInt8] {
    func entry(_ key: String, _ value: String) -> [UInt8] {
      ONNXMessage.made {
        $0.text(1, key)
        $0.text(2, value)
      }
    }
    let weights = ONNXMessage.made {
      $0.number(1, 3)
      $0.number(2, 1)
      $0.text(8, "w")
      $0.content(13, entry("location", location))
      $0.content(13, entry("offset", "\(offset)"))
      $0.content(13, entry("length", "12"))
      $0.number(14, 1)
    }
    return ONNXMessage.model(
      ONNXMessage.graph(
        [ONNXMessage.node("Mul", ["x", "w"], ["y"])], inputs: ["x"], outputs: ["y"], initializers: [weights]))
  }

  @Test("Data is read from beside the model, and refused from outside its folder")
  func places() throws {
    let manager = FileManager.default
    let root = manager.temporaryDirectory.appending(path: "onnx-\(UInt64.random(in: 0...(.max)))")
    let folder = root.appending(path: "models")
    try manager.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: root) }
    let numbers = StoredTensor([9, 2, 3, 5] as Tensor).bytes
    try Data(numbers).write(to: folder.appending(path: "weights.bin"))
    try Data(numbers).write(to: root.appending(path: "outside.bin"))
    try manager.createSymbolicLink(
      at: folder.appending(path: "link.bin"), withDestinationURL: root.appending(path: "outside.bin"))

    func run(_ model: [UInt8]) throws -> [StoredTensor] {
      let path = folder.appending(path: "model.onnx")
      try Data(model).write(to: path)
      let graph = try #require(try ModelFormats.read(path.path).arrayGraph)
      return try graph.run(["x": StoredTensor([1, 10, 100] as Tensor)])
    }
    #expect(try run(model("weights.bin"))[0] == StoredTensor([2, 30, 500] as Tensor))
    for location in ["../outside.bin", root.appending(path: "outside.bin").path, "link.bin", "", "a/../weights.bin"] {
      #expect(throws: RecurraError.self, "\(location)") { try run(model(location)) }
    }
    #expect(throws: RecurraError.self) { try run(model("weights.bin", offset: 8)) }
    #expect(throws: RecurraError.self) { try run(model("weights.bin", offset: .max)) }
    #expect(throws: RecurraError.self) { try run(model("missing.bin")) }
  }
}
