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
  /// Runs some rows forward and measures them; `losses` carry the graph, each output's times its weight.
  ///
  /// The loss of several outputs is the sum of their mean losses, each times its weight, and counts once for each row.
  func measure(
    _ batch: Batch, _ context: ForwardContext, divisor: LossDivisor = .weight
  ) throws(RecurraError) -> (losses: [Tensor], metrics: BatchMetrics) {
    guard batch.targets.count == losses.count else {
      throw RecurraError(
        .badData, operation: "loss", expected: "targets for \(losses.count) outputs", got: "\(batch.targets.count)")
    }
    // As Keras: a cross-entropy behind the softmax or sigmoid it belongs to is taken from what stands before.
    let outputs =
      losses.contains { $0.beforeActivation != nil }
      ? try model.forwardBeforeActivations(batch.inputs, context)
      : try model.forward(batch.inputs, context).map { ($0, Activation.linear) }
    var measures: [OutputMeasure] = []
    for index in losses.indices {
      measures.append(try measure(index, outputs[index], of: batch, context, divisor))
    }
    let isPlain = measures.count == 1 && lossWeights[0] == 1
    var tensors = isPlain ? [measures[0].tensor] : zip(measures, lossWeights).map { $0.tensor * $1 }
    // What weights cost has its gradient at the update: once, however many blocks a batch is cut into.
    var cost = rules.penalty
    if let own = context.record?.loss, batch.count > 0 {
      // As Keras: the layers' own losses are means over rows, whatever the predictions weigh.
      let mean = own.converted(to: tensors[0].dtype) / Double(batch.count)
      tensors[0] = tensors[0] + (divisor == .weight ? mean : mean * measures[0].loss.weight)
      cost += mean.item
    }
    guard measures.count > 1 else {
      var loss = measures[0].loss
      loss.sum = loss.sum * lossWeights[0] + cost * loss.weight
      return (tensors, BatchMetrics(loss: loss, metrics: measures[0].metrics))
    }
    let metrics = measures.map(\.loss) + measures.flatMap(\.metrics)
    return (tensors, BatchMetrics(loss: whole(metrics, rows: Double(batch.count), cost: cost), metrics: metrics))
  }

  /// The weighted sum of the mean losses that stand in front of what several outputs measured, as that of some rows.
  ///
  /// - Parameter cost: what weights and outputs cost besides.
  func whole(_ metrics: [WeightedSum], rows: Double, cost: Double) -> WeightedSum {
    let mean = zip(metrics, lossWeights).reduce(cost) { $0 + $1.0.mean * $1.1 }
    return WeightedSum(sum: mean * rows, weight: rows)
  }

  private func measure(
    _ index: Int, _ output: (value: Value, activation: Activation), of batch: Batch, _ context: ForwardContext,
    _ divisor: LossDivisor
  ) throws(RecurraError) -> OutputMeasure {
    let target = batch.targets[index]
    var (loss, activation) = (losses[index], Activation.linear)
    var scored = output.value.tensor
    if let exact = loss.beforeActivation, output.activation == exact.activation {
      (loss, activation) = exact
    } else {
      scored = output.activation(scored)
    }
    if output.value.mask != target.mask {
      // Labels that count now may not have been looked at.
      try loss.validate(
        targets: target.values, output: scored.shape, mask: output.value.mask, operation: "loss")
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
      let hasWeights = target.sampleWeights != nil || isTraining
      let plain =
        hasWeights && metrics.contains { !$0.isWeighted }
        ? try RowWeights(
          predictions: scored.shape, targets: target.values, mask: output.value.mask, ignoreClass: loss.ignoreClass)
        : weights
      for metric in metrics {
        sums += try metric.sums(target.values, predictions, metric.isWeighted ? weights : plain)
      }
    }
    return OutputMeasure(
      tensor: result.tensor, loss: WeightedSum(sum: result.sum, weight: result.weight), metrics: sums)
  }
}
