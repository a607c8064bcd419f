public import RecurraLayers
public import RecurraTensor

/// A model with a loss and an optimiser: what `compile` makes, and what fits, evaluates and predicts.
///
/// A trainer is used from one thread at a time; the work inside is shared out over the engine's threads, and the numbers do
/// not depend on how many there are. When something throws, the weights are those after the last complete batch.
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
  /// Where progress is shown.
  public var output = ProgressOutput.standardOutput
  /// What the last call of `fit` did, also when it threw.
  public internal(set) var history: History?
  /// The names of the logs of the run under way, or of one without validation.
  public package(set) var logNames: [String]
  /// Tells whether the run under way goes on from a saved state; callbacks then keep what they have restored.
  public package(set) var isResuming = false

  private var chosenOptimizer: Optimizer
  private var state: OptimizerState?
  var epochMetrics: EpochMetrics
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
    epochMetrics = EpochMetrics(metrics)
    logNames = epochMetrics.names
  }

  /// The optimiser with its settings as they stand.
  public var optimizer: Optimizer { state?.optimizer ?? chosenOptimizer }

  /// How far a step goes; callbacks may change it.
  public var learningRate: Double {
    get { optimizer.learningRate }
    set {
      // Before the model has its parameters, a state would be made without them.
      if let state { state.optimizer.learningRate = newValue } else { chosenOptimizer.learningRate = newValue }
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
    if let state { return state }
    let made = OptimizerState(chosenOptimizer, model.namedParameters)
    state = made
    return made
  }

  /// The number of numbers the optimiser keeps, as the summary counts them; nil before the first training step.
  package var optimizerVariableCount: Int? { state?.variableCount }

  /// Returns the model's summary with what the optimiser keeps, as Keras prints it after training.
  public func summary(lineLength: Int? = nil, showsTrainable: Bool = false) -> String {
    model.summary(
      lineLength: lineLength, showsTrainable: showsTrainable, optimizerParameterCount: optimizerVariableCount)
  }

  /// What the optimiser remembers, to be saved with the weights.
  package func exportedOptimizerState() -> [(name: String, value: Tensor)] { optimizerState.exported() }

  /// Takes back what `exportedOptimizerState` gave.
  package func restoreOptimizerState(_ state: [String: Tensor]) throws(RecurraError) {
    try optimizerState.restore(state)
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
