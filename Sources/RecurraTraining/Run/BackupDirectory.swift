internal import RecurraLayers
internal import RecurraTensor

/// The directory of a backup while a run uses it.
final class BackupDirectory {
  private let backup: Backup
  private var directoryLock: DirectoryLock?
  /// Counts the states of this directory; the newer of two has the larger number, and each goes where the older one
  /// lies.
  private var generation = 0
  /// What tells the run from any other; it stands beside the state, so that the state is that of a run without a
  /// backup.
  private var identity = RunOptions()

  init(_ backup: Backup) throws(RecurraError) {
    if let batches = backup.batches, batches < 1 {
      throw RecurraError(
        .badArgument, operation: "backup", expected: "a state every batch or more rarely", got: "every \(batches)")
    }
    guard !backup.directory.isEmpty else {
      throw RecurraError(.badArgument, operation: "backup", expected: "the path of a directory", got: "none")
    }
    self.backup = backup
  }

  /// Keeps every other process out of the directory.
  func lock() throws(RecurraError) { directoryLock = try DirectoryLock(backup.directory) }

  /// Lets others into the directory.
  func unlock() { directoryLock = nil }

  /// Tells whether the state is to be written after a batch of an epoch, counted from 1.
  func isDue(afterBatch batch: Int) -> Bool { backup.batches.map { batch % $0 == 0 } ?? false }

  /// Writes the state of the run beside the one before.
  func write(_ trainer: Trainer) throws(RecurraError) {
    generation += 1
    try trainer.write(
      to: path(generation), notes: [BackupState.generation: "\(generation)", BackupState.identity: identity.json.text])
  }

  /// Takes the newest state that is whole, if there is any, after comparing its run with this one.
  ///
  /// - Parameter identity: what tells this run from any other, but for its first weights.
  /// - Throws: `badData` when it is that of another run; `badFile` when files are there and all are damaged.
  func restore(to trainer: Trainer, _ identity: RunOptions) throws(RecurraError) {
    self.identity = identity
    var (found, damage): (BackupState?, RecurraError?) = (nil, nil)
    for path in backup.paths {
      do throws(RecurraError) {
        let state = try BackupState(contentsOf: path)
        if state.generation > found?.generation ?? 0 { found = state }
      } catch {
        if error.kind != .noInput { damage = error }
      }
    }
    guard let found else {
      if let damage { throw damage }
      return
    }
    if let damage { trainer.output.write("\(damage); going on from the state before\n") }
    guard let run = found.saved.state.run else {
      throw RecurraError(
        .badFile, operation: "backup \(backup.directory)", expected: "the state of a run", got: "none")
    }
    func refusal(_ name: String, _ expected: String, got: String) -> RecurraError {
      RecurraError(
        .badData, operation: "backup \(backup.directory)", expected: "the \(name) of the run it holds, \(expected)",
        got: got)
    }
    if let difference = identity.difference(from: found.identity) {
      throw refusal(difference.name, difference.other.excerpt, got: difference.own.excerpt)
    }
    // A trainer at the beginning of that run has its first weights; one that comes from it remembers them.
    let first = trainer.fingerprint
    guard [first, trainer.progress.run?.firstWeights].contains(run.firstWeights) else {
      throw refusal("first weights", run.firstWeights, got: first)
    }
    try found.apply(to: trainer)
    trainer.progress.run?.isComplete = false
    generation = found.generation
  }

  private func path(_ generation: Int) -> String { backup.paths[generation % 2] }
}

/// One of the two states of a directory.
private struct BackupState {
  static let generation = "generation"
  static let identity = "run"

  let saved: SavedTraining
  let generation: Int
  let identity: RunOptions
  private let parameters: NamedValues<Tensor>

  init(contentsOf path: String) throws(RecurraError) {
    let input = try InputFile(path, maximumByteCount: ModelFile.maximumByteCount)
    let contents = try ModelFile.contents(of: input)
    saved = try SavedTraining(contents.training, input)
    parameters = contents.parameters
    guard let generation = contents.notes[Self.generation].flatMap({ Int($0) }), generation > 0,
      let identity = contents.notes[Self.identity]
    else { throw input.damaged(expected: "a state of a backup", got: "another file") }
    self.generation = generation
    self.identity = try RunOptions(JSONValue(parsing: Array(identity.utf8), operation: input.operation))
  }

  /// Gives a trainer of the same model the weights and the state.
  func apply(to trainer: Trainer) throws(RecurraError) {
    let own = trainer.model.namedParameters
    for (path, parameter) in own {
      guard let value = parameters[path], value.shape == parameter.shape, value.dtype == parameter.dtype else {
        throw RecurraError(
          .badFile, operation: "backup", expected: "a parameter \(path) of shape \(parameter.shape)",
          got: parameters[path].map { "shape \($0.shape)" } ?? "none")
      }
    }
    try trainer.restore(saved.state)
    for (path, parameter) in own { if let value = parameters[path] { parameter.value = value } }
  }
}

extension RunOptions {
  /// Adds what tells a run from any other: a directory of one with others must not be gone on with.
  func completed(
    _ trainer: Trainer, _ training: TrainingData, _ validation: TrainingData?, _ callbacks: [any Callback]
  ) -> RunOptions {
    var options = self
    options["contents of the data"] = training.fingerprint
    options["contents of the validation data"] = validation?.fingerprint ?? "none"
    options["model"] = trainer.model.json.text
    let metrics = trainer.outputMetrics.map { JSONValue.array($0.map(\.configuration)) }
    let isOne = trainer.losses.count == 1
    let losses = trainer.losses.map(\.configuration)
    options["loss"] = (isOne ? losses[0] : .array(losses)).text
    if !isOne { options["loss weights"] = "\(trainer.lossWeights)" }
    options["metrics"] = (isOne ? metrics[0] : .array(metrics)).text
    options["optimizer"] = trainer.chosenOptimizer.configuration.text
    options["callbacks"] =
      JSONValue.array(
        callbacks.map(TrainingState.CallbackState.init).filter { !$0.isGivenAgain || $0.configuration != .object([]) }
          .map(\.identity)
      ).text
    return options
  }
}

extension String {
  /// As much of a text as a message can show.
  fileprivate var excerpt: String { count <= 160 ? self : prefix(80) + " … " + suffix(60) }
}
