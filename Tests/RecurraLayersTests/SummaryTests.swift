import RecurraLayers
import RecurraTensor
import Testing

/// The summary, byte for byte as Keras prints it.
@Suite struct SummaryTests {
  static func lesson(_ layer: any Layer) -> Sequential {
    Sequential {
      Embedding(inputDim: 5_000, outputDim: 60)
      layer
      Dense(units: 10, activation: .relu)
      Dense(units: 6, activation: .softmax)
    }
  }

  static func stack() -> Sequential {
    Sequential {
      Embedding(inputDim: 50, outputDim: 8)
      Bidirectional(LSTM(units: 4, returnSequences: true))
      GRU(units: 5)
      Dense(units: 3, activation: .softmax)
    }
  }

  @Test(arguments: ["simple_rnn", "lstm", "gru", "bidirectional"])
  func theLessonsProgram(cell: String) throws {
    let layers: [String: any Layer] = [
      "simple_rnn": SimpleRNN(units: 100), "lstm": LSTM(units: 100), "gru": GRU(units: 100),
      "bidirectional": Bidirectional(LSTM(units: 100)),
    ]
    let model = Self.lesson(try #require(layers[cell]))
    try model.build(inputShape: [nil, nil])
    let optimizer = 2 * model.parameterCount + 2
    #expect(model.summary(lineLength: 76) == (try fixtureText("text/summary_lesson_\(cell).txt")))
    #expect(model.summary(lineLength: 88) == (try fixtureText("text/summary_lesson_\(cell)_wide.txt")))
    #expect(
      model.summary(lineLength: 76, optimizerParameterCount: optimizer)
        == (try fixtureText("text/summary_lesson_\(cell)_trained.txt")))
    #expect(
      model.summary(lineLength: 88, optimizerParameterCount: optimizer)
        == (try fixtureText("text/summary_lesson_\(cell)_trained_wide.txt")))
  }

  @Test func aModelThatHasNotBeenBuilt() throws {
    let model = Self.lesson(Bidirectional(LSTM(units: 100)))
    #expect(model.summary(lineLength: 88) == (try fixtureText("text/summary_lesson_bidirectional_unbuilt.txt")))
  }

  @Test func stackedLayersWithKnownTimestepsAndAFrozenOne() throws {
    let model = Self.stack()
    try model.build(inputShape: [nil, 12])
    #expect(model.summary(lineLength: 76) == (try fixtureText("text/summary_stack.txt")))
    #expect(model.summary(lineLength: 88) == (try fixtureText("text/summary_stack_wide.txt")))
    try #require(model["embedding"]).isTrainable = false
    #expect(
      model.summary(lineLength: 100, showsTrainable: true)
        == (try fixtureText("text/summary_stack_frozen_show_trainable.txt")))
  }

  @Test func longNamesGoOnInTheNextLine() throws {
    let model = try Sequential(configuration: JSONValue(contentsOf: fixturePath("layers/sequential.json")))
    #expect(model.summary(lineLength: 76) == (try fixtureText("layers/sequential.txt")))
    #expect(model.summary(lineLength: 60) == (try fixtureText("layers/sequential_60.txt")))
    #expect(
      model.summary(lineLength: 76, showsTrainable: true)
        == (try fixtureText("layers/sequential_show_trainable.txt")))
  }

  @Test func theLessonsParameterCounts() throws {
    func counts(_ layer: any Layer) throws -> [Int] {
      let model = Self.lesson(layer)
      try model.build(inputShape: [nil, nil])
      return model.layers.map(\.parameterCount)
    }
    #expect(try counts(SimpleRNN(units: 100)) == [300_000, 16_100, 1_010, 66])
    #expect(try counts(LSTM(units: 100)) == [300_000, 64_400, 1_010, 66])
    #expect(try counts(GRU(units: 100)) == [300_000, 48_600, 1_010, 66])
    #expect(try counts(GRU(units: 100, resetAfter: false)) == [300_000, 48_300, 1_010, 66])
    #expect(try counts(Bidirectional(LSTM(units: 100))) == [300_000, 128_800, 2_010, 66])
  }
}
