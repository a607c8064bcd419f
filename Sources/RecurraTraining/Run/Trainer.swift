public import RecurraLayers
public import RecurraTensor

/// A model with a loss and an optimiser: what `compile` makes, and what fits, evaluates and predicts.
///
/// A trainer is used from one thread at a time; the work inside is shared out over the engine's threads, and the
/// numbers do not depend on how many there are. When something throws, the weights are those after the last complete
/// batch.
///
/// ```swift
/// let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
/// let history = try trainer.fit(x, y, batchSize: 64, epochs: 10, validationSplit: 0.3)
/// ```
public final class Trainer {
  /// The model that is trained.
  public let model: any Network
  /// What training makes small, for each output.
  public let losses: [Loss]
  /// How much each output's loss counts in the whole.
  public let lossWeights: [Double]
  /// What is measured besides, of each output.
  public let outputMetrics: [[Metric]]
  /// The loss of the first output.
  public var loss: Loss { losses[0] }
  /// What is measured of the first output.
  public var metrics: [Metric] { outputMetrics[0] }
  /// The names of what is measured beside the loss, in the order of `BatchMetrics`; of several outputs their losses
  /// first.
  let metricNames: [String]
  /// How much the rows of a class count in training, by class; 1 for those not named. `fit` sets it.
  public internal(set) var classWeights: [Int: Double] = [:]
  /// What the losses that are reported are means over; training does not depend on it.
  public var epochLoss = EpochLoss.overPredictions
  /// Where progress is shown.
  public var output = ProgressOutput.standardOutput
  /// What the last run of `fit` did, also when it threw.
  public internal(set) var history: History?
  /// The names of the logs of the run under way, or of one without validation.
  public package(set) var logNames: [String]
  /// The callbacks of the last run, or those that came with the trainer from a file.
  public internal(set) var callbacks: [any Callback] = []
  /// Tells whether the run under way goes on from a state instead of beginning: callbacks then keep what they remember.
  public package(set) var isResuming = false

  private(set) var chosenOptimizer: Optimizer
  private var optimizerStorage: OptimizerState?
  private var rulesStorage: WeightRules?
  /// The output widths once the model has been built: asked for after every batch.
  private var knownOutputWidths: [Int]?
  /// How far training has come; the optimiser's and the callbacks' part is taken when it is asked for.
  var progress = TrainingState()
  /// Tells whether `callbacks` know more than `progress` does, because a run is going on.
  var isRunning = false
  /// What `progress` becomes when the callbacks have been told of what is going on; nil while none is told.
  var coming: TrainingState?
  var isStopRequested = false

  init(
    _ model: any Network, _ losses: [Loss], weights: [Double]? = nil, _ optimizer: Optimizer, _ metrics: [[Metric]]
  ) throws(RecurraError) {
    func refused(_ expected: String, got: String) -> RecurraError {
      RecurraError(.badArgument, operation: "compile", expected: expected, got: got)
    }
    try optimizer.validate()
    let outputs = model.outputNames
    guard losses.count == outputs.count else {
      throw refused("a loss for each of \(outputs.count) outputs", got: "\(losses.count)")
    }
    let weights = weights ?? losses.map { _ in 1 }
    guard weights.count == losses.count, weights.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw refused("a finite weight of 0 or more for each of \(losses.count) losses", got: "\(weights)")
    }
    let metrics = metrics.isEmpty ? losses.map { _ in [] } : metrics
    guard metrics.count == losses.count else {
      throw refused("metrics for each of \(outputs.count) outputs", got: "\(metrics.count) lists")
    }
    var names = metrics[0].map(\.name)
    if losses.count > 1 {
      names = outputs.map { "\($0)_loss" }
      for (output, metrics) in zip(outputs, metrics) { names += metrics.map { "\(output)_\($0.name)" } }
    }
    let all = ["loss"] + names
    guard Set(all).count == all.count else { throw refused("metrics of different names", got: "\(all)") }
    self.model = model
    (self.losses, lossWeights, outputMetrics, metricNames) = (losses, weights, metrics, names)
    chosenOptimizer = optimizer
    logNames = all.sorted()
  }

  /// The optimiser with its settings as they stand.
  public var optimizer: Optimizer { optimizerStorage?.optimizer ?? chosenOptimizer }

  /// How far a step goes; callbacks may change it. One outside its range ends the next step with an error.
  ///
  /// Of an optimiser with a schedule it is what the schedule says now; setting it takes the schedule's place.
  public var learningRate: Double {
    get { optimizer.learningRate(at: optimizerStorage?.step ?? 0) }
    set {
      // Before the model has its parameters, a state would be made without them.
      if let optimizerStorage {
        optimizerStorage.optimizer.learningRate = newValue
        optimizerStorage.optimizer.learningRateSchedule = nil
      } else {
        chosenOptimizer.learningRate = newValue
      }
      chosenOptimizer.learningRateSchedule = nil
    }
  }

  /// Refuses to change a learning rate that a schedule gives.
  func requireNoSchedule(_ operation: String) throws(RecurraError) {
    guard let schedule = optimizer.learningRateSchedule else { return }
    throw RecurraError(
      .badArgument, operation: operation, expected: "an optimiser whose learning rate is a number",
      got: "a schedule \(schedule.configuration.text)")
  }

  /// The values of all parameters, in the model's order; each must keep its shape and type when they are set.
  public var weights: [Tensor] {
    get { model.parameters.map(\.value) }
    set {
      let parameters = model.parameters
      check(
        newValue.count == parameters.count, "weights", expected: "\(parameters.count) tensors", got: "\(newValue.count)"
      )
      for (parameter, value) in zip(parameters, newValue) { parameter.value = value }
    }
  }

  /// Asks `fit` to end after the batch under way.
  public func stopTraining() { isStopRequested = true }

  /// What the optimiser remembers; made at its first use, when the model has its parameters.
  var optimizerState: OptimizerState {
    if let optimizerStorage { return optimizerStorage }
    let made = OptimizerState(chosenOptimizer, model.namedParameters)
    optimizerStorage = made
    return made
  }

  /// What the model's weights cost and are held to; collected at its first use, when the model has been built.
  var rules: WeightRules {
    if let rulesStorage { return rulesStorage }
    let made = WeightRules(model)
    rulesStorage = made
    return made
  }

  /// The number of numbers the optimiser keeps, as the summary counts them; nil before the first training step.
  package var optimizerVariableCount: Int? { optimizerStorage?.variableCount }

  /// Returns the model's summary with what the optimiser keeps, as Keras prints it after training.
  public func summary(lineLength: Int? = nil, showsTrainable: Bool = false) -> String {
    model.summary(
      lineLength: lineLength, showsTrainable: showsTrainable, optimizerParameterCount: optimizerVariableCount)
  }

  /// The numbers of some rows by name.
  func logs(of sums: BatchMetrics) -> Logs {
    // Of several outputs each one's loss stands in front of the metrics.
    var measured: [(of: Metric, width: Int)?] = losses.count > 1 ? losses.map { _ in nil } : []
    for (metrics, width) in zip(outputMetrics, outputWidths) { measured += metrics.map { ($0, width) } }
    return sums.logs(zip(metricNames, measured).map { ($0, $1) })
  }

  /// The number of predictions to a row of each output; 1 where it is not known.
  private var outputWidths: [Int] {
    if let knownOutputWidths { return knownOutputWidths }
    guard let inputs = model.inputShapes, let outputs = try? model.outputShapes(for: inputs) else {
      return losses.map { _ in 1 }
    }
    let widths = outputs.map { $0.count > 1 ? ($0.last ?? 1) ?? 1 : 1 }
    if model.isBuilt { knownOutputWidths = widths }
    return widths
  }
}

extension Trainer {
  /// How far training has come, with what the optimiser and the callbacks remember.
  public var state: TrainingState {
    var state = coming ?? progress
    // A request that the epoch under way has not answered yet.
    if isStopRequested { state.run?.isStopped = true }
    if model.isBuilt {
      let optimizer = optimizerState
      state.step = optimizer.step
      state.optimizer = Dictionary(uniqueKeysWithValues: optimizer.exported().map { ($0.name, $0.value) })
    }
    if isRunning { state.callbacks = TrainingState.states(of: callbacks) }
    return state
  }

  /// Puts back what the optimiser remembers, and nothing else.
  package func restore(optimizer state: [String: Tensor]) throws(RecurraError) { try optimizerState.restore(state) }

  /// Puts a state back; the weights are set apart from it.
  ///
  /// What the callbacks remembered is kept until the next `fit` brings callbacks.
  ///
  /// - Throws: `badFile` when the state is that of another model or optimiser; nothing has changed then. `badArgument`
  ///   when the model has not been built.
  public func restore(_ state: TrainingState) throws(RecurraError) {
    guard model.isBuilt else {
      throw RecurraError(.badArgument, operation: "restore", expected: "a built model", got: "one that is not")
    }
    if !state.optimizer.isEmpty { try optimizerState.restore(state.optimizer) }
    progress = state
    (progress.optimizer, isResuming, isStopRequested) = ([:], false, false)
    history = state.run.map { state.history.since($0.firstEpoch) }
  }
}
