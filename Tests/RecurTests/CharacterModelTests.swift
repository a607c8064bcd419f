import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// The saved character model, and how it is trained.
@Suite struct CharacterModelTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  private static let sources = ["tang.txt", "sawyer.txt"]

  private static func text(_ name: String) throws -> String {
    try String(contentsOfFile: GateModel.resource(name), encoding: .utf8)
  }

  @Test("The model knows the symbols that come up three times or more in its texts, and those of the lesson")
  func vocabulary() throws {
    let symbols = try Self.sources.flatMap { try Self.text($0).map { $0.lowercased() } }
    let counts = Dictionary(symbols.map { ($0, 1) }, uniquingKeysWith: +)
    let reader = try GateModel()
    #expect(Set(reader.vocabulary.words) == Set(counts.filter { $0.value >= 3 }.keys))
    for text in ["小猫爱吃鱼", "小狗爱吃骨头", "The cat sat."] {
      #expect(try !reader.ids(text).contains(0), "\(text)")
    }
    let shapes = reader.model.layers.flatMap(\.parameters).map(\.value.shape)
    let count = reader.vocabulary.count
    #expect(shapes == [[count, 32], [96, 256], [256], [64, count], [count]])
  }

  @Test("The model has learnt its texts: uniform guessing has a loss of 7.2, and frequencies alone 5.9 and 3.0")
  func loss() throws {
    let reader = try GateModel()
    #expect(log(Double(reader.vocabulary.count)) > 7.1)
    // They are 4.26 and 1.84.
    for (name, bound) in zip(Self.sources, [4.4, 1.95]) {
      let ids = try reader.ids(String(Self.text(name).prefix(6_000)))
      let rows = (ids.count - 1) / 32
      let x = Tensor(ids.prefix(rows * 32).map { Int32($0) }, shape: [rows, 32])
      let probabilities = try reader.model.predict(x).scalars(as: Float.self)
      let count = reader.vocabulary.count
      let losses = (0..<rows * 32).compactMap { place -> Double? in
        let next = ids[place + 1]
        return next == reader.vocabulary.unknownID ? nil : -log(Double(probabilities[place * count + next]))
      }
      let mean = losses.reduce(0, +) / Double(losses.count)
      #expect(mean < bound, "\(name): \(mean)")
    }
  }

  @Test("Five characters into a verse the model knows that a comma follows")
  func verses() throws {
    let output = try tool.output(["demo", "gates", "小猫爱吃鱼"])
    let last = output.split(separator: "\n").first { $0.hasPrefix("鱼") } ?? ""
    #expect(last.hasSuffix("，"), "\(output)")
  }

  @Test("--train writes a model of the embedded one's symbols and shapes that --model reads, whatever the threads")
  func training() throws {
    let trained = try tool.expectSuccess([
      "demo", "gates", "--train", "--epochs", "1", "--save", "made.safetensors", "--threads", "1",
    ])
    #expect(trained.output.isEmpty && trained.error.contains("212/212"))
    let (made, embedded) = (try GateModel(tool.path("made.safetensors")), try GateModel())
    #expect(made.vocabulary == embedded.vocabulary)
    let shapes = [made, embedded].map { $0.model.layers.flatMap(\.parameters).map(\.value.shape) }
    #expect(shapes[0] == shapes[1])
    let own = try tool.output(["demo", "gates", "小猫爱吃鱼", "--model", "made.safetensors"])
    #expect(own.contains("小猫爱吃鱼: 5 symbols"))
    #expect(try own != tool.output(["demo", "gates", "小猫爱吃鱼"]))
    let saved = GateModel.resource("characters.safetensors")
    #expect(
      try tool.output(["demo", "gates", "小猫爱吃鱼", "--model", saved])
        == tool.output(["demo", "gates", "小猫爱吃鱼", "--threads", "1"]))
  }

  @Test func aModelOfSomethingElseIsRefused() throws {
    let model = Sequential(seed: 1) {
      Embedding(inputDim: 3, outputDim: 2)
      LSTM(units: 2, returnSequences: true)
      Dense(units: 3, activation: .softmax)
    }
    try model.build(inputShape: [nil, nil])
    let reading = ["demo", "gates", "a", "--model"]
    try model.save(to: tool.path("other.safetensors"))
    try tool.expectFailure(65, "other.safetensors", "a model with its symbols", of: reading + ["other.safetensors"])
    let few = #"{"has_padding":false,"has_unknown":true,"words":["a"]}"#
    try model.save(to: tool.path("few.safetensors"), notes: ["vocabulary": few])
    try tool.expectFailure(65, "few.safetensors", "2 symbols", of: reading + ["few.safetensors"])
    let known = #"{"has_padding":false,"has_unknown":false,"words":["a","b","c"]}"#
    try model.save(to: tool.path("known.safetensors"), notes: ["vocabulary": known])
    try tool.expectFailure(65, "known.safetensors", of: reading + ["known.safetensors"])
    try model.save(to: tool.path("text.safetensors"), notes: ["vocabulary": "[]"])
    try tool.expectFailure(65, "text.safetensors", of: reading + ["text.safetensors"])
    try tool.expectFailure(66, "missing", of: reading + ["missing"])
  }

  @Test("A model that leaves symbols out, reads from the end or has too few vectors is refused", arguments: [0, 1, 2])
  func unlikeModels(kind: Int) throws {
    let model = Sequential(seed: 1) {
      Embedding(inputDim: kind == 0 ? 2 : 3, outputDim: 2, maskZero: kind == 1)
      LSTM(units: 2, returnSequences: true, goBackwards: kind == 2)
      Dense(units: 3, activation: .softmax)
    }
    try model.build(inputShape: [nil, nil])
    let words = #"{"has_padding":false,"has_unknown":true,"words":["a","b"]}"#
    try model.save(to: tool.path("m"), notes: ["vocabulary": words])
    try tool.expectFailure(65, "m", "3 symbols", of: ["demo", "gates", "ba?", "--model", "m", "--output", "made"])
    #expect(!FileManager.default.fileExists(atPath: tool.path("made")))
  }

  @Test func aModelWhoseNumbersAreNoneIsShownAllTheSame() throws {
    let reader = try GateModel()
    let bias = reader.model.layers[1].parameters[1]
    bias.value = Tensor([Float](repeating: .nan, count: bias.value.count))
    try reader.model.save(to: tool.path("m"), notes: ["vocabulary": reader.vocabulary.json.text])
    try tool.output(["demo", "gates", "鱼", "--model", "m", "--output", "made"])
    let results = try JSONValue(parsing: Array(tool.bytes("made/results.json")))
    #expect(results["memory"] == .array([.array([JSONValue](repeating: .null, count: 64))]))
  }
}
