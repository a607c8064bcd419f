internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Says how many syllables words have, by a model that was trained on real ones.
struct DemoSyllables: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "syllables",
    abstract: "Trains the lesson's program on real words, compares the cells, and answers for words.",
    discussion: """
      A model reads the letters of a word and says how many syllables it has. The words are those of the CMU \
      Pronouncing Dictionary; three in ten are held out and tell how good a model is.

      recur demo trains every cell and prints a table; the best model is saved, loaded again and asked. recur demo \
      WORDS asks the saved model, and nothing is trained; the first time, when there is none, the BiLSTM is. The model \
      lies in $XDG_CACHE_HOME/recurra, or in ~/.cache/recurra.
      """)

  @Argument(help: "Words to ask about, of the letters a to z.")
  var words: [String] = []

  @Option(
    help: """
      The cells to train: rnn, lstm, gru, bilstm, bilstm-joined, bilstm-stacks; the first four when neither they nor \
      words are given.
      """,
    transform: DemoCell.list)
  var cells: [DemoCell]?

  @Option(parsing: .unconditional, help: "How often all words are gone through; 8 when not given.")
  var epochs: Int?

  @Option(parsing: .unconditional, help: "What weights and the order of words follow from; 1 when not given.")
  var seed: UInt64?

  @Flag(help: "Trains both forms of a deep BiLSTM: joined after every layer, and two stacks joined on top.")
  var deep = false

  @Flag(help: "Trains even when there is a saved model.")
  var fresh = false

  @OptionGroup var threads: ThreadOptions

  @Option(
    help: "The file for the best model, instead of the one that answers from then on.",
    completion: .file(extensions: ["safetensors"]))
  var save: String?

  @Option(
    help: "A model that was saved here before: asks it, and trains nothing.",
    completion: .file(extensions: ["safetensors"]))
  var model: String?

  func validate() throws {
    if let epochs, epochs < 1 { throw ValidationError("Expected --epochs of 1 or more, got \(epochs).") }
    guard words.isEmpty || SyllableWords.encode(words) != nil else {
      throw ValidationError("Expected words of the letters a to z, got \(words.joined(separator: " ")).")
    }
    guard cells == nil || !deep else { throw ValidationError("Expected --cells or --deep, got both.") }
    guard model == nil || !isTrainingAsked else {
      throw ValidationError("Expected --model, which trains nothing, or options of training, got both.")
    }
  }

  func run() throws {
    threads.apply()
    if let model { return try answer(SavedDemo(contentsOf: model).model) }
    if !words.isEmpty, !isTrainingAsked, let path = SavedDemo.usualPath, let saved = Self.usual(path) {
      Console.error("recur: asking \(saved.description), in \(path.escaped); --fresh trains it anew")
      return try answer(saved.model)
    }
    let place = try checkedPlace()
    let data = SyllableWords()
    var runs: [DemoRun] = []
    for cell in cells ?? (deep ? DemoCell.deep : words.isEmpty ? DemoCell.usual : [.bilstm]) where !Interrupt.hasCome {
      let training = DemoTraining(cell: cell, epochs: epochs ?? 8, seed: seed ?? 1)
      runs.append(try training.run(on: data))
    }
    let finished = runs.filter { $0.accuracy != nil }
    if !finished.isEmpty { try Console.output(DemoRun.table(finished)) }
    if let best = finished.max(by: { ($0.accuracy ?? 0) < ($1.accuracy ?? 0) }) {
      try answer(place.map { try saved(best, data, at: $0) } ?? best.model)
    }
    if Interrupt.hasCome { throw Interrupt.exitCode }
  }

  private var isTrainingAsked: Bool { fresh || deep || cells != nil || epochs != nil || seed != nil || save != nil }

  /// The model that was saved before, if it can be used.
  private static func usual(_ path: String) -> SavedDemo? {
    do {
      return try SavedDemo(contentsOf: path)
    } catch let error as RecurraError where error.kind == .noInput {
      Console.error(
        "recur: there is no model in \(path.escaped) yet: the BiLSTM is trained once, which takes half a minute")
    } catch {
      Console.warning("\(error), so the BiLSTM is trained again")
    }
    return nil
  }

  /// Where the best model is to be saved; nil when no file is named and there is no folder for it.
  private func checkedPlace() throws(RecurraError) -> String? {
    if let save {
      try OutputTarget.check(save)
      return save
    }
    guard let path = SavedDemo.usualPath else {
      Console.warning("neither HOME nor XDG_CACHE_HOME is set, so the model is not saved")
      return nil
    }
    SavedDemo.makeFolders(for: path)
    do throws(RecurraError) {
      try OutputTarget.check(path)
      return path
    } catch {
      Console.warning("\(error), so the model is not saved")
      return nil
    }
  }

  /// Saves a model, loads it again, and shows that it is the same.
  private func saved(_ run: DemoRun, _ data: SyllableWords, at path: String) throws -> any Network {
    try SavedDemo.write(run, to: path)
    let loaded = try SavedDemo(contentsOf: path).model
    let heldOut = data.letters.sliced(data.heldOut.prefix(1_000))
    let before = try run.model.predict(heldOut, batchSize: 256).scalars(as: Float.self)
    let after = try loaded.predict(heldOut, batchSize: 256).scalars(as: Float.self)
    guard before == after else {
      throw RecurraError(
        .badFile, operation: "read \(path)", expected: "the predictions of the saved model", got: "others")
    }
    try Console.output(
      """
      Saved the \(run.cell.title) as \(path.escaped) and loaded it again: it predicts the same, to the bit, for 1,000 \
      held-out words.


      """)
    return loaded
  }

  private func answer(_ model: any Network) throws {
    let words = words.isEmpty ? ["cat", "banana", "strength", "memory", "recurrent", "encyclopedia"] : words
    guard let letters = SyllableWords.encode(words) else { return }
    try Console.output(DemoRun.answers(words, model.predict(letters)))
  }
}
