internal import RecurraLayers
internal import RecurraTensor

/// The training part of a model file, read and not yet used.
struct SavedTraining {
  let state: TrainingState
  private let json: JSONValue

  /// - Parameters:
  ///   - training: that of the file; nil when it holds a model alone.
  ///   - input: the file, for errors.
  /// - Throws: `badFile` when it is damaged or there is none.
  init(_ training: ModelFile.Training?, _ input: InputFile) throws(RecurraError) {
    guard let training else { throw input.damaged(expected: "a training state", got: "a model alone") }
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
      if let label = Int(name) { classWeights[label] = try weight.real }
    }
    return Settings(
      loss: try Loss(configuration: json.member("loss"), registry: registry), metrics: metrics,
      optimizer: try registry.optimizer(json.member("optimizer")),
      classWeights: classWeights)
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
