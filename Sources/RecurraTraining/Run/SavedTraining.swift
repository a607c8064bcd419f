internal import RecurraLayers
internal import RecurraTensor

/// The training part of a model file, read and not yet used.
struct SavedTraining {
  let state: TrainingState
  private let json: JSONValue
  private static let epochLoss = "epoch_loss"

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
    let losses: [Loss]
    let lossWeights: [Double]?
    let metrics: [[Metric]]
    let optimizer: Optimizer
    let classWeights: [Int: Double]
    let epochLoss: EpochLoss
  }

  /// Reads how the model was compiled.
  func settings(_ registry: Registry) throws(RecurraError) -> Settings {
    // Of one output there is one loss and a list of metrics, of several a list of each.
    var (losses, metrics, weights) = ([Loss](), [[Metric]](), [Double]?.none)
    func read(_ list: JSONValue) throws(RecurraError) {
      var read: [Metric] = []
      for value in try list.elements { read.append(try Metric(configuration: value, registry: registry)) }
      metrics.append(read)
    }
    let loss = try json.member("loss")
    if case .array(let several) = loss {
      for value in several { losses.append(try Loss(configuration: value, registry: registry)) }
      for list in try json.member("compiled_metrics").elements { try read(list) }
      weights = try json.member("loss_weights").elements.map { (weight) throws(RecurraError) in try weight.real }
    } else {
      losses = [try Loss(configuration: loss, registry: registry)]
      if let list = json["loss_weights"] {
        weights = try list.elements.map { (weight) throws(RecurraError) in try weight.real }
      }
      try read(json.member("compiled_metrics"))
    }
    var classWeights: [Int: Double] = [:]
    for (name, weight) in try json.member("class_weights").members {
      if let label = Int(name) { classWeights[label] = try weight.real }
    }
    var epochLoss = EpochLoss.overPredictions
    if let name = json[Self.epochLoss] {
      guard case .string(let text) = name, let known = EpochLoss(named: text) else {
        throw RecurraError(
          .badFile, operation: "training state", expected: "an \(Self.epochLoss) over predictions or batches",
          got: "another")
      }
      epochLoss = known
    }
    return Settings(
      losses: losses, lossWeights: weights, metrics: metrics,
      optimizer: try registry.optimizer(json.member("optimizer")),
      classWeights: classWeights, epochLoss: epochLoss)
  }

  /// The training part of a trainer's file: how the model was compiled, and the state.
  static func json(of trainer: Trainer, _ state: TrainingState) throws(RecurraError) -> JSONValue {
    let classWeights = trainer.classWeights.sorted { $0.key < $1.key }.map { label, weight in
      (name: "\(label)", value: JSONValue(exactly: weight))
    }
    let metrics = trainer.outputMetrics.map { JSONValue.array($0.map(\.configuration)) }
    let isOne = trainer.losses.count == 1
    var weights: [(name: String, value: JSONValue)] =
      trainer.lossWeights == [1] ? [] : [("loss_weights", .array(trainer.lossWeights.map { JSONValue(exactly: $0) }))]
    if trainer.epochLoss != .overPredictions { weights.append((Self.epochLoss, .string(trainer.epochLoss.name))) }
    return .object(
      [
        ("loss", isOne ? trainer.loss.configuration : .array(trainer.losses.map(\.configuration))),
        ("compiled_metrics", isOne ? metrics[0] : .array(metrics)),
        ("optimizer", trainer.chosenOptimizer.configuration), ("class_weights", .object(classWeights)),
      ] + weights + (try state.json.members))
  }
}
