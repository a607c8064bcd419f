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

  /// Makes a description.
  public init(
    losses: [Loss], lossWeights: [Double]? = nil, metrics: [[Metric]] = [], optimizer: Optimizer,
    optimizerState: [String: Tensor]? = nil
  ) {
    (self.losses, self.lossWeights, self.metrics) = (losses, lossWeights, metrics)
    (self.optimizer, self.optimizerState) = (optimizer, optimizerState)
  }
}
