public import RecurraLayers
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
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, sampleWeights: Tensor? = nil,
    unrolling: Unrolling = Unrolling()
  ) throws(RecurraError) -> Logs {
    try trainBatch(
      Examples(x, y, mask: SequenceMask(lengths, mask), sampleWeights: sampleWeights), unrolling: unrolling)
  }

  /// Trains on one batch of a model of several inputs or outputs.
  ///
  /// - Throws: what `fit` throws.
  @discardableResult
  public func trainBatch(
    _ examples: Examples, unrolling: Unrolling = Unrolling()
  ) throws(RecurraError) -> Logs {
    let data = try checked(examples, operation: "trainBatch")
    let unrolling = try Unrolling(checking: unrolling.truncation, recomputes: unrolling.recomputes, "trainBatch")
    try requireMemory(forRows: data.shapes, batchSize: data.count, unrolling, "trainBatch")
    let metrics = try train(data.batch(0..<data.count), RandomSource(seed: model.seed), unrolling) { "trainBatch" }
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
  ///   - mask: which timesteps count, where that is no matter of length; where both are given both have to say so.
  ///   - sampleWeights: how much each row [N], or timestep [N, T], counts; all alike when left out.
  ///   - firstRow: where the rows begin in the batch that they are a block of. Dropout is drawn by a row's number in
  ///     the whole batch, so blocks of a batch drop different elements.
  ///   - unrolling: how far gradients go back through time, and what is kept for them.
  /// - Throws: `badData` for data that do not fit together or the model, `notFinite` for a loss that is NaN or
  ///   infinite, `outOfMemory` for a batch that needs more than there is.
  /// - Complexity: a forward and a backward pass.
  public func gradients(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, sampleWeights: Tensor? = nil,
    firstRow: Int = 0, unrolling: Unrolling = Unrolling()
  ) throws(RecurraError) -> BatchGradients {
    try gradients(
      Examples(x, y, mask: SequenceMask(lengths, mask), sampleWeights: sampleWeights), firstRow: firstRow,
      unrolling: unrolling)
  }

  /// Computes what some rows of a model of several inputs or outputs say about every parameter.
  ///
  /// - Throws: what `gradients` of two tensors throws.
  /// - Complexity: a forward pass, and a backward pass for each output: each has a weight of its own.
  public func gradients(
    _ examples: Examples, firstRow: Int = 0, unrolling: Unrolling = Unrolling()
  ) throws(RecurraError) -> BatchGradients {
    let data = try checked(examples, operation: "gradients")
    let unrolling = try Unrolling(checking: unrolling.truncation, recomputes: unrolling.recomputes, "gradients")
    guard firstRow >= 0 else {
      throw RecurraError(
        .badArgument, operation: "gradients", expected: "a first row of 0 or more", got: "\(firstRow)")
    }
    try model.requireMemory(
      forRows: data.shapes, batchSize: data.count, isTraining: true, unrolling: unrolling, "gradients")
    var batch = data.batch(0..<data.count)
    batch.firstRow = firstRow
    return try gradients(batch, RandomSource(seed: progress.seed).stream(1), unrolling, areSums: true) { "gradients" }
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
  func train(
    _ batch: Batch, _ random: RandomSource, _ unrolling: Unrolling, at place: () -> String
  ) throws(RecurraError) -> BatchMetrics {
    // The graph ends with this call: while it lives, it holds the weights, and they could not be changed in place.
    var gradients = try gradients(batch, random, unrolling, areSums: false, place)
    try update(&gradients, place)
    return gradients.metrics
  }

  /// Trains on a batch block by block, each as if it were alone, and returns its sums from before the update.
  func train(
    _ blocks: some Sequence<Batch>, _ random: RandomSource, _ unrolling: Unrolling, at place: () -> String
  ) throws(RecurraError) -> BatchMetrics {
    var (tree, cost) = (GradientTree(), 0.0)
    for block in blocks {
      let own = try gradients(block, random, unrolling, areSums: true, place)
      if losses.count > 1 {
        cost += own.loss.sum - whole(own.metrics.metrics, rows: own.weight, cost: 0).sum
      }
      tree.add(own)
    }
    guard var total = tree.total else { return BatchMetrics(metricCount: metricNames.count) }
    for (index, loss) in losses.enumerated() where loss.reduction == .sum && total.weight > 1 {
      // The blocks are parts of one sum, in which the weights cost once.
      if losses.count == 1 {
        total.metrics.loss.sum -= rules.penalty * (total.weight - 1)
        total.metrics.loss.weight = 1
      } else {
        total.metrics.metrics[index].weight = min(total.metrics.metrics[index].weight, 1)
      }
    }
    if losses.count > 1 {
      // The mean of each output is over the whole batch, and so is their sum; what the blocks cost besides stays.
      total.metrics.loss = whole(total.metrics.metrics, rows: total.weight, cost: cost / max(total.weight, 1))
    }
    try update(&total, place)
    return total.metrics
  }

  /// Goes forward and back through some rows; `random` is that of dropout for all steps.
  private func gradients(
    _ batch: Batch, _ random: RandomSource, _ unrolling: Unrolling, areSums: Bool, _ place: () -> String
  ) throws(RecurraError) -> BatchGradients {
    var context = ForwardContext(
      isTraining: true, isRecording: true, random: random.stream(optimizerState.step),
      differentiatesParametersOnly: true, firstRow: batch.firstRow)
    let record = ForwardRecord()
    (context.record, context.unrolling) = (record, unrolling)
    let (losses, metrics) = try measure(batch, context, divisor: areSums ? .one : .weight)
    let value = losses.reduce(0) { $0 + $1.item }
    guard value.isFinite else {
      throw RecurraError(
        .notFinite, operation: place(), expected: "a finite loss", got: value.isNaN ? "NaN" : "\(value)")
    }
    let parameters = optimizerState.parameters.map(\.tracked)
    // Means are added up before the way back; sums have no common divisor yet.
    let ends =
      areSums ? losses : [losses.dropFirst().reduce(losses[0]) { $0 + $1.converted(to: $0.dtype) }]
    return BatchGradients(
      gradients: ends.map { $0.sparseGradients(withRespectTo: parameters) },
      divisor: areSums ? 1 : metrics.loss.weight, metrics: metrics, statistics: record.changes)
  }

  private func update(_ gradients: inout BatchGradients, _ place: () -> String) throws(RecurraError) {
    // Rows of which none counts say nothing.
    func scale(_ weight: Double, _ loss: Loss) -> Double {
      weight == 0 ? 0 : gradients.divisor / (loss.reduction == .sum ? 1 : weight)
    }
    if gradients.gradients.count == 1 {
      // Of several outputs the gradients have been divided already, each by the weight of its own.
      var scale =
        losses.count > 1 ? gradients.divisor / max(gradients.weight, 1) : scale(gradients.weight, loss)
      rules.addGradients(to: &gradients.gradients[0], optimizerState.parameters, scale: &scale)
      try optimizerState.update(&gradients.gradients[0], scale: scale, at: place)
    } else {
      let scales = zip(gradients.metrics.metrics, losses).map { scale($0.weight, $1) }
      var sum = zip(gradients.gradients, scales).map { list, scale in list.map { $0 * scale } }
        .reduce([]) { sum, list in sum.isEmpty ? list : zip(sum, list).map { $0 + $1 } }
      var scale = 1.0
      rules.addGradients(to: &sum, optimizerState.parameters, scale: &scale)
      try optimizerState.update(&sum, at: place)
    }
    rules.constrain()
    for change in gradients.statistics { change.apply() }
  }
}
