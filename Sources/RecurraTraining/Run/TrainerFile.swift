public import RecurraLayers
public import RecurraTensor

extension Trainer {
  /// Writes model, weights and everything that training needs to go on another day, whole or not at all.
  ///
  /// The file is a model file like that of `Sequential.save(to:notes:)`, so it predicts as well; besides it holds loss,
  /// metrics, optimiser, the training state and what callbacks remember. No clock, path or thread count gets into it:
  /// equal runs give equal bytes.
  ///
  /// Within a callback it saves the state as it is when all callbacks have been told what this one is told: one that
  /// saves stands last among them, because those behind it are not told again when the run goes on.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - notes: further texts to keep with the model.
  /// - Throws: `badArgument` when the model is not built yet, `notFinite` when a weight is NaN or infinite,
  ///   `cannotCreate` when the file cannot be made, `inputOutput` when writing fails.
  public func save(to path: String, notes: [String: String] = [:]) throws(RecurraError) {
    try write(to: path, notes: notes)
  }

  /// Makes the trainer that `save(to:)` wrote; it goes on to the bits of a run that was never interrupted, on any
  /// number of threads.
  ///
  /// Callbacks come back where they can be made from their settings, and the next `fit` uses them unless it is given
  /// others; functions and paths are not saved, so a `LambdaCallback`, `LearningRateScheduler`, `ModelCheckpoint` or
  /// `CSVLogger` has to be given again, and goes on with what it remembered.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - registry: where layers, losses, metrics, optimisers and callbacks of one's own are found by name.
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged, holds a model alone, or was made by
  ///   a newer version; `badArgument` for a name that the registry lacks.
  public convenience init(contentsOf path: String, registry: Registry = .standard) throws(RecurraError) {
    let input = try InputFile(path, maximumByteCount: ModelFile.maximumByteCount)
    try self.init(ModelFile(input, registry: registry), input, registry: registry)
  }

  /// Makes the trainer of a file that is read already.
  package convenience init(
    _ file: ModelFile, _ input: InputFile, registry: Registry = .standard
  ) throws(RecurraError) {
    let saved = try SavedTraining(file.training, input)
    let settings = try saved.settings(registry)
    try self.init(
      file.model, settings.losses, weights: settings.lossWeights, settings.optimizer, settings.metrics)
    (classWeights, epochLoss) = (settings.classWeights, settings.epochLoss)
    for callback in saved.state.callbacks {
      if let made = try registry.callback(callback) { callbacks.append(made) }
    }
    try restore(saved.state)
  }

  /// Writes the file with the state as it stands.
  package func write(
    to path: String, notes: [String: String], system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    guard model.isBuilt else {
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "a built model", got: "one without parameters")
    }
    try checkWeights("write \(path)")
    let state = state
    try ModelFile.write(
      model: model, notes: notes, training: SavedTraining.json(of: self, state), trainingTensors: state.tensors,
      to: path, system: system)
  }

  /// Refuses weights that are not finite.
  func checkWeights(_ operation: String) throws(RecurraError) {
    guard let path = optimizerState.firstNonFiniteParameter() else { return }
    throw RecurraError(
      .notFinite, operation: operation, expected: "finite weights after the last update",
      got: "NaN or infinity in \(path)")
  }

  /// A number of all weights and of how far training had come, to know a run's beginning again by.
  var fingerprint: String {
    var fingerprint = Fingerprint()
    for parameter in model.parameters { fingerprint.add(parameter.value) }
    fingerprint.add(UInt64(progress.epoch))
    fingerprint.add(UInt64(optimizerState.step))
    return fingerprint.text
  }
}

extension TrainingState {
  /// Gives callbacks what those of the same names remembered, in the same order; returns the names of which none is
  /// left.
  static func restore(
    _ states: [CallbackState], to callbacks: [any Callback]
  ) throws(RecurraError) -> [String] {
    var (remaining, missing) = (callbacks[...], [String]())
    for state in states {
      guard let index = remaining.firstIndex(where: { type(of: $0).typeName == state.name }) else {
        missing.append(state.name)
        continue
      }
      try remaining[index].restore(state: state.state, tensors: state.tensors)
      remaining = remaining[(index + 1)...]
    }
    return missing
  }

  /// What callbacks remember; those that remember nothing and that no file could make again are left out.
  static func states(of callbacks: [any Callback]) -> [CallbackState] {
    callbacks.map(CallbackState.init).filter { !$0.isGivenAgain || $0.state != .null || !$0.tensors.isEmpty }
  }
}

extension TrainingState.CallbackState {
  init(_ callback: any Callback) {
    name = type(of: callback).typeName
    configuration = .object(callback.configuration.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    state = callback.state
    tensors = callback.stateTensors
    isGivenAgain = !(callback is any RestorableCallback)
  }

  /// Name and arguments.
  var identity: JSONValue { .object([("class_name", .string(name)), ("config", configuration)]) }
}
