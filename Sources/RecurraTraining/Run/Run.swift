internal import RecurraLayers
internal import RecurraTensor

/// One call of `fit` under way.
struct Run {
  let trainer: Trainer
  let training: TrainingData
  let ranges: [Range<Int>]
  let blockSize: Int?
  let unrolling: Unrolling
  let validation: TrainingData?
  let validationRanges: [Range<Int>]
  let shuffles: Bool
  let callbacks: [any Callback]
  /// Tells whether the caller chose them, and not the run before.
  let hasOwnCallbacks: Bool
  let backup: BackupDirectory?
  let verbosity: Verbosity

  private var logNames: [String] {
    let names = (["loss"] + trainer.metricNames).sorted()
    let measured = validation == nil ? names : names + names.map { "val_" + $0 }
    let added = callbacks.flatMap(\.addedLogNames).filter { !measured.contains($0) }
    return measured + Set(added).sorted()
  }

  /// Finds out where the run begins or goes on, and takes it to its end.
  func work(
    _ options: RunOptions, seed: UInt64, epochs: Int, initialEpoch: Int?
  ) throws(RecurraError) -> History {
    if let backup {
      defer { backup.unlock() }
      try backup.lock()
      try backup.restore(to: trainer, options.completed(trainer, training, validation, callbacks))
      return try work(from: begin(options, seed, initialEpoch: initialEpoch), epochs, initialEpoch)
    }
    return try work(from: begin(options, seed, initialEpoch: initialEpoch), epochs, initialEpoch)
  }

  /// Goes on with the run under way when it is this one, or begins a new one; returns its record.
  private func begin(_ options: RunOptions, _ seed: UInt64, initialEpoch: Int?) -> RunRecord {
    trainer.isStopRequested = false
    trainer.isResuming = false
    if initialEpoch == nil, let run = trainer.progress.run, !run.isComplete,
      trainer.progress.isEpochUnderWay || trainer.progress.epoch > run.firstEpoch,
      options.difference(from: run.options) == nil
    {
      trainer.isResuming = true
      trainer.isStopRequested = run.isStopped
      return run
    }
    let run = RunRecord(
      firstEpoch: initialEpoch ?? trainer.progress.epoch, options: options, firstWeights: trainer.fingerprint)
    trainer.progress.epoch = run.firstEpoch
    trainer.progress.batch = 0
    trainer.progress.metrics = nil
    trainer.progress.seed = seed
    trainer.progress.callbacks = []
    trainer.progress.run = run
    // An epoch that is done again replaces what is known of it and of those that followed.
    trainer.progress.history = trainer.progress.history.before(run.firstEpoch)
    return run
  }

  private func work(from run: RunRecord, _ epochs: Int, _ initialEpoch: Int?) throws(RecurraError) -> History {
    let start = initialEpoch == nil ? run.firstEpoch : 0
    let end = max(run.firstEpoch, start + min(epochs, JSONValue.largestCount - start))
    let parameters = History.Parameters(
      verbose: verbosity, epochs: end, steps: ranges.count, seed: trainer.progress.seed)
    trainer.progress.history.params = parameters
    trainer.progress.history.stop = nil
    trainer.history = trainer.progress.history.since(run.firstEpoch)
    trainer.logNames = logNames
    if trainer.isResuming {
      let missing = try TrainingState.restore(trainer.progress.callbacks, to: callbacks)
      if !hasOwnCallbacks, !missing.isEmpty {
        let names = missing.joined(separator: ", ")
        trainer.output.write("The run goes on without its \(names): no file holds functions or paths, give it again\n")
      }
    }
    (trainer.callbacks, trainer.isRunning) = (callbacks, true)
    defer {
      trainer.progress.callbacks = TrainingState.states(of: callbacks)
      trainer.isRunning = false
    }
    for callback in callbacks { try callback.onTrainBegin(trainer) }
    var logs = trainer.history?.lastLogs ?? Logs()
    while trainer.progress.epoch < end, trainer.progress.run?.isStopped != true || trainer.progress.isEpochUnderWay {
      guard try self.epoch(of: end, &logs, firstEpoch: run.firstEpoch) else {
        try backup?.write(trainer)
        return finished(run, .cancelled)
      }
    }
    if end > run.firstEpoch { trainer.optimizerState.finish() }
    let stop = trainer.progress.run?.isStopped == true ? History.Stop.requested : nil
    var ended = trainer.progress
    ended.run?.isComplete = true
    ended.history.stop = stop
    try tell(leadingTo: { ended }) { callback throws(RecurraError) in try callback.onTrainEnd(logs, trainer) }
    trainer.isResuming = false
    return finished(run, stop)
  }

  /// Tells every callback of an event; what one of them saves has the event behind it, so that no callback is told
  /// twice.
  private func tell(
    leadingTo next: () -> TrainingState, _ event: (any Callback) throws(RecurraError) -> Void
  ) throws(RecurraError) {
    defer { trainer.coming = nil }
    for callback in callbacks {
      trainer.coming = next()
      try event(callback)
    }
    trainer.progress = next()
  }

  /// The state when an epoch is complete.
  private func completed(_ epoch: Int, _ logs: Logs) -> TrainingState {
    var state = trainer.progress
    state.history.append(epoch, logs)
    (state.epoch, state.batch, state.metrics) = (epoch + 1, 0, nil)
    state.run?.isStopped = trainer.isStopRequested
    return state
  }

  private func finished(_ run: RunRecord, _ stop: History.Stop?) -> History {
    trainer.progress.history.stop = stop
    let history = trainer.progress.history.since(run.firstEpoch)
    trainer.history = history
    return history
  }

  /// Does an epoch, or what is left of it; returns false when the task was cancelled.
  private func epoch(of end: Int, _ logs: inout Logs, firstEpoch: Int) throws(RecurraError) -> Bool {
    let epoch = trainer.progress.epoch
    if !trainer.progress.isEpochUnderWay {
      var begun = trainer.progress
      begun.metrics = BatchMetrics(metricCount: trainer.metricNames.count)
      try tell(leadingTo: { begun }) { callback throws(RecurraError) in try callback.onEpochBegin(epoch, trainer) }
    }
    if verbosity != .silent, end - firstEpoch > 1 || epoch > 0 {
      trainer.output.write("Epoch \(epoch + 1)/\(end)\n")
    }
    var bar = ProgressBar(trainer.output, verbosity, target: ranges.count)
    do throws(RecurraError) {
      try train(epoch, &bar)
      if !Task.isCancelled {
        logs = trainer.logs(of: trainer.progress.metrics ?? BatchMetrics(metricCount: trainer.metricNames.count))
        if let validation { logs.append(try trainer.measure(validation, validationRanges).prefixed("val_")) }
        try trainer.checkWeights("fit, epoch \(epoch + 1)")
      }
    } catch {
      bar.abandon()
      throw error
    }
    // What a cancelled epoch did is in the weights, but its numbers are not those of an epoch.
    if Task.isCancelled {
      bar.abandon()
      return false
    }
    try tell(leadingTo: { completed(epoch, logs) }) { callback throws(RecurraError) in
      try callback.onEpochEnd(epoch, &logs, trainer)
    }
    trainer.history = trainer.progress.history.since(firstEpoch)
    bar.finish(logs)
    try backup?.write(trainer)
    return true
  }

  /// Goes through the batches that are left of an epoch.
  private func train(_ epoch: Int, _ bar: inout ProgressBar) throws(RecurraError) {
    let order = shuffles ? trainer.progress.order(ofRows: training.count) : nil
    let dropout = RandomSource(seed: trainer.progress.seed).stream(1)
    while trainer.progress.batch < ranges.count {
      let index = trainer.progress.batch
      if Task.isCancelled || trainer.isStopRequested { return }
      for callback in callbacks { try callback.onTrainBatchBegin(index, trainer) }
      let sums = try step(ranges[index], order, dropout) { "fit, epoch \(epoch + 1), batch \(index + 1)" }
      let counted = trainer.epochLoss.counted(sums, rows: ranges[index].count, outputs: trainer.losses.count)
      let total = (trainer.progress.metrics ?? BatchMetrics(metricCount: trainer.metricNames.count)) + counted
      trainer.progress.metrics = total
      trainer.progress.batch += 1
      let logs = trainer.logs(of: total)
      for callback in callbacks { try callback.onTrainBatchEnd(index, logs, trainer) }
      bar.update(index + 1, logs)
      if let backup, backup.isDue(afterBatch: index + 1) { try backup.write(trainer) }
    }
  }

  private func step(
    _ range: Range<Int>, _ order: [Int]?, _ dropout: RandomSource, at place: () -> String
  ) throws(RecurraError) -> BatchMetrics {
    guard let blockSize else {
      return try trainer.train(training.batch(range, order: order), dropout, unrolling, at: place)
    }
    let blocks = stride(from: range.lowerBound, to: range.upperBound, by: blockSize).lazy.map { start -> Batch in
      let rows = min(blockSize, range.upperBound - start)
      var block = training.batch(start..<start + rows, order: order)
      block.firstRow = start - range.lowerBound
      return block
    }
    return try trainer.train(blocks, dropout, unrolling, at: place)
  }
}
