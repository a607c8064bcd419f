internal import CRecurraCharacters
internal import Recurra
internal import RecurraLayers

/// A model that reads a text symbol by symbol and guesses the next one.
struct CharacterModel {
  private static let vocabularyNote = "vocabulary"
  private static let units = 64
  private static let learningRate = 0.004

  let model: any Network
  let vocabulary: Vocabulary

  /// One that has not been trained.
  init(vocabulary: Vocabulary, seed: UInt64) {
    self.vocabulary = vocabulary
    model = Sequential(seed: seed) {
      Embedding(
        inputDim: vocabulary.count, outputDim: 32,
        // Rare symbols have few steps to move apart in: they begin so.
        embeddingsInitializer: .randomNormal(standardDeviation: 1))
      LSTM(units: Self.units, returnSequences: true)
      Dense(units: vocabulary.count, activation: .softmax)
    }
  }

  /// Reads a model that `save` wrote.
  init(_ file: InputFile) throws(RecurraError) {
    let saved = try ModelFile(file)
    guard let note = saved.notes[Self.vocabularyNote] else {
      throw RecurraError(
        .badFile, operation: file.operation, expected: "a model with its symbols, of recur demo gates --train",
        got: "one without")
    }
    model = saved.model
    do throws(RecurraError) {
      vocabulary = try Vocabulary(json: JSONValue(parsing: Array(note.utf8), operation: file.operation))
    } catch {
      throw RecurraError(.badFile, operation: file.operation, expected: error.expected, got: error.got)
    }
    let outputs = try model.outputShape(for: [nil, nil])
    // An embedding that takes unknown symbols for padding would leave them out.
    guard outputs.count == 3, outputs.last == vocabulary.count, vocabulary.unknownID != nil, model.dtype == .float32,
      model.layers.map({ type(of: $0).typeName }) == [Embedding.typeName, LSTM.typeName, Dense.typeName],
      model.layers[0].idLookup == IDLookup(count: vocabulary.count),
      model.layers[1].recurrentParts?.options.goBackwards == false
    else {
      throw RecurraError(
        .badFile, operation: file.operation,
        expected: "Embedding, LSTM and Dense in float32, for \(vocabulary.count) symbols, all unknown ones being one",
        got: model.layerNames.map(\.escaped).joined(separator: ", "))
    }
  }

  /// The one in the program itself.
  static func embedded() throws(RecurraError) -> CharacterModel {
    var count = 0
    let bytes = unsafe Array(UnsafeBufferPointer(start: recurra_character_model(&count), count: count))
    return try CharacterModel(InputFile(bytes, operation: "read the model in recur"))
  }

  func save(to path: String, system: any FileSystem) throws(RecurraError) {
    try model.save(to: path, notes: [Self.vocabularyNote: vocabulary.json.text], system: system)
  }

  /// Trains the model on its texts.
  func train(on texts: CharacterTexts, epochs: Int, seed: UInt64) throws(RecurraError) {
    let loss = Loss.sparseCategoricalCrossEntropy(ignoreClass: CharacterTexts.ignoredLabel)
    let trainer = try model.compile(
      loss: loss, optimizer: .adam(learningRate: Self.learningRate, clipping: .globalNorm(1)), metrics: [.accuracy])
    trainer.output = .standardError
    let schedule = LearningRateScheduler { epoch, _ in Self.learningRate * (1 - Double(epoch) / Double(epochs)) }
    try model.build(inputShape: [nil, nil])
    // Where the last bias says how frequent symbols are, the LSTM has the context alone to learn; otherwise its gates
    // would all open at first, because a state that never changes is a bias too.
    model.layers[2].parameters[1].value = Tensor(texts.logarithmicFrequencies)
    let (symbols, next) = try texts.sequences()
    try trainer.fit(symbols, next, batchSize: 16, epochs: epochs, callbacks: [schedule], seed: seed)
  }
}
