internal import RecurraLayers
internal import RecurraTensor

/// What an output's loss and metrics say about some rows.
private struct OutputMeasure {
  /// The loss as one number with its history.
  let tensor: Tensor
  let loss: WeightedSum
  let metrics: [WeightedSum]
}

extension Trainer {
  /// Runs some rows forward and measures them; `loss` carries the graph.
  ///
  /// The loss of several outputs is the sum of their mean losses, each times its weight, and counts once for each row.
  func measure(
    _ batch: Batch, _ context: ForwardContext, divisor: LossDivisor = .weight
  ) throws(RecurraError) -> (loss: Tensor, metrics: BatchMetrics) {
    guard batch.targets.count == losses.count else {
      throw RecurraError(
        .badData, operation: "loss", expected: "targets for \(losses.count) outputs", got: "\(batch.targets.count)")
    }
    // As Keras: a cross-entropy behind the softmax or sigmoid it belongs to is taken from what stands before.
    let outputs =
      losses.contains { $0.beforeActivation != nil }
      ? try model.forwardBeforeActivations(batch.inputs, context)
      : try model.forward(batch.inputs, context).map { ($0, Activation.linear) }
    guard losses.count > 1 else {
      let only = try measure(0, outputs[0], batch.targets[0], context, divisor)
      return (only.tensor, BatchMetrics(loss: only.loss, metrics: only.metrics))
    }
    var measures: [OutputMeasure] = []
    for index in losses.indices {
      measures.append(try measure(index, outputs[index], batch.targets[index], context, .weight))
    }
    var total = measures[0].tensor * lossWeights[0]
    for (measure, weight) in zip(measures, lossWeights).dropFirst() {
      total = total + measure.tensor.converted(to: total.dtype) * weight
    }
    let rows = Double(batch.count)
    return (
      total,
      BatchMetrics(
        loss: WeightedSum(sum: total.item * rows, weight: rows),
        metrics: measures.map(\.loss) + measures.flatMap(\.metrics))
    )
  }

  private func measure(
    _ index: Int, _ output: (value: Value, activation: Activation), _ target: TrainingTarget,
    _ context: ForwardContext, _ divisor: LossDivisor
  ) throws(RecurraError) -> OutputMeasure {
    var (loss, activation) = (losses[index], Activation.linear)
    var scored = output.value.tensor
    if let exact = loss.beforeActivation, output.activation == exact.activation {
      (loss, activation) = exact
    } else {
      scored = output.activation(scored)
    }
    let isTraining = context.isTraining && !classWeights.isEmpty
    let weights = try RowWeights(
      predictions: scored.shape, targets: target.values, mask: output.value.mask, sampleWeights: target.sampleWeights,
      classWeights: isTraining ? classWeights : nil, ignoreClass: loss.ignoreClass)
    let result = try loss.weighted(target.values, scored, weights, divisor: divisor)
    let metrics = outputMetrics[index]
    var sums: [WeightedSum] = []
    if !metrics.isEmpty {
      let predictions = activation(scored.detached)
      for metric in metrics { sums += try metric.sums(target.values, predictions, weights) }
    }
    return OutputMeasure(
      tensor: result.tensor, loss: WeightedSum(sum: result.sum, weight: result.weight), metrics: sums)
  }
}
