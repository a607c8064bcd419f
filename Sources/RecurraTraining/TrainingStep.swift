internal import RecurraLayers
public import RecurraTensor

/// One batch: forward, backward, update; or forward alone.
extension Trainer {
  /// Trains on one batch, and returns its loss and metrics from before the update.
  ///
  /// - Throws: what `fit` throws.
  @discardableResult
  public func trainBatch(_ x: Tensor, _ y: Tensor, lengths: [Int]? = nil) throws(RecurraError) -> Logs {
    let data = try checked(x, y, lengths: lengths, operation: "trainBatch")
    epochMetrics.reset()
    try train(data.batch(0..<data.count), RandomSource(seed: model.seed)) { "trainBatch" }
    return epochMetrics.logs
  }

  /// Trains on a batch, and takes its loss and metrics into those of the epoch.
  func train(_ batch: Batch, _ random: RandomSource, at place: () -> String) throws(RecurraError) {
    let context = ForwardContext(
      isTraining: true, isRecording: true, random: random.stream(optimizerState.step),
      differentiatesParametersOnly: true)
    // The graph ends with this call: while it lives, it holds the weights, and they could not be changed in place.
    var gradients = try differentiate(batch, context, place)
    try optimizerState.update(&gradients, at: place)
  }

  private func differentiate(
    _ batch: Batch, _ context: ForwardContext, _ place: () -> String
  ) throws(RecurraError) -> [Gradient] {
    let loss = try measure(batch, context)
    let value = loss.item
    guard value.isFinite else {
      throw RecurraError(
        .notFinite, operation: place(), expected: "a finite loss", got: value.isNaN ? "NaN" : "\(value)")
    }
    return loss.sparseGradients(withRespectTo: optimizerState.parameters.map(\.tracked))
  }

  /// Runs a batch forward, takes its loss and metrics into those of the epoch, and returns the loss.
  @discardableResult
  func measure(_ batch: Batch, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let targets = batch.targets else {
      throw RecurraError(.badData, operation: "loss", expected: "targets", got: "none")
    }
    // As Keras: a cross-entropy behind the softmax or sigmoid it belongs to is taken from what stands before.
    let output: Signal
    let predictions: Tensor
    let loss: WeightedLoss
    let weights: RowWeights
    if let exact = self.loss.beforeActivation {
      let activation: Activation
      (output, activation) = try model.forwardBeforeActivation(batch.input, context)
      weights = try rowWeights(output, targets)
      predictions = activation(output.value.detached)
      loss =
        activation == exact.activation
        ? try exact.loss.weighted(targets, output.value, weights)
        : try self.loss.weighted(targets, activation(output.value), weights)
    } else {
      output = try model.forward(batch.input, context)
      weights = try rowWeights(output, targets)
      predictions = output.value.detached
      loss = try self.loss.weighted(targets, output.value, weights)
    }
    try epochMetrics.add(loss, targets, predictions, weights)
    return loss.tensor
  }

  private func rowWeights(_ output: Signal, _ targets: Tensor) throws(RecurraError) -> RowWeights {
    try RowWeights(
      predictions: output.value.shape, targets: targets, lengths: output.lengths, ignoreClass: loss.ignoreClass)
  }
}
