import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import Testing

/// Models that are refused, and what the error says.
@Suite struct ONNXRefusalTests {
  private func error(of model: [UInt8]) throws -> RecurraError {
    do {
      _ = try ONNXCase.read(model)
    } catch {
      return error
    }
    return try #require(nil, "the model was read")
  }

  private func run(_ model: [UInt8], _ x: Tensor = [1, 2, 3]) throws -> [StoredTensor] {
    try #require(try ONNXCase.read(model).arrayGraph).run(["x": StoredTensor(x)])
  }

  private func runError(of model: [UInt8]) throws -> RecurraError {
    do {
      _ = try run(model)
    } catch let error as RecurraError {
      return error
    }
    return try #require(nil, "the model ran")
  }

  @Test("An operator that is not there is named with its node and opset before anything runs")
  func unsupportedOperator() throws {
    let nodes = [
      ONNXMessage.node("Relu", ["x"], ["r"]), ONNXMessage.node("NonMaxSuppression", ["r"], ["y"], name: "boxes"),
    ]
    let error = try error(of: ONNXMessage.model(ONNXMessage.graph(nodes, inputs: ["x"], outputs: ["y"]), opset: 13))
    #expect(error.kind == .badFile)
    for part in ["boxes", "NonMaxSuppression", "opset 13", "model.onnx"] {
      #expect(error.description.contains(part), "\(part)")
    }
  }

  @Test("A later version of an operator's set, or one before the operator came, is refused")
  func versions() throws {
    let graph = ONNXMessage.graph([ONNXMessage.node("Gelu", ["x"], ["y"])], inputs: ["x"], outputs: ["y"])
    #expect(try error(of: ONNXMessage.model(graph, opset: 19)).got.contains("Gelu"))
    #expect(throws: Never.self) { try ONNXCase.read(ONNXMessage.model(graph, opset: 20)) }
    #expect(try error(of: ONNXMessage.model(graph, opset: 99)).got.contains("opset 99"))
    let old = ONNXMessage.graph([ONNXMessage.node("Add", ["x", "x"], ["y"])], inputs: ["x"], outputs: ["y"])
    #expect(try error(of: ONNXMessage.model(old, opset: 6)).got.contains("Add"))
  }

  @Test("Nodes in any order run; a cycle, a name twice and a missing input are refused")
  func order() throws {
    let (a, b) = (ONNXMessage.node("Relu", ["m"], ["y"]), ONNXMessage.node("Neg", ["x"], ["m"]))
    let turned = ONNXMessage.model(ONNXMessage.graph([a, b], inputs: ["x"], outputs: ["y"]))
    #expect(try run(turned, [1, -2])[0] == StoredTensor([0, 2]))
    let cycle = [ONNXMessage.node("Add", ["x", "y"], ["m"]), ONNXMessage.node("Relu", ["m"], ["y"])]
    #expect(
      try error(of: ONNXMessage.model(ONNXMessage.graph(cycle, inputs: ["x"], outputs: ["y"]))).got == "a cycle")
    let own = [ONNXMessage.node("Add", ["x", "y"], ["y"])]
    #expect(try error(of: ONNXMessage.model(ONNXMessage.graph(own, inputs: ["x"], outputs: ["y"]))).got == "a cycle")
    let twice = [ONNXMessage.node("Relu", ["x"], ["y"]), ONNXMessage.node("Neg", ["x"], ["y"])]
    #expect(
      try error(of: ONNXMessage.model(ONNXMessage.graph(twice, inputs: ["x"], outputs: ["y"]))).got.contains("twice"))
    let missing = [ONNXMessage.node("Add", ["x", "nowhere"], ["y"])]
    #expect(
      try error(of: ONNXMessage.model(ONNXMessage.graph(missing, inputs: ["x"], outputs: ["y"]))).description
        .contains("nowhere"))
  }

  @Test("Shapes that a graph computes are compared with what there is before anything is taken")
  func computedSizes() throws {
    let sizes = ONNXMessage.int64s("n", shape: [2], [1 << 30, 1 << 31])
    for kind in ["ConstantOfShape", "Expand", "Tile"] {
      let inputs = kind == "ConstantOfShape" ? ["n"] : ["m", "n"]
      var nodes = [ONNXMessage.node(kind, inputs, ["big"]), ONNXMessage.node("Identity", ["x"], ["y"])]
      nodes.insert(ONNXMessage.node("Unsqueeze", ["x", "zero"], ["m"]), at: 0)
      let zero = ONNXMessage.int64s("zero", shape: [1], [0])
      let graph = ONNXMessage.graph(nodes, inputs: ["x"], outputs: ["y", "big"], initializers: [sizes, zero])
      let error = try runError(of: ONNXMessage.model(graph))
      #expect(error.kind == .outOfMemory || error.kind == .badData, "\(kind)")
    }
    let bounds = [("a", 0), ("b", Int64.max), ("c", 1)].map { ONNXMessage.int64s($0.0, shape: [], [Int64($0.1)]) }
    let range = ONNXMessage.graph(
      [ONNXMessage.node("Range", ["a", "b", "c"], ["y"])], inputs: ["x"], outputs: ["y"], initializers: bounds)
    #expect(try runError(of: ONNXMessage.model(range)).kind == .outOfMemory)
  }

  @Test("A loop without an end is ended")
  func endless() throws {
    let body = ONNXMessage.graph(
      [ONNXMessage.node("Identity", ["go"], ["more"])], inputs: ["i", "go"], outputs: ["more"])
    let loop = ONNXMessage.node(
      "Loop", ["", ""], [], name: "round", attributes: [ONNXMessage.attribute("body", kind: 5) { $0.content(6, body) }])
    let graph = ONNXMessage.graph([loop, ONNXMessage.node("Relu", ["x"], ["y"])], inputs: ["x"], outputs: ["y"])
    #expect(try runError(of: ONNXMessage.model(graph)).got.contains("loops"))
  }

  @Test("Functions that call themselves, or each other more and more often, are refused")
  func functions() throws {
    func function(_ name: String, _ nodes: [[UInt8]]) -> [UInt8] {
      ONNXMessage.made {
        $0.text(1, name)
        $0.text(4, "a")
        $0.text(5, "c")
        for node in nodes { $0.content(7, node) }
        for domain in ["", "own"] {
          $0.content(
            9,
            ONNXMessage.made {
              $0.text(1, domain)
              $0.number(2, domain.isEmpty ? 17 : 1)
            })
        }
        $0.text(10, "own")
      }
    }
    let main = ONNXMessage.graph(
      [ONNXMessage.node("f0", ["x"], ["y"], domain: "own")], inputs: ["x"], outputs: ["y"])
    let itself = function("f0", [ONNXMessage.node("f0", ["a"], ["c"], domain: "own")])
    #expect(try error(of: ONNXMessage.model(main, functions: [itself])).got.contains("deeper"))
    let doubling = (0..<30).map { level in
      function(
        "f\(level)",
        level == 29
          ? [ONNXMessage.node("Relu", ["a"], ["c"])]
          : [
            ONNXMessage.node("f\(level + 1)", ["a"], ["b"], domain: "own"),
            ONNXMessage.node("f\(level + 1)", ["b"], ["c"], domain: "own"),
          ])
    }
    #expect(try error(of: ONNXMessage.model(main, functions: doubling)).got.contains("functions"))
  }

  @Test("Graphs inside each other are read to a bounded depth")
  func depth() throws {
    var deep = ONNXMessage.graph([], inputs: [], outputs: [])
    for _ in 0..<200 {
      deep = ONNXMessage.graph(
        [ONNXMessage.node("If", [], [], attributes: [ONNXMessage.attribute("g", kind: 5) { $0.content(6, deep) }])],
        inputs: [], outputs: [])
    }
    #expect(try error(of: ONNXMessage.model(deep)).kind == .badFile)
  }
}
