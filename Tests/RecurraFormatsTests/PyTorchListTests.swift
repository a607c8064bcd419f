import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Lists of PyTorch's modules with their state dicts: PyTorch's own values, and the way back.
@Suite struct PyTorchListTests {
  private static let fixture = Result { try Fixture("torch_lists") }

  private struct Case {
    let list: JSONValue
    let state: NamedValues<StoredTensor>
    let input: Tensor
    let output: Tensor
  }

  private func reference(_ name: String) throws -> Case {
    let reference = try Self.fixture.get()[name]
    var state: NamedValues<StoredTensor> = [:]
    for (what, tensor) in reference.tensors where what.hasPrefix("state.") {
      let isCounter = what.hasSuffix("num_batches_tracked")
      state[String(what.dropFirst(6))] =
        isCounter ? StoredTensor(.int64, shape: [], bytes: [5] + [UInt8](repeating: 0, count: 7)) : StoredTensor(tensor)
    }
    return Case(
      list: try #require(reference.arguments?["list"]), state: state, input: try reference.required("input"),
      output: try reference.required("output"))
  }

  /// A folder that is removed with its files.
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func read(
    _ list: JSONValue, _ state: NamedValues<StoredTensor>, in folder: String, as ending: String = "safetensors"
  ) throws -> ModelDescription {
    try list.text.write(toFile: folder + "/net.json", atomically: true, encoding: .utf8)
    try ModelFormats.write(ModelDescription(tensors: state), to: folder + "/net.\(ending)")
    return try ModelFormats.read(folder + "/net.json", ReadingOptions(weights: folder + "/net.\(ending)"))
  }

  private func answers(_ description: ModelDescription, _ input: Tensor) throws -> Tensor {
    func exchanged(_ tensor: Tensor) -> Tensor {
      tensor.permuted([1, 0] + Array(2..<max(tensor.rank, 2))).contiguous
    }
    let model = try #require(description.model)
    let output = try model.predict(description.inputBatchAxis == 1 ? exchanged(input) : input)
    return description.outputBatchAxis == 1 ? exchanged(output) : output
  }

  static let cases = (try? fixture.get().cases.map(\.name)) ?? []

  @Test(arguments: cases)
  func theModelGivesPyTorchsValues(name: String) throws {
    let reference = try reference(name)
    try inFolder { folder in
      let description = try read(reference.list, reference.state, in: folder)
      #expect(description.warnings.isEmpty)
      let output = try answers(description, reference.input)
      expectClose(output, reference.output, relative: 1e-5, absolute: 1e-5, name)
    }
  }

  @Test(arguments: cases)
  func theStateDictGoesBack(name: String) throws {
    let reference = try reference(name)
    try inFolder { folder in
      let description = try read(reference.list, reference.state, in: folder, as: "pt")
      try ModelFormats.write(ModelDescription(model: description.model), to: folder + "/back.safetensors")
      let back = try ModelFormats.read(folder + "/back.safetensors")
      #expect(back.tensors.names == reference.state.names)
      for (tensorName, stored) in back.tensors { #expect(stored.shape == reference.state[tensorName]?.shape) }
      expectClose(try answers(back, reference.input), reference.output, relative: 1e-5, absolute: 1e-5, name)
      for (tensorName, stored) in reference.state where tensorName.hasSuffix("num_batches_tracked") {
        #expect(back.tensors[tensorName] == stored)
      }
    }
  }

  @Test func aStateDictInACheckpointIsFoundByItsPrefixes() throws {
    let reference = try reference("gru_last")
    var nested: NamedValues<StoredTensor> = ["optimizer.state.0.exp_avg": StoredTensor(Tensor([1] as [Float]))]
    for (name, stored) in reference.state { nested["model.net.\(name)"] = stored }
    try inFolder { folder in
      let description = try read(reference.list, nested, in: folder)
      #expect(description.warnings.count == 1 && description.warnings[0].contains("exp_avg"))
      expectClose(try answers(description, reference.input), reference.output, relative: 1e-5, absolute: 1e-5, "nested")
    }
  }

  private func refusal(_ list: JSONValue, _ state: NamedValues<StoredTensor>) throws -> String {
    var text = "read"
    try inFolder { folder in
      do {
        _ = try read(list, state, in: folder)
      } catch let error as RecurraError {
        #expect(error.kind == .badFile)
        text = "\(error)"
      }
    }
    return text
  }

  @Test func missingAndFurtherTensorsAreRefusedByName() throws {
    let reference = try reference("gru_last")
    var state = reference.state
    state["rnn.bias_hh_l0"] = nil
    #expect(try refusal(reference.list, state).contains("rnn.bias_hh_l0"))
    state = reference.state
    state["rnn.weight_ih_l1"] = state["rnn.weight_ih_l0"]
    #expect(try refusal(reference.list, state).contains("rnn.weight_ih_l1"))
    state = reference.state
    state["head.weight"] = StoredTensor(Tensor.zeros([2, 4]))
    #expect(try refusal(reference.list, state).contains("head.weight"))
  }

  @Test(arguments: [
    (#"[{"module": "Transformer", "prefix": "t"}]"#, "Transformer"),
    (#"[{"module": "LSTM", "prefix": "r", "input_size": 3}]"#, "hidden_size"),
    (#"[{"module": "LSTM", "prefix": "r", "input_size": 3, "hidden_size": 2, "proj_size": 2}]"#, "proj_size"),
    (#"[{"module": "GRU", "prefix": "r", "input_size": 3, "hidden_size": 2, "proj_size": 1}]"#, "proj_size"),
    (#"[{"module": "LSTM", "prefix": "r", "input_size": 3, "hidden_size": -2}]"#, "hidden_size"),
    (
      #"[{"module": "LSTM", "prefix": "r", "input_size": 3, "hidden_size": 2}, {"module": "Linear", "prefix": "l", "in_features": 3, "out_features": 1}]"#,
      "in_features"
    ),
    (
      #"[{"module": "Softmax", "dim": 0}, {"module": "Linear", "prefix": "l", "in_features": 3, "out_features": 1}]"#,
      "batch"
    ),
    (#"[{"module": "ReLU"}]"#, "features"),
    (
      #"[{"module": "LSTM", "prefix": "r", "input_size": 3, "hidden_size": 2, "batch_first": true}, {"module": "LSTM", "prefix": "s", "input_size": 2, "hidden_size": 2}]"#,
      "batch_first"
    ),
  ])
  func whatAListCannotSayIsRefusedByName(list: String, word: String) throws {
    let json = try JSONValue(parsing: Array(list.utf8))
    let text = try refusal(json, ["x": StoredTensor(Tensor([1] as [Float]))])
    #expect(text.contains(word), "\(text)")
  }
}
