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

  /// Two inputs and two outputs.
  static let several = """
    {"class_name": "Functional", "config": {"name": "mail", "layers": [
      {"class_name": "InputLayer", "name": "words", "config": {"batch_shape": [null, null]}, "inbound_nodes": []},
      {"class_name": "InputLayer", "name": "hour", "config": {"batch_shape": [null, 1]}, "inbound_nodes": []},
      {"class_name": "Embedding", "name": "table", "config": {"input_dim": \(Lesson.vocabulary), "output_dim": 6},
       "inbound_nodes": [[["words", 0, 0]]]},
      {"class_name": "GRU", "name": "reader", "config": {"units": 5}, "inbound_nodes": [[["table", 0, 0]]]},
      {"class_name": "Concatenate", "name": "both", "config": {},
       "inbound_nodes": [[["reader", 0, 0], ["hour", 0, 0]]]},
      {"class_name": "Dense", "name": "kind", "config": {"units": 3, "activation": "softmax"},
       "inbound_nodes": [[["both", 0, 0]]]},
      {"class_name": "Dense", "name": "score", "config": {"units": 1}, "inbound_nodes": [[["both", 0, 0]]]}],
     "input_layers": [["words", 0, 0], ["hour", 0, 0]], "output_layers": [["kind", 0, 0], ["score", 0, 0]]}}
    """

  private static let data = ["--data", "hour=hour.npy", "--data", "words=x.npy", "--lengths", "words=lengths.npy"]
  private static let labels = [
    "--labels", "kind=y.npy", "--labels", "score=score.npy", "--sample-weights", "score=weights.npy",
  ]
  private static let losses = [
    "--loss", "kind=sparse_categorical_crossentropy", "--loss", "score=mean_squared_error", "--loss-weight",
    "score=0.25",
  ]

  private func writeSeveral() throws {
    try tool.write(Self.several, to: "several.json")
    let hours = (0..<Lesson.rows).map { Float($0 % 24) / 24 }
    try Tensor(hours, shape: [Lesson.rows, 1]).writeNumPy(to: tool.path("hour.npy"))
    try Tensor(hours.map { $0 * 2 - 1 }, shape: [Lesson.rows, 1]).writeNumPy(to: tool.path("score.npy"))
    try Tensor(hours.map { $0 < 0.5 ? 1 : 0.5 } as [Float]).writeNumPy(to: tool.path("weights.npy"))
  }

  @Test func severalInputsAndOutputsGoByTheirNames() throws {
    try writeSeveral()
    let command = ["train", "several.json"] + Self.data + Self.labels
    try tool.expectSuccess(
      command + Self.losses + [
        "--validation-data", "words=x.npy", "--validation-data", "hour=hour.npy", "--validation-labels",
        "score=score.npy",
        "--validation-labels", "kind=y.npy", "--save", "out.safetensors", "--seed", "3", "--block-size", "20",
      ])
    // The bytes are those of the library.
    func tensor(_ name: String) throws -> Tensor { try Tensor(contentsOfNumPy: tool.path(name)) }
    let lengths = try tensor("lengths.npy").scalars(as: Int32.self).map(Int.init)
    let examples = Examples(
      [try tensor("x.npy"), try tensor("hour.npy")], [try tensor("y.npy"), try tensor("score.npy")],
      masks: [.lengths(lengths), .all], sampleWeights: [nil, try tensor("weights.npy")])
    let model = try Model(configuration: JSONValue(parsing: Array(Self.several.utf8)), seed: 3)
    let trainer = try model.compile(
      loss: [.sparseCategoricalCrossEntropy, .meanSquaredError], lossWeights: [1, 0.25], optimizer: .adam(),
      metrics: [[.accuracy], [.meanAbsoluteError]])
    try trainer.fit(examples, blockSize: 20, verbose: .silent, seed: 3)
    let saved = try Trainer(contentsOf: tool.path("out.safetensors"))
    for (found, wanted) in zip(saved.weights, trainer.weights) {
      #expect(found.scalars(as: Float.self) == wanted.scalars(as: Float.self))
    }
    #expect(saved.lossWeights == [1, 0.25])
    let evaluated = try tool.expectSuccess(["evaluate", "out.safetensors"] + Self.data + Self.labels).output
    let logs = try trainer.evaluate(examples, verbose: .silent)
    guard case .object(let members) = try JSONValue(parsing: Array(evaluated.utf8)) else {
      Issue.record("expected an object, got \(evaluated)")
      return
    }
    #expect(members.map(\.name) == logs.map { $0.0 })
    let input = Self.data.map { $0 == "--data" ? "--input" : $0 }
    try tool.expectSuccess(
      ["predict", "out.safetensors", "--output", "score=s.npy", "--output", "kind=k.npy"] + input)
    let wanted = try model.predict(examples.inputs, masks: examples.masks)
    #expect(try tensor("k.npy").scalars(as: Float.self) == wanted[0].scalars(as: Float.self))
    #expect(try tensor("s.npy").scalars(as: Float.self) == wanted[1].scalars(as: Float.self))
    // It goes on with the losses that it was trained with, and no others.
    var again = command + ["--save", "out.safetensors"]
    again[1] = "out.safetensors"
    try tool.expectSuccess(again + Self.losses)
    #expect(try Trainer(contentsOf: tool.path("out.safetensors")).state.epoch == 2)
    try tool.expectFailure(64, "--loss", "--fresh", of: again + ["--loss", "mse"])
    try tool.expectFailure(64, "--loss-weight", "--fresh", of: again + ["--loss-weight", "kind=3"])
  }

  @Test func namesThatDoNotFitAreWrongUsage() throws {
    try writeSeveral()
    let save = ["--save", "out.safetensors"]
    func expect(_ words: String, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
      try tool.expectFailure(64, words, of: ["train", "several.json"] + arguments + save, at: sourceLocation)
    }
    try expect(
      #"--data: expected NAME=VALUE for each of 2 inputs: "words", "hour""#, ["--data", "x.npy"] + Self.labels)
    try expect("--data: expected NAME=VALUE", ["--data", "x.npy", "--data", "hour=hour.npy"] + Self.labels)
    try expect(#"got "when""#, ["--data", "words=x.npy", "--data", "when=hour.npy"] + Self.labels)
    try expect(
      #"got "words""#, ["--data", "words=x.npy", "--data", "words=x.npy", "--data", "hour=hour.npy"] + Self.labels)
    try expect(#"none for "score""#, Self.data + Self.labels + ["--loss", "kind=mse"])
    try expect("--labels: expected NAME=VALUE for each of 2 outputs", Self.data + ["--labels", "y.npy"])
    try expect("--loss-weight: expected NAME=NUMBER", Self.data + Self.labels + ["--loss-weight", "kind=much"])
    try expect("finite weight", Self.data + Self.labels + ["--loss-weight", "kind=-1"])
    try expect(
      "class weights for a model of one output", Self.data + Self.labels + Self.losses + ["--class-weights", "0:1"])
    // Alone, a file may be called anything.
    try tool.write(Self.graph, to: "a=b.json")
    try Tensor(contentsOfNumPy: tool.path("x.npy")).writeNumPy(to: tool.path("words=x.npy"))
    try tool.expectSuccess(["train", "a=b.json", "--data", "words=x.npy", "--labels", "y.npy"] + save)
  }
}
