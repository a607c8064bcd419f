import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct DemoTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  static let usual = "cache/recurra/syllables.safetensors"

  /// A model of the right shapes that nobody has trained.
  private func writeModel(classes: Int = 6, to name: String = usual, notes: [String: String] = [:]) throws -> Sequential
  {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: 27, outputDim: 4, maskZero: true)
      GRU(units: 5)
      Dense(units: classes, activation: .softmax)
    }
    try model.build(inputShape: [nil, 20])
    let folder = URL(filePath: tool.path(name)).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try model.save(to: tool.path(name), notes: notes)
    return model
  }

  @Test func trainsSavesLoadsAndAnswers() throws {
    let trained = try tool.run(
      "demo", "Banana", "qqqq", "--cells", "rnn", "--epochs", "2", "--save", "best.safetensors")
    #expect(trained.code == 0, "\(trained.error)")
    for word in ["16,100", "val_accuracy", "SimpleRNN      18,796", "loaded it again", "Banana", "not in it"] {
      #expect(trained.output.contains(word), "\(word)")
    }
    #expect(trained.error.contains("1266/1266"))
    func numbers(_ name: String) -> [Double] {
      let line = trained.output.split(separator: "\n").first { $0.hasPrefix("\(name) ") } ?? ""
      return line.split(separator: " ").dropFirst().compactMap { Double($0) }
    }
    #expect(numbers("learning_rate") == [0.003, 0.0015])
    // They are 0.9071 and 0.9229. With ten times the learning rate the first is 0.4701, with a third of it 0.8856.
    let accuracies = numbers("val_accuracy")
    #expect(accuracies.count == 2)
    #expect((0.90...0.93).contains(accuracies.first ?? 0) && (0.915...0.94).contains(accuracies.last ?? 0))
    let asked = try tool.run("demo", "--model", "best.safetensors", "Banana", "qqqq")
    #expect(asked.code == 0, "\(asked.error)")
    #expect(trained.output.hasSuffix(asked.output))
    #expect(asked.output.contains("Banana"))
    #expect(!FileManager.default.fileExists(atPath: tool.path(Self.usual)), "--save leaves the usual model alone")
  }

  @Test func savedModelAnswersAtOnceAndSaysWhereItLies() throws {
    let model = try writeModel(notes: ["demo": #"{"cell":"GRU","accuracy":0.5}"#])
    let before = try tool.bytes(Self.usual)
    let result = try tool.run("demo", "cab", "at")
    #expect(result.code == 0)
    #expect(result.error.contains("the GRU, right for 50.00 % of the held-out words"), "\(result.error)")
    #expect(result.error.contains(tool.path(Self.usual)), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1, "nothing is trained: \(result.error)")
    #expect(try tool.bytes(Self.usual) == before)
    let probabilities = try model(Tensor([3, 1, 2, 1, 20, 0] as [Int32], shape: [2, 3])).scalars(as: Float.self)
    for (word, row) in [("cab", probabilities[..<6]), ("at", probabilities[6...])] {
      let best = try #require(row.indices.max { row[$0] < row[$1] })
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("\(word) ") })
      let fields = line.split(separator: " ")
      #expect(fields[1] == "\(best - row.startIndex + 1)" && fields[4] == "1", "\(line)")
      #expect(abs(try #require(Double(fields[2])) - 100 * Double(row[best])) < 0.051, "\(line)")
    }
  }

  @Test func otherModelsDoNotAnswer() throws {
    _ = try writeModel(classes: 5, to: "five.safetensors")
    try tool.expectFailure(65, "5", "6 classes", of: ["demo", "--model", "five.safetensors", "cat"])
    try tool.expectFailure(64, "both", of: ["demo", "--model", "five.safetensors", "--cells", "rnn", "cat"])
  }

  /// Training is ended right away: what counts is that it begins, and why.
  private func interruptedTraining(_ arguments: [String], _ variables: [String: String] = [:]) throws -> Tool.Result {
    let process = try tool.start(["demo"] + arguments, variables)
    let deadline = Date.now + 120
    while !tool.text(".error").contains("Epoch 1/"), process.isRunning, Date.now < deadline { usleep(10_000) }
    process.interrupt()
    let result = tool.end(process)
    #expect(result.code == 130, "\(result.error)")
    return result
  }

  @Test func modelIsTrainedOnlyTheFirstTimeAndWhenAsked() throws {
    let first = try interruptedTraining(["cat"])
    #expect(first.output.hasPrefix("BiLSTM\n"))
    #expect(first.error.contains("no model in \(tool.path(Self.usual))"), "\(first.error)")
    try tool.write("damaged", to: Self.usual)
    let second = try interruptedTraining(["cat"])
    #expect(second.error.contains("warning: read \(tool.path(Self.usual))"), "\(second.error)")
    _ = try writeModel()
    for options in [["--fresh"], ["--seed", "2"], ["--epochs", "2"], ["--save", "o"]] {
      #expect(try interruptedTraining(options + ["cat"]).output.hasPrefix("BiLSTM\n"), "\(options)")
    }
    #expect(try interruptedTraining(["--cells", "gru", "cat"]).output.hasPrefix("GRU\n"))
    #expect(try interruptedTraining([]).output.hasPrefix("SimpleRNN\n"))
  }

  @Test func withoutAPlaceTheModelIsNotSaved() throws {
    let nowhere = try interruptedTraining(["cat"], ["XDG_CACHE_HOME": "", "HOME": ""])
    #expect(nowhere.error.contains("neither HOME nor XDG_CACHE_HOME is set"), "\(nowhere.error)")
    try tool.write("", to: "file")
    let refused = try interruptedTraining(["cat"], ["XDG_CACHE_HOME": tool.path("file")])
    #expect(refused.error.contains("so the model is not saved"), "\(refused.error)")
    // A relative path says nothing, and the home folder counts.
    let home = try interruptedTraining(["cat"], ["XDG_CACHE_HOME": "relative", "HOME": tool.path("home")])
    #expect(home.error.contains(tool.path("home/.cache/recurra/syllables.safetensors")), "\(home.error)")
  }
}
