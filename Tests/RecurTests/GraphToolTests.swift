import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// Graphs of layers from the command line.
@Suite struct GraphToolTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try tool.write(Self.graph, to: "graph.json")
  }

  /// What the lesson's list is, but for a way past the LSTM.
  static let graph = """
    {"class_name": "Functional", "config": {"name": "lesson", "layers": [
      {"class_name": "InputLayer", "name": "words", "config": {"batch_shape": [null, null]}, "inbound_nodes": []},
      {"class_name": "Embedding", "name": "table", "config": {"input_dim": \(Lesson.vocabulary), "output_dim": 6},
       "inbound_nodes": [[["words", 0, 0]]]},
      {"class_name": "LSTM", "name": "reader", "config": {"units": 5}, "inbound_nodes": [[["table", 0, 0]]]},
      {"class_name": "GRU", "name": "other", "config": {"units": 4}, "inbound_nodes": [[["table", 0, 0]]]},
      {"class_name": "Concatenate", "name": "both", "config": {},
       "inbound_nodes": [[["reader", 0, 0], ["other", 0, 0]]]},
      {"class_name": "Dense", "name": "kinds", "config": {"units": 3, "activation": "softmax"},
       "inbound_nodes": [[["both", 0, 0]]]}],
     "input_layers": [["words", 0, 0]], "output_layers": [["kinds", 0, 0]]}}
    """

  private let training = [
    "train", "graph.json", "--data", "x.npy", "--labels", "y.npy", "--save", "out.safetensors", "--epochs", "40",
    "--learning-rate", "0.02",
  ]

  @Test func aGraphIsTrainedSavedAndGoneOnWith() throws {
    let trained = try tool.expectSuccess(training)
    #expect(trained.error.contains("Epoch 40/40") && !trained.error.contains("warning"))
    let evaluated = try tool.expectSuccess(
      ["evaluate", "out.safetensors", "--data", "x.npy", "--labels", "y.npy"]
    ).output
    guard case .number(let accuracy) = try JSONValue(parsing: Array(evaluated.utf8))["accuracy"] else {
      Issue.record("expected an accuracy, got \(evaluated)")
      return
    }
    #expect(accuracy > 0.9)
    try tool.expectSuccess(["predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy"])
    let model = try Model.load(from: tool.path("out.safetensors"))
    let wanted = try model.predict(Tensor(contentsOfNumPy: tool.path("x.npy")))
    let found = try Tensor(contentsOfNumPy: tool.path("p.npy"))
    #expect(found.scalars(as: Float.self) == wanted.scalars(as: Float.self))
    let lengths = ["--lengths", "lengths.npy"]
    try tool.expectSuccess(["predict", "out.safetensors", "--input", "x.npy", "--output", "q.npy"] + lengths)
    #expect(try tool.bytes("q.npy") != tool.bytes("p.npy"))
    var again = training
    again[1] = "out.safetensors"
    try tool.expectSuccess(again)
    #expect(try Trainer(contentsOf: tool.path("out.safetensors")).state.epoch == 80)
  }

  @Test func theBytesAreThoseOfTheLibrary() throws {
    try tool.expectSuccess(training + ["--seed", "6"])
    let model = try Model(configuration: JSONValue(parsing: Array(Self.graph.utf8)), seed: 6)
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.02), metrics: [.accuracy])
    try trainer.fit(
      Tensor(contentsOfNumPy: tool.path("x.npy")), Tensor(contentsOfNumPy: tool.path("y.npy")), epochs: 40,
      verbose: .silent, seed: 6)
    let saved = try Trainer(contentsOf: tool.path("out.safetensors"))
    for (found, wanted) in zip(saved.weights, trainer.weights) {
      #expect(found.scalars(as: Float.self) == wanted.scalars(as: Float.self))
    }
  }

  @Test func theSummaryShowsWhatIsConnected() throws {
    for argument in ["graph.json", Self.graph] {
      let summary = try tool.output(["summary", argument])
      for text in ["Connected to", "words (InputLayer)", "reader[0][0]", "other[0][0]", "Model: \"lesson\""] {
        #expect(summary.contains(text), "\(summary)")
      }
    }
    let nested = "[\(Self.graph)]"
    #expect(try tool.output(["summary", nested]).contains("lesson (Functional)"))
  }

  @Test func whatIsNoGraphExitsWith65() throws {
    let text = Self.graph
    for count in stride(from: 1, to: text.utf8.count, by: 97) {
      try tool.write(String(text.prefix(count)), to: "cut.json")
      try tool.expectFailure(65, "cut.json", of: ["summary", "cut.json"])
    }
    let changes = [
      (#"[["reader", 0, 0], ["other", 0, 0]]"#, #"[["kinds", 0, 0], ["other", 0, 0]]"#, "cycles"),
      (#"[["kinds", 0, 0]]"#, #"[["reader", 0, 0]]"#, "layers that outputs depend on"),
      (#"["other", 0, 0]"#, #"["nobody", 0, 0]"#, "nobody"), (#""units": 4"#, #""units": 0"#, "units"),
    ]
    for (old, new, word) in changes {
      try tool.write(text.replacing(old, with: new), to: "bad.json")
      try tool.expectFailure(65, "bad.json", word, of: ["summary", "bad.json"])
      var bad = training
      bad[1] = "bad.json"
      try tool.expectFailure(65, "bad.json", word, of: bad)
    }
  }

  @Test func severalOutputsAreForPrograms() throws {
    let several = Self.graph.replacing(#"[["kinds", 0, 0]]"#, with: #"[["kinds", 0, 0], ["reader", 0, 0]]"#)
    try tool.write(several, to: "several.json")
    var command = training
    command[1] = "several.json"
    try tool.expectFailure(65, "several.json", "one input and one output", "1 inputs and 2 outputs", of: command)
    #expect(try tool.output(["summary", "several.json"]).contains("kinds (Dense)"))
  }
}
