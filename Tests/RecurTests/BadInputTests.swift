import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct BadInputTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
  }

  @Test(arguments: [
    ["nosuch"], ["train"], ["train", "model.json", "--data", "x.npy"], Lesson.training + ["--epochs", "0"],
    Lesson.training + ["--epochs", "many"], Lesson.training + ["--batch-size", "0"], Lesson.training + ["--nosuch"],
    Lesson.training + ["--validation-split", "1"], Lesson.training + ["--loss", "nosuch"],
    Lesson.training + ["--seed", "-1"],
    Lesson.training + ["--optimizer", "nosuch"], Lesson.training + ["--learning-rate", "-1"],
    Lesson.training + ["--threads", "0"], ["plot"], ["plot", "sigmoid", "--step", "0"], ["demo", "--cells", "nosuch"],
    ["demo", "--cells", ""], ["demo", "--cells", "rnn,,lstm"], ["demo", "--epochs", "0"], ["demo", ""],
    ["demo", "two words"], ["summary"],
  ]) func wrongUsageExitsWith64(_ arguments: [String]) throws {
    try tool.expectFailure(64, of: arguments)
    #expect(!FileManager.default.fileExists(atPath: tool.path("out.safetensors")))
  }

  @Test func missingInputExitsWith66() throws {
    try tool.expectFailure(66, "missing.json", "No such file", of: ["summary", "missing.json"])
    try tool.expectFailure(66, "a directory", of: ["summary", "."])
    try tool.expectFailure(
      66, "missing.npy", of: ["train", "model.json", "--data", "missing.npy"] + Lesson.training.dropFirst(4))
    try tool.expectFailure(66, "missing.json", of: ["plot", "missing.json"])
  }

  @Test func placesThatCannotBeWrittenExitWith73BeforeAnythingIsTrained() throws {
    let arguments = Lesson.training.dropLast() + ["missing/out.safetensors", "--epochs", "1000000000"]
    try tool.expectFailure(73, "missing/out.safetensors", of: Array(arguments))
    try tool.expectFailure(73, "missing/h.json", of: Lesson.training + ["--history", "missing/h.json"])
    try tool.expectFailure(73, of: ["predict", "model.json", "--input", "x.npy", "--output", "."])
    try tool.expectFailure(73, of: ["plot", "tanh", "-o", "missing/x.svg"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func fullDiskExitsWith74() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.currentDirectoryURL = URL(filePath: tool.folder)
    let probe = try tool.start(["--version"])
    let executable = try #require(probe.executableURL).path
    #expect(tool.end(probe).code == 0)
    process.arguments = ["-c", "'\(executable)' plot sigmoid > /dev/full 2> .error"]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 74)
    #expect(tool.text(".error").contains("No space left on device"))
  }

  /// What each file is replaced by, and a word of the message.
  static let damage: [(file: String, kind: String, word: String)] = [
    ("x.npy", "truncated", "x.npy"), ("x.npy", "text", "x.npy"), ("y.npy", "labels", "label"), ("x.npy", "ids", "ids"),
    ("x.npy", "empty", "row"), ("y.npy", "rows", "rows"), ("x.npy", "no timesteps", "extent 0"),
    ("x.npy", "not a number", "expected"), ("lengths.npy", "lengths", "lengths"), ("lengths.npy", "floats", "integers"),
    ("lengths.npy", "matrix", "vector"),
    ("model.json", "text", "model.json"), ("model.json", "layer", "Lambda"), ("model.json", "argument", "unit"),
  ]

  @Test(arguments: damage) func badDataExitsWith65AndOverwritesNothing(_ file: String, _ kind: String, _ word: String)
    throws
  {
    let path = tool.path(file)
    let (rows, timesteps) = (Lesson.rows, Lesson.timesteps)
    switch kind {
    case "truncated": try tool.bytes(file).dropLast().write(to: URL(filePath: path))
    case "text": try tool.write("hello, world", to: file)
    case "labels": try Tensor((0..<rows).map { Int32($0 % 4) }).writeNumPy(to: path)
    case "ids": try Tensor.full([rows, timesteps], Double(Lesson.vocabulary), dtype: .int32).writeNumPy(to: path)
    case "empty": try Tensor.zeros([0, timesteps], dtype: .int32).writeNumPy(to: path)
    case "rows": try Tensor.zeros([rows - 1], dtype: .int32).writeNumPy(to: path)
    case "no timesteps": try Tensor.zeros([rows, 0], dtype: .int32).writeNumPy(to: path)
    case "not a number": try Tensor.full([rows, timesteps], .nan).writeNumPy(to: path)
    case "lengths": try Tensor.full([rows], Double(timesteps + 1), dtype: .int32).writeNumPy(to: path)
    case "matrix": try Tensor.full([rows, 1], 1, dtype: .int32).writeNumPy(to: path)
    case "floats": try Tensor.full([rows], 1).writeNumPy(to: path)
    case "layer": try tool.write(#"[{"class_name": "Lambda", "config": {}}]"#, to: file)
    default: try tool.write(#"[{"class_name": "LSTM", "config": {"unit": 3}}]"#, to: file)
    }
    for name in ["out.safetensors", "h.json"] { try tool.write("old", to: name) }
    try tool.expectFailure(
      65, word, "expected", "got", of: Lesson.training + ["--lengths", "lengths.npy", "--history", "h.json"])
    #expect(tool.text("out.safetensors") == "old")
    #expect(tool.text("h.json") == "old")
    #expect(try FileManager.default.contentsOfDirectory(atPath: tool.folder).filter { $0.hasSuffix(".tmp") } == [])
  }

  @Test func damagedModelExitsWith65AndOverwritesNothing() throws {
    let model = Sequential { Dense(units: 3) }
    try model.build(inputShape: [nil, Lesson.timesteps])
    try model.save(to: tool.path("model.safetensors"))
    try tool.write("old", to: "p.npy")
    for count in [1, 7, 8, 50, 400] {
      try model.save(to: tool.path("model.safetensors"))
      let whole = try tool.bytes("model.safetensors")
      try whole.dropLast(whole.count - count).write(to: URL(filePath: tool.path("model.safetensors")))
      try tool.expectFailure(
        65, "model.safetensors", of: ["predict", "model.safetensors", "--input", "x.npy", "--output", "p.npy"])
      #expect(tool.text("p.npy") == "old")
    }
  }

  @Test func lossThatIsNotFiniteExitsWith1AndOverwritesNothing() throws {
    try tool.write(#"[{"class_name": "Dense", "config": {"units": 1}}]"#, to: "model.json")
    try Tensor.full([4, 3], 1e30).writeNumPy(to: tool.path("x.npy"))
    try Tensor.full([4, 1], 1e30).writeNumPy(to: tool.path("y.npy"))
    try tool.write("old", to: "out.safetensors")
    try tool.expectFailure(1, "epoch 1", "batch 1", of: Lesson.training + ["--loss", "mse"])
    #expect(tool.text("out.safetensors") == "old")
  }
}
