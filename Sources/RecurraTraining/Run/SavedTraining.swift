internal import RecurraLayers
internal import RecurraTensor

/// A model file with its training part, read and not yet used.
struct SavedTraining {
  let file: ModelFile
  let state: TrainingState
  private let json: JSONValue

  /// Which of a directory's states this is; 0 elsewhere.
  var generation: Int { file.notes["generation"].flatMap { Int($0) } ?? 0 }

  /// Reads a file that `Trainer.save(to:)` wrote.
  ///
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged or holds a model alone.
  init(contentsOf path: String, registry: Registry = .standard) throws(RecurraError) {
    let input = try InputFile(path, maximumByteCount: ModelFile.maximumByteCount)
    file = try ModelFile(input, registry: registry)
    guard let training = file.training else {
      throw input.damaged(expected: "a training state", got: "a model alone")
    }
    json = training.description
    do {
      state = try TrainingState(json, tensors: training.tensors)
    } catch {
      throw RecurraError(
        error.kind, operation: "\(input.operation), \(error.operation)", expected: error.expected, got: error.got)
    }
  }

  /// How the model was compiled.
  struct Settings {
    let loss: Loss
    let metrics: [Metric]
    let optimizer: Optimizer
    let classWeights: [Int: Double]
  }

  /// Reads how the model was compiled.
  func settings(_ registry: Registry) throws(RecurraError) -> Settings {
    var metrics: [Metric] = []
    for value in try json.member("compiled_metrics").elements {
      metrics.append(try Metric(configuration: value, registry: registry))
    }
    var classWeights: [Int: Double] = [:]
    for (name, weight) in try json.member("class_weights").members {
      if let label = Int(name) { classWeights[label] = try weight.exactNumber }
    }
    return Settings(
      loss: try Loss(configuration: json.member("loss"), registry: registry), metrics: metrics,
      optimizer: try Optimizer(configuration: json.member("optimizer"), registry: registry),
      classWeights: classWeights)
  }

  /// Gives a trainer of the same model the weights and the state.
  func apply(to trainer: Trainer) throws(RecurraError) {
    let own = trainer.model.namedParameters
    let saved = Dictionary(file.model.namedParameters.map { ($0.path, $0.parameter.value) }) { first, _ in first }
    for (path, parameter) in own {
      guard let value = saved[path], value.shape == parameter.shape, value.dtype == parameter.dtype else {
        throw RecurraError(
          .badFile, operation: "training state", expected: "a parameter \(path) of shape \(parameter.shape)",
          got: saved[path].map { "shape \($0.shape)" } ?? "none")
      }
    }
    try trainer.restore(state)
    for (path, parameter) in own { if let value = saved[path] { parameter.value = value } }
  }

  /// The training part of a trainer's file: how the model was compiled, and the state.
  static func json(of trainer: Trainer, _ state: TrainingState) throws(RecurraError) -> JSONValue {
    let classWeights = trainer.classWeights.sorted { $0.key < $1.key }.map { label, weight in
      (name: "\(label)", value: JSONValue(exactly: weight))
    }
    return .object(
      [
        ("loss", trainer.loss.configuration), ("compiled_metrics", .array(trainer.metrics.map(\.configuration))),
        ("optimizer", trainer.chosenOptimizer.configuration), ("class_weights", .object(classWeights)),
      ] + (try state.json.members))
  }
}
