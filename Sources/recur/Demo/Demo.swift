internal import ArgumentParser
internal import Recurra

/// Trains the lesson's program on real words, once for every cell.
struct Demo: TrainingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains the lesson's program on real words, for every cell, and compares.",
    discussion: """
      A model reads the letters of a word and says how many syllables it has. The words are those of the CMU Pronouncing \
      Dictionary; three in ten are held out and tell how good a model is. The best model is saved, loaded again and asked \
      about the words on the command line. With --model nothing is trained.
      """)

  @Argument(help: "Words to ask about, of the letters a to z.")
  var words: [String] = []

  @Option(help: "The cells to train: rnn, lstm, gru, bilstm; all when not given.", transform: DemoCell.list)
  var cells = DemoCell.allCases

  @Option(help: "How often all words are gone through.")
  var epochs = 8

  @Option(help: "What weights and the order of words follow from.")
  var seed: UInt64 = 1

  @OptionGroup var threads: ThreadOptions

  @Option(help: "The file for the best model.", completion: .file(extensions: ["safetensors"]))
  var save = "syllables.safetensors"

  @Option(
    help: "A model that was saved here before: asks it, and trains nothing.",
    completion: .file(extensions: ["safetensors"]))
  var model: String?

  private static let learningRate = 3e-3
  private static let batchSize = 64
  private static let validationSplit = 0.3

  func validate() throws {
    guard epochs >= 1 else { throw ValidationError("Expected --epochs of 1 or more, got \(epochs).") }
    guard words.isEmpty || SyllableWords.encode(words) != nil else {
      throw ValidationError("Expected words of the letters a to z, got \(words.joined(separator: " ")).")
    }
  }

  func run() throws {
    try threads.apply()
    if let model { return try answer(Sequential.load(from: model)) }
    try AtomicFile.check(save)
    let data = SyllableWords()
    var runs: [DemoRun] = []
    for cell in cells where !Interrupt.hasCome { runs.append(try train(cell, data)) }
    let finished = runs.filter { $0.accuracy != nil }
    if !finished.isEmpty { try Console.output(DemoRun.table(finished)) }
    if let best = finished.max(by: { ($0.accuracy ?? 0) < ($1.accuracy ?? 0) }) { try answer(saved(best, data)) }
    if Interrupt.hasCome { throw Interrupt.exitCode }
  }

  private func train(_ cell: DemoCell, _ data: SyllableWords) throws -> DemoRun {
    let model = cell.model(seed: seed)
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
    trainer.output = .standardError
    try model.build(inputShape: [nil, SyllableWords.timesteps])
    try Console.output("\(cell.title)\n\(model.summary())\n")
    let stopwatch = Stopwatch()
    // A step that gets smaller gives every cell its last percent.
    let schedule = LearningRateScheduler { epoch, _ in Self.learningRate * (1 - Double(epoch) / Double(epochs)) }
    let history = try trainer.interruptible { (watch) throws(RecurraError) in
      try trainer.fit(
        data.letters, data.labels, batchSize: Self.batchSize, epochs: epochs, validationSplit: Self.validationSplit,
        callbacks: [schedule, stopwatch, watch], seed: seed)
    }
    let run = DemoRun(
      cell: cell, model: model, history: history, secondsPerEpoch: stopwatch.secondsPerEpoch,
      sequencesPerSecond: stopwatch.batchesPerSecond * Double(Self.batchSize))
    try Console.output(run.historyText + "\n")
    return run
  }

  /// Saves a model, loads it again, and shows that it is the same.
  private func saved(_ run: DemoRun, _ data: SyllableWords) throws -> Sequential {
    try run.model.save(to: save)
    let loaded = try Sequential.load(from: save)
    let start = Int(Double(data.count) * (1 - Self.validationSplit))
    let heldOut = data.letters.sliced(start..<min(start + 1_000, data.count))
    let before = try run.model.predict(heldOut, batchSize: 256).scalars(as: Float.self)
    let after = try loaded.predict(heldOut, batchSize: 256).scalars(as: Float.self)
    guard before == after else {
      throw RecurraError(
        .badFile, operation: "read \(save)", expected: "the predictions of the saved model", got: "others")
    }
    try Console.output(
      "Saved the \(run.cell.title) as \(save) and loaded it again: it predicts the same, to the bit, for 1,000 held-out words.\n\n"
    )
    return loaded
  }

  private func answer(_ model: Sequential) throws {
    let words = words.isEmpty ? ["cat", "banana", "strength", "memory", "recurrent", "encyclopedia"] : words
    guard let letters = SyllableWords.encode(words) else { return }
    let answers = try model.predict(letters)
    guard answers.shape == [words.count, SyllableWords.classes], answers.dtype == .float32 else {
      throw RecurraError(
        .badData, operation: "demo", expected: "a model with \(SyllableWords.classes) classes",
        got: "outputs of shape \(answers.shape)")
    }
    try Console.output(DemoRun.answers(words, answers))
  }
}
