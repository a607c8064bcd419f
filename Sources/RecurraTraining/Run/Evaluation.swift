public import RecurraLayers
public import RecurraTensor

extension Trainer {
  /// Measures the loss and the metrics on data.
  ///
  /// - Parameters:
  ///   - x: inputs, one to a row.
  ///   - y: targets, one to a row.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - mask: which timesteps count, as Keras' masks; where both are given both have to say so.
  ///   - sampleWeights: how much each row [N], or each timestep of a row [N, T], counts; all alike when left out.
  ///   - batchSize: rows that are computed together; the result depends on it by rounding only.
  ///   - verbose: how much is shown.
  ///   - allowingNonFinite: whether NaN and infinity may be among inputs and targets.
  /// - Returns: the loss and the metrics by name; of the batches so far when the task is cancelled.
  /// - Throws: `badData` for data that do not fit together or the model, `badArgument` for a batch size below 1,
  ///   `outOfMemory` for batches that need more than there is.
  @discardableResult
  public func evaluate(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, sampleWeights: Tensor? = nil,
    batchSize: Int = 32, verbose: Verbosity = .auto, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Logs {
    try evaluate(
      Examples(x, y, mask: SequenceMask(lengths, mask), sampleWeights: sampleWeights), batchSize: batchSize,
      verbose: verbose, allowingNonFinite: allowingNonFinite)
  }

  /// Measures the loss and the metrics on examples, of a model of several inputs or outputs.
  ///
  /// - Returns: `loss`, the weighted sum of all; of several outputs each one's loss and metrics by its name besides.
  /// - Throws: what `evaluate` of two tensors throws.
  @discardableResult
  public func evaluate(
    _ examples: Examples, batchSize: Int = 32, verbose: Verbosity = .auto, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Logs {
    let data = try checked(examples, allowingNonFinite: allowingNonFinite, operation: "evaluate")
    let ranges = try model.ranges(ofRows: data.count, batchSize, "evaluate")
    try model.requireMemory(forRows: data.shapes, batchSize: batchSize, isTraining: false, "evaluate")
    var bar = ProgressBar(output, verbose.resolved(for: output), target: ranges.count)
    do throws(RecurraError) {
      let logs = try measure(data, ranges) { bar.update($0, $1) }
      bar.finish(logs)
      return logs
    } catch {
      bar.abandon()
      throw error
    }
  }

  /// Runs data forward batch by batch; stops early when the task is cancelled.
  func measure(
    _ data: TrainingData, _ ranges: [Range<Int>], _ progress: (Int, Logs) -> Void = { _, _ in }
  ) throws(RecurraError) -> Logs {
    var sums = BatchMetrics(metricCount: metricNames.count)
    for (index, range) in ranges.enumerated() where !Task.isCancelled {
      var context = ForwardContext()
      // What layers add to the loss counts here as well.
      context.record = ForwardRecord()
      let batch = try measure(data.batch(range), context).metrics
      sums = sums + epochLoss.counted(batch, rows: range.count, outputs: losses.count)
      progress(index + 1, logs(of: sums))
    }
    return logs(of: sums)
  }

  /// Computes the model's outputs for data, as the model's `predict`.
  public func predict(
    _ x: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Tensor {
    try model.predict(x, lengths: lengths, mask: mask, batchSize: batchSize, allowingNonFinite: allowingNonFinite)
  }

  /// Computes all outputs of a model of several inputs or outputs, as the model's `predict`.
  public func predict(
    _ inputs: [Tensor], masks: [SequenceMask]? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> [Tensor] {
    try model.predict(inputs, masks: masks, batchSize: batchSize, allowingNonFinite: allowingNonFinite)
  }

  /// Builds the model if need be and checks data against it, before anything is computed.
  func checked(
    _ examples: Examples, allowingNonFinite: Bool = false, operation: String
  ) throws(RecurraError) -> TrainingData {
    let data = try model.prepared(examples, allowsNonFinite: allowingNonFinite, operation: operation)
    guard data.targets.count == losses.count else {
      throw RecurraError(
        .badData, operation: operation, expected: "targets for \(losses.count) outputs", got: "\(data.targets.count)")
    }
    try checkTargets(examples.targetLengths, data, operation)
    let outputs = data.outputShapes
    for (index, target) in data.targets.enumerated() {
      try losses[index].validate()
      try losses[index].validate(
        targets: target.values, output: outputs[index], mask: target.mask, operation: operation)
      for metric in outputMetrics[index] {
        try metric.validate(targets: target.values, output: outputs[index], operation: operation)
      }
    }
    return data
  }
}

/// Cuts `count` rows into batches; the last one may be smaller.
func batchRanges(_ count: Int, _ batchSize: Int, _ operation: String) throws(RecurraError) -> [Range<Int>] {
  guard batchSize >= 1 else {
    throw RecurraError(.badArgument, operation: operation, expected: "a batch size of 1 or more", got: "\(batchSize)")
  }
  return stride(from: 0, to: count, by: batchSize).map { $0..<min($0 + batchSize, count) }
}
