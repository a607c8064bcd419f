internal import RecurraLayers
public import RecurraTensor

/// A training step in three calls: the gradients of blocks of rows, their sum, and the update.
extension Trainer {
  /// Trains on one batch, and returns its loss and metrics from before the update.
  ///
  /// A batch of which nothing counts, because all weights are 0 or all timesteps are padding, has a loss of 0 and is an
  /// update by a gradient of 0, as in Keras: momentum carries on, and weights decay.
  ///
  /// - Throws: what `fit` throws.
  @discardableResult
  public func trainBatch(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil
  ) throws(RecurraError) -> Logs {
    let data = try checked(Examples(x, y, lengths: lengths, sampleWeights: sampleWeights), operation: "trainBatch")
    try requireMemory(forRows: [data.x.shape], batchSize: data.count, "trainBatch")
    let metrics = try train(data.batch(0..<data.count), RandomSource(seed: model.seed)) { "trainBatch" }
    return logs(of: metrics)
  }

  /// Computes what some rows say about every parameter, as weighted sums: the first call of a training step.
  ///
  /// Nothing changes but the parameters' being made when the model has none yet. Blocks may be computed one after the
  /// other, or by several processes that hold the same weights.
  ///
  /// - Parameters:
  ///   - x: inputs, one to a row.
  ///   - y: targets, one to a row.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - sampleWeights: how much each row [N], or timestep [N, T], counts; all alike when left out.
  ///   - firstRow: where the rows begin in the batch that they are a block of. Dropout is drawn by a row's number in
  ///     the whole batch, so blocks of a batch drop different elements.
  /// - Throws: `badData` for data that do not fit together or the model, `notFinite` for a loss that is NaN or
  ///   infinite, `outOfMemory` for a batch that needs more than there is.
  /// - Complexity: a forward and a backward pass.
  public func gradients(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil, firstRow: Int = 0
  ) throws(RecurraError) -> BatchGradients {
    let examples = Examples(x, y, lengths: lengths, sampleWeights: sampleWeights)
    let data = try checked(examples, operation: "gradients")
    guard firstRow >= 0 else {
      throw RecurraError(
        .badArgument, operation: "gradients", expected: "a first row of 0 or more", got: "\(firstRow)")
    }
    try model.requireMemory(forRows: [data.x.shape], batchSize: data.count, isTraining: true, "gradients")
    var batch = data.batch(0..<data.count)
    batch.firstRow = firstRow
    return try gradients(batch, RandomSource(seed: progress.seed).stream(1), areSums: true) { "gradients" }
  }

  /// Changes the parameters by the mean of what the rows said: the last call of a training step.
  ///
  /// - Throws: `badArgument` for settings of the optimiser outside their range, `notFinite` for a gradient that is NaN
  ///   or infinite; nothing has changed then.
  public func update(_ gradients: BatchGradients) throws(RecurraError) {
    var gradients = gradients
    try update(&gradients) { "update" }
  }

  /// Trains on a batch as a whole, and returns its sums from before the update.
  func train(_ batch: Batch, _ random: RandomSource, at place: () -> String) throws(RecurraError) -> BatchMetrics {
    // The graph ends with this call: while it lives, it holds the weights, and they could not be changed in place.
    var gradients = try gradients(batch, random, areSums: false, place)
    try update(&gradients, place)
    return gradients.metrics
  }

  /// Trains on a batch block by block, each as if it were alone, and returns its sums from before the update.
  func train(
    _ blocks: some Sequence<Batch>, _ random: RandomSource, at place: () -> String
  ) throws(RecurraError) -> BatchMetrics {
    var tree = GradientTree()
    for block in blocks { tree.add(try gradients(block, random, areSums: true, place)) }
    guard var total = tree.total else { return BatchMetrics(metricCount: metrics.count) }
    try update(&total, place)
    return total.metrics
  }

  /// Goes forward and back through some rows; `random` is that of dropout for all steps.
  private func gradients(
    _ batch: Batch, _ random: RandomSource, areSums: Bool, _ place: () -> String
  ) throws(RecurraError) -> BatchGradients {
    let context = ForwardContext(
      isTraining: true, isRecording: true, random: random.stream(optimizerState.step),
      differentiatesParametersOnly: true, firstRow: batch.firstRow)
    let (loss, metrics) = try measure(batch, context, divisor: areSums ? .one : .weight)
    let value = loss.item
    guard value.isFinite else {
      throw RecurraError(
        .notFinite, operation: place(), expected: "a finite loss", got: value.isNaN ? "NaN" : "\(value)")
    }
    return BatchGradients(
      gradients: loss.sparseGradients(withRespectTo: optimizerState.parameters.map(\.tracked)),
      divisor: areSums ? 1 : metrics.loss.weight, metrics: metrics)
  }

  private func update(_ gradients: inout BatchGradients, _ place: () -> String) throws(RecurraError) {
    // Rows of which none counts say nothing.
    let weight = gradients.weight
    let scale = weight == 0 ? 0 : gradients.divisor / weight
    try optimizerState.update(&gradients.gradients, scale: scale, at: place)
  }

  /// Runs some rows forward and measures them; `loss` carries the graph.
  func measure(
    _ batch: Batch, _ context: ForwardContext, divisor: LossDivisor = .weight
  ) throws(RecurraError) -> (loss: Tensor, metrics: BatchMetrics) {
    guard let targets = batch.targets else {
      throw RecurraError(.badData, operation: "loss", expected: "targets", got: "none")
    }
    let output: Value
    let scored: Tensor
    var (loss, activation) = (self.loss, Activation.linear)
    // As Keras: a cross-entropy behind the softmax or sigmoid it belongs to is taken from what stands before.
    if let exact = loss.beforeActivation {
      let before = try model.forwardBeforeActivations([batch.input], context)[0]
      output = before.value
      if before.activation == exact.activation {
        (loss, activation, scored) = (exact.loss, exact.activation, output.tensor)
      } else {
        scored = before.activation(output.tensor)
      }
    } else {
      output = try model.forward([batch.input], context)[0]
      scored = output.tensor
    }
    let isTraining = context.isTraining && !classWeights.isEmpty
    let weights = try RowWeights(
      predictions: scored.shape, targets: targets, mask: output.mask, sampleWeights: batch.sampleWeights,
      classWeights: isTraining ? classWeights : nil, ignoreClass: loss.ignoreClass)
    let result = try loss.weighted(targets, scored, weights, divisor: divisor)
    var sums = BatchMetrics(loss: WeightedSum(sum: result.sum, weight: result.weight), metrics: [])
    if !metrics.isEmpty {
      let predictions = activation(scored.detached)
      sums.metrics = try metrics.map { metric throws(RecurraError) in
        try metric.weighted(targets, predictions, weights)
      }
    }
    return (result.tensor, sums)
  }
}
