import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Files of other systems from the command line.
@Suite struct FormatToolTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try tool.write(GraphToolTests.graph, to: "graph.json")
  }

  private func answers(_ model: String, input: String = "x.npy") throws -> Tensor {
    try tool.expectSuccess(["predict", model, "--input", input, "--output", "answers.npy"])
    return try Tensor(contentsOfNumPy: tool.path("answers.npy"))
  }

  @Test func aModelGoesThroughEveryFormatAndAnswersTheSame() throws {
    try tool.expectSuccess([
      "train", "graph.json", "--data", "x.npy", "--labels", "y.npy", "--save", "first.keras", "--epochs", "1",
    ])
    let expected = try answers("first.keras")
    try tool.expectSuccess(["convert", "first.keras", "second.safetensors"])
    #expect(try answers("second.safetensors").scalars(as: Float.self) == expected.scalars(as: Float.self))
    try tool.expectSuccess(["convert", "second.safetensors", "third.keras"])
    #expect(try tool.bytes("third.keras") == tool.bytes("first.keras"))
    try tool.expectSuccess(["convert", "third.keras", "fourth.onnx"])
    let own = try answers("fourth.onnx")
    #expect(own.shape == expected.shape)
    for (left, right) in zip(own.scalars(as: Float.self), expected.scalars(as: Float.self)) {
      #expect(abs(left - right) <= 1e-5)
    }
    try tool.expectSuccess(["convert", "first.keras", "layers.json"])
    try tool.expectSuccess(["convert", "first.keras", "only.weights.h5"])
    try tool.expectSuccess([
      "predict", "layers.json", "--weights", "only.weights.h5", "--input", "words=x.npy", "--output", "kinds=p.npy",
    ])
    #expect(
      try Tensor(contentsOfNumPy: tool.path("p.npy")).scalars(as: Float.self) == expected.scalars(as: Float.self))
  }

  @Test func trainingGoesOnFromTheOptimizersState() throws {
    let training = ["--data", "x.npy", "--labels", "y.npy", "--no-shuffle"]
    try tool.expectSuccess(["train", "graph.json"] + training + ["--epochs", "2", "--save", "whole.keras"])
    try tool.expectSuccess(["train", "graph.json"] + training + ["--epochs", "1", "--save", "half.keras"])
    try tool.expectSuccess(["train", "half.keras"] + training + ["--epochs", "1", "--save", "both.keras"])
    let (whole, both) = (try answers("whole.keras"), try answers("both.keras"))
    for (left, right) in zip(whole.scalars(as: Float.self), both.scalars(as: Float.self)) {
      #expect(abs(left - right) <= 1e-5)
    }
  }

  @Test(arguments: ["keras", "onnx"]) func aFormatThatCannotSayTheModelIsRefusedBeforeTraining(ending: String) throws {
    let layers =
      ending == "keras"
      ? #"[{"class_name": "Embedding", "config": {"input_dim": 99, "output_dim": 4}}, "#
        + #"{"class_name": "SLSTM", "config": {"units": 4}}, {"class_name": "Dense", "config": {"units": 3}}]"#
      : #"[{"class_name": "Embedding", "config": {"input_dim": 99, "output_dim": 4}}, "#
        + #"{"class_name": "LSTM", "config": {"units": 4}}, "#
        + #"{"class_name": "Dense", "config": {"units": 3, "activation": "sparsemax"}}]"#
    let result = tool.end(
      try tool.start(["train", layers, "--data", "x.npy", "--labels", "y.npy", "--save", "never.\(ending)"]))
    #expect(result.code == 64 && !result.error.contains("accuracy"), "\(result.error)")
    #expect(result.error.contains(ending == "keras" ? "SLSTM" : "sparsemax"), "\(result.error)")
    #expect(!FileManager.default.fileExists(atPath: tool.path("never.\(ending)")))
  }

  @Test func whatAFileHoldsIsListed() throws {
    try tool.expectSuccess([
      "train", "graph.json", "--data", "x.npy", "--labels", "y.npy", "--save", "model.keras", "--epochs", "1",
    ])
    let text = try tool.expectSuccess(["inspect", "model.keras"]).output
    #expect(text.contains("Format: Keras") && text.contains("Inputs: words") && text.contains("Outputs: kinds"))
    let json = try JSONValue(parsing: Array(try tool.expectSuccess(["inspect", "model.keras", "--json"]).output.utf8))
    #expect(json["inputs"] == .array([.string("words")]) && json["is_compiled"] == .bool(true))
    guard case .array(let tensors)? = json["tensors"] else {
      Issue.record("expected tensors")
      return
    }
    #expect(tensors.contains { $0["name"] == .string("layers/lstm/cell/vars/0") })
  }

  @Test func arraysKeepTheirTypesAndNames() throws {
    try Tensor([1, -2, 3] as [Int32], shape: [3, 1]).writeNumPy(to: tool.path("whole.npy"))
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let state = folder.appending(path: "Fixtures/formats/torch_state.pt").path
    try tool.expectSuccess(["convert", state, "state.npz"])
    try tool.expectSuccess(["convert", "state.npz", "state.safetensors"])
    func tensors(_ file: String) throws -> JSONValue? {
      try JSONValue(parsing: Array(try tool.expectSuccess(["inspect", file, "--json"]).output.utf8))["tensors"]
    }
    let known = try tensors("state.npz")
    #expect(try known == tensors("state.safetensors"))
    #expect(known?.text.contains("int64") == true)
  }

  @Test(arguments: [7, 300, 2_000])
  func aDamagedFileIsRefusedWithOneLine(count: Int) throws {
    try tool.expectSuccess([
      "train", "graph.json", "--data", "x.npy", "--labels", "y.npy", "--save", "model.keras", "--epochs", "1",
    ])
    try tool.bytes("model.keras").prefix(count).write(to: URL(filePath: tool.path("cut.keras")))
    for arguments in [
      ["predict", "cut.keras", "--input", "x.npy", "--output", "never.npy"], ["convert", "cut.keras", "never.onnx"],
      ["summary", "cut.keras"], ["inspect", "cut.keras"],
    ] {
      let result = tool.end(try tool.start(arguments))
      #expect(result.code == 65 && result.output.isEmpty)
      #expect(result.error.split(separator: "\n").count == 1 && result.error.contains("cut.keras"))
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder)
    let streams = [".output", ".error"]
    #expect(!names.contains { $0.hasPrefix("never") || $0.hasPrefix(".") && !streams.contains($0) })
  }
}
