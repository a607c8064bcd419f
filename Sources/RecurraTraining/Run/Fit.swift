public import RecurraTensor

extension Trainer {
  /// Trains the model on data, epoch by epoch.
  ///
  /// - Parameters:
  ///   - x: inputs, one to a row.
  ///   - y: targets, one to a row.
  ///   - lengths: the number of valid timesteps of each row, where sequences differ in length; all when left out.
  ///   - batchSize: rows between two updates of the weights; the last batch of an epoch may have fewer.
  ///   - epochs: the epoch to end before.
  ///   - validationSplit: the share of the rows, the last ones as they stand, that is kept back for validation.
  ///   - validationData: other data to validate with after every epoch, instead of a split.
  ///   - shuffle: whether each epoch goes through the rows in a new order.
  ///   - callbacks: what else happens at the beginnings and ends of epochs and batches, in this order.
  ///   - verbose: how much is shown.
  ///   - seed: what orders and dropout follow from; the same seed gives the same numbers, on any number of threads.
  ///   - initialEpoch: the epoch to begin with, counted from 0.
  /// - Returns: the numbers of every epoch. When the task is cancelled the batch under way is finished, and the history says so.
  /// - Throws: before anything is trained `badData` for data that do not fit together or the model, and `badArgument` for
  ///   options outside their range; later `notFinite` when a loss or gradient is NaN or infinite, with epoch and batch.
  /// - Complexity: a steady step takes no memory from the system.
  @discardableResult
  public func fit(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, batchSize: Int = 32, epochs: Int = 1, validationSplit: Double = 0,
    validationData: (x: Tensor, y: Tensor, lengths: [Int]?)? = nil, shuffle: Bool = true,
    callbacks: [any Callback] = [], verbose: Verbosity = .auto, seed: UInt64 = 0, initialEpoch: Int = 0
  ) throws(RecurraError) -> History {
    guard epochs >= 0, initialEpoch >= 0 else {
      throw RecurraError(
        .badArgument, operation: "fit", expected: "epochs of 0 or more", got: "\(initialEpoch) to \(epochs)")
    }
    var training = try checked(x, y, lengths: lengths, operation: "fit")
    var validation: TrainingData?
    if let given = validationData {
      validation = try checked(given.x, given.y, lengths: given.lengths, operation: "fit, validation data")
    } else if validationSplit != 0 {
      let parts = try training.split(last: validationSplit)
      (training, validation) = (parts.training, parts.validation)
    }
    let run = Run(
      trainer: self, training: training, ranges: try batchRanges(training.count, batchSize, "fit"),
      validation: validation, validationRanges: try batchRanges(validation?.count ?? 0, batchSize, "fit"),
      shuffles: shuffle, callbacks: callbacks, random: RandomSource(seed: seed))
    let verbosity = verbose.resolved(for: output)
    history = History(.init(verbose: verbosity, epochs: epochs, steps: run.ranges.count, seed: seed))
    logNames = run.logNames
    isStopRequested = false
    try run.work(initialEpoch..<max(initialEpoch, epochs), verbosity)
    return history ?? History(.init(verbose: verbosity, epochs: epochs, steps: 0, seed: seed))
  }
}

/// One call of `fit` under way.
private struct Run {
  let trainer: Trainer
  let training: TrainingData
  let ranges: [Range<Int>]
  let validation: TrainingData?
  let validationRanges: [Range<Int>]
  let shuffles: Bool
  let callbacks: [any Callback]
  let random: RandomSource

  var logNames: [String] {
    let names = EpochMetrics(trainer.metrics).names
    return validation == nil ? names : names + names.map { "val_" + $0 }
  }

  func work(_ epochs: Range<Int>, _ verbosity: Verbosity) throws(RecurraError) {
    for callback in callbacks { try callback.onTrainBegin(trainer) }
    var logs = Logs()
    for epoch in epochs {
      for callback in callbacks { try callback.onEpochBegin(epoch, trainer) }
      if verbosity != .silent, epochs.upperBound > 1 {
        trainer.output.write("Epoch \(epoch + 1)/\(epochs.upperBound)\n")
      }
      var bar = ProgressBar(trainer.output, verbosity, target: ranges.count)
      do throws(RecurraError) {
        try train(epoch, &bar)
        logs = trainer.epochMetrics.logs
        if let validation, !Task.isCancelled {
          logs.append(try trainer.measure(validation, validationRanges).prefixed("val_"))
        }
      } catch {
        bar.abandon()
        throw error
      }
      // What a cancelled epoch did is in the weights, but its numbers are not those of an epoch.
      if Task.isCancelled {
        bar.abandon()
        trainer.history?.stop = .cancelled
        break
      }
      for callback in callbacks { try callback.onEpochEnd(epoch, &logs, trainer) }
      trainer.history?.append(epoch, logs)
      bar.finish(logs)
      if trainer.isStopRequested {
        trainer.history?.stop = .requested
        break
      }
    }
    for callback in callbacks { try callback.onTrainEnd(logs, trainer) }
  }

  /// Goes through all batches once.
  private func train(_ epoch: Int, _ bar: inout ProgressBar) throws(RecurraError) {
    // Streams keep the order of rows and the numbers of dropout apart from each other.
    let order = shuffles ? random.stream(0).stream(epoch).permutation(training.count) : nil
    let dropout = random.stream(1)
    let cut = PaddingCut(trainer.model, hasLengths: training.lengths != nil)
    trainer.epochMetrics.reset()
    for (index, range) in ranges.enumerated() {
      if Task.isCancelled || trainer.isStopRequested { return }
      for callback in callbacks { try callback.onTrainBatchBegin(index, trainer) }
      try trainer.train(training.batch(range, order: order, cut: cut), dropout) {
        "fit, epoch \(epoch + 1), batch \(index + 1)"
      }
      let logs = trainer.epochMetrics.logs
      for callback in callbacks { try callback.onTrainBatchEnd(index, logs, trainer) }
      bar.update(index + 1, logs)
    }
  }
}
