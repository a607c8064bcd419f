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
  public let model: Sequential
  /// What training makes small.
  public let loss: Loss
  /// What is measured besides.
  public let metrics: [Metric]
  /// How much the rows of a class count in training, by class; 1 for those not named. `fit` sets it.
  public internal(set) var classWeights: [Int: Double] = [:]
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
  /// How far training has come; the optimiser's and the callbacks' part is taken when it is asked for.
  var progress = TrainingState()
  /// Tells whether `callbacks` know more than `progress` does, because a run is going on.
  var isRunning = false
  /// What `progress` becomes when the callbacks have been told of what is going on; nil while none is told.
  var coming: TrainingState?
  var isStopRequested = false

  init(_ model: Sequential, _ loss: Loss, _ optimizer: Optimizer, _ metrics: [Metric]) throws(RecurraError) {
    try optimizer.validate()
    let names = ["loss"] + metrics.map(\.name)
    guard Set(names).count == names.count else {
      throw RecurraError(.badArgument, operation: "compile", expected: "metrics of different names", got: "\(names)")
    }
    self.model = model
    self.loss = loss
    self.metrics = metrics
    chosenOptimizer = optimizer
    logNames = names.sorted()
  }

  /// The optimiser with its settings as they stand.
  public var optimizer: Optimizer { optimizerStorage?.optimizer ?? chosenOptimizer }

  /// How far a step goes; callbacks may change it. One outside its range ends the next step with an error.
  public var learningRate: Double {
    get { optimizer.learningRate }
    set {
      // Before the model has its parameters, a state would be made without them.
      if let optimizerStorage {
        optimizerStorage.optimizer.learningRate = newValue
      } else {
        chosenOptimizer.learningRate = newValue
      }
    }
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

  /// The number of numbers the optimiser keeps, as the summary counts them; nil before the first training step.
  package var optimizerVariableCount: Int? { optimizerStorage?.variableCount }

  /// Returns the model's summary with what the optimiser keeps, as Keras prints it after training.
  public func summary(lineLength: Int? = nil, showsTrainable: Bool = false) -> String {
    model.summary(
      lineLength: lineLength, showsTrainable: showsTrainable, optimizerParameterCount: optimizerVariableCount)
  }

  /// The numbers of some rows by name.
  func logs(of sums: BatchMetrics) -> Logs { sums.logs(metrics.map(\.name)) }
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

extension Sequential {
  /// Says how the model is to be trained.
  ///
  /// - Parameters:
  ///   - loss: what training makes small.
  ///   - optimizer: how gradients change weights.
  ///   - metrics: what is measured besides.
  /// - Throws: `badArgument` for a setting of the optimiser outside its range, or two metrics of one name.
  public func compile(
    loss: Loss, optimizer: Optimizer = .rmsprop(), metrics: [Metric] = []
  ) throws(RecurraError) -> Trainer {
    try Trainer(self, loss, optimizer, metrics)
  }
}
