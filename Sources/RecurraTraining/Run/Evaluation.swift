public import RecurraLayers
public import RecurraTensor

extension Trainer {
  /// Measures the loss and the metrics on data.
  ///
  /// - Parameters:
  ///   - x: inputs, one to a row.
  ///   - y: targets, one to a row.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - sampleWeights: how much each row [N], or each timestep of a row [N, T], counts; all alike when left out.
  ///   - batchSize: rows that are computed together; the result depends on it by rounding only.
  ///   - verbose: how much is shown.
  ///   - allowingNonFinite: whether NaN and infinity may be among inputs and targets.
  /// - Returns: the loss and the metrics by name; of the batches so far when the task is cancelled.
  /// - Throws: `badData` for data that do not fit together or the model, `badArgument` for a batch size below 1,
  ///   `outOfMemory` for batches that need more than there is.
  @discardableResult
  public func evaluate(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil, batchSize: Int = 32,
    verbose: Verbosity = .auto, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Logs {
    let examples = Examples(x, y, lengths: lengths, sampleWeights: sampleWeights)
    let data = try checked(examples, allowingNonFinite: allowingNonFinite, operation: "evaluate")
    let ranges = try batchRanges(data.count, batchSize, "evaluate")
    try model.requireMemory(forRows: [data.x.shape], batchSize: batchSize, isTraining: false, "evaluate")
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
    let cut = PaddingCut(model, hasLengths: data.lengths != nil)
    var sums = BatchMetrics(metricCount: metrics.count)
    for (index, range) in ranges.enumerated() where !Task.isCancelled {
      sums = sums + (try measure(data.batch(range, cut: cut), ForwardContext()).metrics)
      progress(index + 1, logs(of: sums))
    }
    return logs(of: sums)
  }

  /// Computes the model's outputs for data, as `Sequential.predict`.
  public func predict(
    _ x: Tensor, lengths: [Int]? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Tensor {
    try model.predict(x, lengths: lengths, batchSize: batchSize, allowingNonFinite: allowingNonFinite)
  }

  /// Builds the model if need be and checks data against it, before anything is computed.
  func checked(
    _ examples: Examples, allowingNonFinite: Bool = false, operation: String
  ) throws(RecurraError) -> TrainingData {
    let data = try model.prepared(
      examples.x, examples.y, lengths: examples.lengths, sampleWeights: examples.sampleWeights,
      allowsNonFinite: allowingNonFinite, operation: operation)
    guard let y = data.y else { return data }
    let output = try model.outputShape(for: anyBatch(of: data.x))
    try loss.validate()
    try loss.validate(targets: y, output: output, lengths: data.lengths, operation: operation)
    for metric in metrics { try metric.validate(targets: y, output: output, operation: operation) }
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

extension Sequential {
  /// Computes the outputs for many rows, batch by batch; builds the model first when that has not been done.
  ///
  /// - Shapes: x [N, …]; result [N, …], the model's output for each row.
  /// - Throws: `badData` for data that do not fit the model, `badArgument` for a batch size below 1, `outOfMemory` for
  ///   batches or outputs that need more than there is.
  public func predict(
    _ x: Tensor, lengths: [Int]? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Tensor {
    let data = try prepared(x, nil, lengths: lengths, allowsNonFinite: allowingNonFinite, operation: "predict")
    let cut = PaddingCut(self, hasLengths: lengths != nil)
    var outputs: [Tensor] = []
    let ranges = try batchRanges(data.count, batchSize, "predict")
    try requireMemory(
      forRows: [data.x.shape], batchSize: batchSize, isTraining: false, keepsOutputs: true, "predict")
    try Threads.withRoom(orThrow: { () throws(RecurraError) in
      for range in ranges {
        outputs.append(try forward([data.batch(range, cut: cut).input], ForwardContext())[0].tensor)
      }
    })
    return outputs.count == 1 ? outputs[0] : .concatenated(outputs)
  }

  /// Builds the model if need be and puts data into the form it takes.
  func prepared(
    _ x: Tensor, _ y: Tensor?, lengths: [Int]?, sampleWeights: Tensor? = nil, allowsNonFinite: Bool = false,
    operation: String
  ) throws(RecurraError) -> TrainingData {
    guard x.rank >= 1 else {
      throw RecurraError(.badData, operation: operation, expected: "x with a row for each example", got: "one number")
    }
    if !isBuilt { try build(inputShape: anyBatch(of: x), dtype: x.dtype == .float64 ? .float64 : .float32) }
    try requireParameterMemory(operation)
    return try TrainingData(
      x, y, lengths: lengths, sampleWeights: sampleWeights, ids: idCount, dtype: dtype ?? .float32,
      output: y == nil ? [] : try outputShape(for: anyBatch(of: x)), allowsNonFinite: allowsNonFinite,
      operation: operation)
  }
}
