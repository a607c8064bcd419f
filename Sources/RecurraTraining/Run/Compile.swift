public import RecurraLayers
public import RecurraTensor

extension Network {
  /// Says how the model is to be trained.
  ///
  /// - Parameters:
  ///   - loss: what training makes small.
  ///   - optimizer: how gradients change weights.
  ///   - metrics: what is measured besides.
  /// - Throws: `badArgument` for a setting of the optimiser outside its range, two metrics of one name, or a model of
  ///   several outputs.
  public func compile(
    loss: Loss, optimizer: Optimizer = .rmsprop(), metrics: [Metric] = []
  ) throws(RecurraError) -> Trainer {
    try Trainer(self, [loss], optimizer, [metrics])
  }

  /// Says how a model of several outputs is to be trained.
  ///
  /// What is made small is the weighted sum of the outputs' losses. Logs call each output's loss and metrics by its
  /// name: "kind_loss", "kind_accuracy".
  ///
  /// - Parameters:
  ///   - loss: a loss for each output.
  ///   - lossWeights: how much each of them counts; 1 when left out.
  ///   - optimizer: how gradients change weights.
  ///   - metrics: what is measured of each output besides; nothing when left out.
  /// - Throws: `badArgument` for a setting of the optimiser outside its range, other numbers of losses, weights or
  ///   lists of metrics than outputs, a weight that is negative or not finite, and two metrics of one name.
  public func compile(
    loss: [Loss], lossWeights: [Double]? = nil, optimizer: Optimizer = .rmsprop(), metrics: [[Metric]] = []
  ) throws(RecurraError) -> Trainer {
    try Trainer(self, loss, weights: lossWeights, optimizer, metrics)
  }
}
