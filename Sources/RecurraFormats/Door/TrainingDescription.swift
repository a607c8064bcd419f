public import RecurraLayers
public import RecurraTensor
public import RecurraTraining

/// How a model is trained: what a trainer is made of, and where it goes on.
public struct TrainingDescription: Sendable {
  /// A loss for each output.
  public var losses: [Loss]
  /// How much each output's loss counts.
  public var lossWeights: [Double]?
  /// What is measured of each output.
  public var metrics: [[Metric]]
  /// How gradients change weights.
  public var optimizer: Optimizer
  /// What the optimiser remembers, by the names that `TrainingState` has; nil for a beginning.
  public var optimizerState: [String: Tensor]?
  /// What the losses that are reported are means over.
  public var epochLoss = EpochLoss.overPredictions

  /// Makes a description.
  public init(
    losses: [Loss], lossWeights: [Double]? = nil, metrics: [[Metric]] = [], optimizer: Optimizer,
    optimizerState: [String: Tensor]? = nil
  ) {
    (self.losses, self.lossWeights, self.metrics) = (losses, lossWeights, metrics)
    (self.optimizer, self.optimizerState) = (optimizer, optimizerState)
  }

  /// What a trainer is made of, and what its optimiser remembers.
  public init(_ trainer: Trainer) {
    self.init(
      losses: trainer.losses, lossWeights: trainer.lossWeights, metrics: trainer.outputMetrics,
      optimizer: trainer.optimizer)
    epochLoss = trainer.epochLoss
    let state = trainer.state.optimizer
    optimizerState = state.isEmpty ? nil : state
  }

  /// Makes the trainer of a model, which goes on where the description stands.
  ///
  /// - Throws: `badArgument` for losses or metrics that do not fit the model's outputs; `badFile` for an optimiser's
  ///   state that does not fit its parameters.
  public func trainer(of model: any Network) throws(RecurraError) -> Trainer {
    let trainer = try model.compile(loss: losses, lossWeights: lossWeights, optimizer: optimizer, metrics: metrics)
    trainer.epochLoss = epochLoss
    if let optimizerState { try trainer.restore(optimizer: optimizerState) }
    return trainer
  }
}
