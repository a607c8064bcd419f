import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// What people are told: warnings, and errors that name the file and the place in it.
@Suite struct MessageTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try Line.write(to: tool)
  }

  private func layer(_ name: String, _ config: String) -> String {
    #"{"class_name": "\#(name)", "config": {\#(config)}}"#
  }

  // MARK: Losses that outputs cannot fit

  /// The layers after an embedding, the loss, and the words of the warning; none where there is nothing to warn of.
  static let endings: [(layers: String, loss: String, words: [String])] = [
    ("LSTM:", "sparse_categorical_crossentropy", ["lstm with tanh", "−1…1", "softmax"]),
    ("GRU:", "categorical_crossentropy", ["categorical_crossentropy", "gru with tanh", "softmax"]),
    ("Bidirectional:", "sparse_categorical_crossentropy", ["bidirectional with tanh"]),
    ("LSTM: Dense:", "sparse_categorical_crossentropy", ["sparse_categorical_crossentropy", "dense,", "any numbers"]),
    ("LSTM: Dense:relu", "categorical_crossentropy", ["dense with relu", "0 or more"]),
    ("LSTM: Dense:elu", "binary_crossentropy", ["dense with elu", "−1 or more", "sigmoid"]),
    ("LSTM: Dense:log_softmax", "categorical_crossentropy", ["log_softmax", "0 or less"]),
    ("LSTM: Dense: Dropout:", "binary_crossentropy", ["dense,", "any numbers", "sigmoid"]),
    ("LSTM: Dense: Activation:tanh", "binary_crossentropy", ["activation with tanh"]),
    ("LSTM: LayerNormalization:", "categorical_crossentropy", ["layer_normalization,", "any numbers"]),
    ("LSTM: Dense:softmax", "sparse_categorical_crossentropy", []),
    ("LSTM: Dense:sigmoid", "sparse_categorical_crossentropy", []),
    ("LSTM: Dense:softmax Dropout:", "categorical_crossentropy", []),
    ("LSTM: Dense: Activation:softmax", "categorical_crossentropy", []),
    ("LSTM: Dense:hard_sigmoid", "binary_crossentropy", []),
    ("LSTM:sigmoid", "binary_crossentropy", []),
    ("LSTM: Dense:", "mean_squared_error", []),
    ("LSTM: Dense:tanh", "mean_squared_error", ["dense with tanh", "−1…1", "from 0.0 to 2.0", "linear"]),
    ("LSTM: Dense:relu", "mean_absolute_error", []),
  ]

  @Test(arguments: endings) func lossThatOutputsCannotFit(_ layers: String, _ loss: String, _ words: [String]) throws {
    var parts = [layer("Embedding", #""input_dim": 9, "output_dim": 4"#)]
    for part in layers.split(separator: " ") {
      let (name, activation) = (String(part.split(separator: ":")[0]), part.split(separator: ":").dropFirst().first)
      let setting = activation.map { #""activation": "\#($0)""# }
      switch name {
      case "Dropout": parts.append(layer(name, #""rate": 0.1"#))
      case "Bidirectional": parts.append(layer(name, #""layer": \#(layer("LSTM", #""units": 3"#))"#))
      case "LayerNormalization", "Activation": parts.append(layer(name, setting ?? ""))
      default: parts.append(layer(name, ([#""units": 3"#] + [setting].compactMap { $0 }).joined(separator: ", ")))
      }
    }
    let targets = try Tensor(contentsOfNumPy: tool.path("y.npy")).scalars(as: Int32.self)
    let numbers = targets.flatMap { label -> [Float] in
      loss.hasPrefix("mean") ? [0, 1, 2] : (0..<3).map { $0 == label ? 1 : 0 }
    }
    try Tensor(numbers, shape: [targets.count, 3]).writeNumPy(to: tool.path("t.npy"))
    let labels = loss.hasPrefix("sparse") ? "y.npy" : "t.npy"
    let arguments = [
      "train", "[\(parts.joined(separator: ", "))]", "--data", "x.npy", "--labels", labels, "--loss", loss,
      "--save", "out.safetensors",
    ]
    // What follows from a loss that does not fit may well be NaN.
    let result = tool.end(try tool.start(arguments))
    #expect(result.code == 0 || !words.isEmpty, "\(layers): \(result.error)")
    let warnings = result.error.split(separator: "\n").filter { $0.hasPrefix("recur: warning: ") }
    #expect(warnings.count == (words.isEmpty ? 0 : 1), "\(layers): \(result.error)")
    for word in words { #expect(warnings.first?.contains(word) == true, "\(layers): \(result.error)") }
    guard result.code == 0 else { return }
    let evaluated = try tool.expectSuccess(
      ["evaluate", "out.safetensors", "--data", "x.npy", "--labels", labels, "--loss", loss])
    #expect(evaluated.error.contains("recur: warning: ") == !words.isEmpty, "\(layers): \(evaluated.error)")
  }

  @Test func softmaxOverOneUnitIsAlwaysOne() throws {
    try Tensor.ones([Line.rows, 1]).writeNumPy(to: tool.path("v.npy"))
    for (activation, isWrong) in [("softmax", true), ("sigmoid", false)] {
      let model = "[\(layer("Dense", #""units": 1, "activation": "\#(activation)""#))]"
      let result = try tool.expectSuccess(
        ["train", model] + Line.training.dropFirst(2) + ["--loss", "binary_crossentropy"])
      #expect(result.error.contains("warning: the model ends in dense with softmax over a single unit") == isWrong)
    }
  }

  @Test func oneOutputIsNoChoiceBetweenClasses() throws {
    try Tensor.ones([Line.rows, 1]).writeNumPy(to: tool.path("v.npy"))
    let model = "[\(layer("Dense", #""units": 1, "activation": "sigmoid""#))]"
    for (loss, isWrong) in [("categorical_crossentropy", true), ("binary_crossentropy", false)] {
      let result = try tool.expectSuccess(["train", model] + Line.training.dropFirst(2) + ["--loss", loss])
      #expect(result.error.contains("warning: \(loss) tells classes apart") == isWrong, "\(result.error)")
    }
  }

  @Test func lossFromLogitsTakesAnyNumbers() throws {
    for activation in [Activation.linear, .softmax] {
      let model = Sequential { Dense(units: 3, activation: activation) }
      let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy(fromLogits: true))
      try model.build(inputShape: [nil, Lesson.timesteps])
      try trainer.save(to: tool.path("m"))
      let result = try tool.expectSuccess(["evaluate", "m", "--data", "x.npy", "--labels", "y.npy"])
      let warnings = result.error.split(separator: "\n").filter { $0.hasPrefix("recur: warning: ") }
      #expect(warnings.map { $0.contains("from logits") } == (activation == .linear ? [] : [true]), "\(result.error)")
    }
  }

  // MARK: Errors

  @Test func errorsAboutDataNameTheFiles() throws {
    try Tensor.full([Lesson.rows, Lesson.timesteps], .nan).writeNumPy(to: tool.path("nan.npy"))
    try Tensor.zeros([5], dtype: .int32).writeNumPy(to: tool.path("five.npy"))
    let dense = "[\(layer("Dense", #""units": 3, "activation": "softmax""#))]"
    let held = ["--validation-data", "x.npy", "--validation-labels"]
    for (arguments, words) in [
      (
        ["train", dense, "--data", "nan.npy", "--labels", "y.npy"], ["fit", "x from nan.npy", "y from y.npy", "row 0"]
      ),
      (["train", "model.json", "--data", "x.npy", "--labels", "five.npy"], ["fit", "y from five.npy"]),
      (
        ["train", "model.json", "--data", "x.npy", "--labels", "y.npy", "--lengths", "five.npy"],
        ["lengths from five.npy"]
      ),
      (["train", "model.json", "--data", "x.npy", "--labels", "y.npy"] + held + ["five.npy"], ["y from five.npy"]),
    ] {
      try tool.expectFailure(65, of: arguments + ["--save", "out.safetensors"])
      for word in words { #expect(tool.text(".error").contains(word), "\(tool.text(".error"))") }
    }
    try tool.expectSuccess(Lesson.training)
    try tool.expectFailure(
      65, "evaluate", "x from nan.npy", of: ["evaluate", "out.safetensors", "--data", "nan.npy", "--labels", "y.npy"])
    let predict = ["predict", "out.safetensors", "--input", "nan.npy", "--output", "p.npy"]
    try tool.expectFailure(65, "predict", "x from nan.npy", of: predict)
  }

  @Test func numbersBeyondFloatAreNamedWithTheirRow() throws {
    var numbers = [Double](repeating: 1, count: Line.rows * 3)
    numbers[3 * 7 + 1] = -1e39
    try Tensor(numbers, shape: [Line.rows, 3]).writeNumPy(to: tool.path("u.npy"))
    try tool.expectFailure(65, "read u.npy", "float32", "-1e+39 in row 7", of: Line.training + ["--loss", "mse"])
  }

  @Test func modelThatDoesNotFitNamesItsFileAndLayer() throws {
    let lstm = layer("LSTM", #""units": 3"#)
    for (description, words) in [
      ("[\(layer("Embedding", #""input_dim": 9, "output_dim": 4"#)), \(lstm), \(lstm)]", ["lstm_1", "x.npy"]),
      ("[\(lstm)]", ["lstm", "rows of shape [7]", "x.npy"]), ("[]", ["at least one layer"]),
      ("[\(layer("LSTM", #""units": 0"#))]", ["layer 0", "units"]), ("[{}]", ["layer 0"]), ("[3]", ["layer 0"]),
      ("{}", ["layers"]), ("[", ["offset"]),
    ] {
      try tool.write(description, to: "m.json")
      for (model, name) in [("m.json", "read m.json"), (description, "MODEL")] {
        try tool.expectFailure(65, of: ["train", model] + Lesson.training.dropFirst(2))
        for word in [name] + words { #expect(tool.text(".error").contains(word), "\(tool.text(".error"))") }
      }
    }
  }

  @Test func layersWithoutWeightsAreNoModelToAsk() throws {
    for model in ["model.json", Lesson.architecture] {
      try tool.expectFailure(
        65, "expected a saved model", "layers without weights", model == "model.json" ? "read model.json" : "MODEL",
        of: ["predict", model, "--input", "x.npy", "--output", "p.npy"])
      try tool.expectFailure(
        65, "expected a saved model", of: ["evaluate", model, "--data", "x.npy", "--labels", "y.npy"])
    }
  }

  @Test func textFromFilesCannotUpsetATerminal() throws {
    let name = #"a\u001b[31m\n\u202e\u2028b\u0000"# + String(repeating: "c", count: 5_000)
    try tool.write("[\(layer(name, ""))]", to: "m.json")
    try tool.write(#"{"\#(name)": 1}"#, to: "h.json")
    for arguments in [["summary", "m.json"], ["plot", "h.json"], ["train", "m.json"] + Lesson.training.dropFirst(2)] {
      try tool.expectFailure(65, of: arguments)
      let error = tool.text(".error")
      #expect(
        error.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0 != "\u{202e}" && $0 != "\u{2028}" })
      #expect(error.split(separator: "\n").count == 1 && error.count < 1_100, "\(error)")
    }
    let layers = [layer("LSTM", #""units": 3, "name": "x\u001b[31my""#), layer("Dense", #""units": 1"#)]
    try tool.write("[\(layers.joined(separator: ", "))]", to: "m.json")
    #expect(try tool.output(["summary", "m.json"]).unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
    // What is wrong with the command line itself is told in several lines, as clean as the others.
    try tool.expectFailure(64, "Usage", of: ["train", "--x\u{1b}[31m"])
    #expect(!tool.text(".error").contains("\u{1b}"))
  }

  // MARK: Numbers that are not finite

  @Test func weightsThatAreNotFiniteAreNotSaved() throws {
    try Tensor.ones([1, 3]).writeNumPy(to: tool.path("u.npy"))
    try Tensor.zeros([1, 2]).writeNumPy(to: tool.path("v.npy"))
    try tool.write("old", to: "out.safetensors")
    try tool.expectFailure(
      1, "finite weights", "dense/",
      of: Line.training + ["--loss", "mse", "--learning-rate", "1e308", "--history", "h.json"])
    #expect(tool.text("out.safetensors") == "old")
    #expect(tool.text("h.json").isEmpty)
  }

  @Test func infiniteNumbersOfAHistoryAreNull() throws {
    try tool.write("[\(layer("Dense", #""units": 1"#))]", to: "line.json")
    try Tensor.zeros([4, 3]).writeNumPy(to: tool.path("u.npy"))
    try Tensor.zeros([4, 1]).writeNumPy(to: tool.path("v.npy"))
    try Tensor.full([2, 3], 1e30).writeNumPy(to: tool.path("far.npy"))
    try Tensor.full([2, 1], -1e30).writeNumPy(to: tool.path("low.npy"))
    let result = try tool.expectSuccess(
      Line.training + [
        "--loss", "mse", "--validation-data", "far.npy", "--validation-labels", "low.npy", "--history", "h.json",
        "--epochs", "2",
      ])
    #expect(result.error.contains("val_loss: inf"))
    let history = try JSONValue(contentsOf: tool.path("h.json"))
    #expect(history["history"]?["val_loss"] == .array([.null, .null]))
    #expect(history["history"]?["loss"] != .array([.null, .null]))
    #expect(try tool.run("plot", "h.json").code == 0)
    let evaluated = try tool.expectSuccess(["evaluate", "out.safetensors", "--data", "far.npy", "--labels", "low.npy"])
    #expect(try JSONValue(parsing: Array(evaluated.output.utf8))["loss"] == .null)
    #expect(evaluated.error.contains("loss: inf"))
  }

  // MARK: The environment and the command line

  @Test(arguments: ["0", "-1", "257", "many", "2.5", " "]) func wrongThreadCountOfTheEnvironment(_ count: String) throws
  {
    let process = try tool.start(Lesson.training, ["RECURRA_THREADS": count])
    let result = tool.end(process)
    #expect(result.code == 64)
    #expect(result.error.contains("RECURRA_THREADS") && result.error.contains("1...256"), "\(result.error)")
  }

  @Test func emptyVariablesCountAsUnset() throws {
    let variables = ["RECURRA_THREADS": "", "RECURRA_ISA": "", "RECURRA_MULTIPLIER": ""]
    let result = tool.end(try tool.start(Lesson.training, variables))
    #expect(result.code == 0, "\(result.error)")
  }

  @Test func negativeNumbersNeedNoEqualsSign() throws {
    let picture = try tool.output(["plot", "tanh", "--from", "-10", "--to", "-2"])
    #expect(picture == (try tool.output(["plot", "tanh", "--from=-10", "--to=-2"])))
    try tool.expectFailure(64, "-3", of: Lesson.training + ["--epochs", "-3"])
    try tool.expectFailure(64, "-1", of: Lesson.training + ["--learning-rate", "-1"])
    try tool.expectFailure(64, "-0.5", of: Lesson.training + ["--validation-split", "-0.5"])
  }

  @Test func namesOfFilesAreTakenAsTheyAre() throws {
    let names = ["\u{301}a", "-b", "c d", "e\nf", "\u{1F468}\u{200D}\u{1F469}", "é"]
    for name in names {
      try tool.expectSuccess(Lesson.training.dropLast() + ["./x", "--history=\(name)"])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: tool.folder).contains { $0.utf8.elementsEqual(name.utf8) })
    }
    // Bytes that are no UTF-8: their files are read and written under these very names.
    let result = try tool.shell(
      """
      cp x.npy $'x\\xff'
      recur train model.json --data $'x\\xff' --labels y.npy --save=$'o\\xfe' --history $'\\xcc\\x81h' && \
        cmp $'o\\xfe' ./x && ls $'\\xcc\\x81h' > list
      recur train model.json --data $'x\\xff' --labels y.npy --save $'x\\xff'
      """)
    #expect(result.code == 64, "\(result.error)")
    #expect(result.error.contains(#"--save x\xFF"#), "\(result.error)")
    #expect(try tool.bytes("list") == Data([0xCC, 0x81, 0x68, 0x0A]), "\(result.error)")
  }
}
