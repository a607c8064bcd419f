public import RecurraLayers
public import RecurraTensor

extension Trainer {
  /// Trains the model on data, epoch by epoch.
  ///
  /// A trainer goes on where it stands: three calls of one epoch give the bits of one call of three. A run that was
  /// interrupted, by cancelling its task or by the end of its process, is finished first when `fit` is called again
  /// with the same data and options, in the middle of an epoch too; with others, the epoch under way is left and the
  /// next run begins.
  ///
  /// - Parameters:
  ///   - x: inputs, one to a row.
  ///   - y: targets, one to a row.
  ///   - lengths: the number of valid timesteps of each row, where sequences differ in length; all when left out.
  ///   - mask: which timesteps count, as Keras' masks; where both are given both have to say so.
  ///   - sampleWeights: how much each row [N], or each timestep of a row [N, T], counts; all alike when left out. A
  ///     batch of which nothing counts is an update by a gradient of 0, as in Keras: momentum carries on, and weights
  ///     decay.
  ///   - classWeights: how much the rows of a class count in training, by class; 1 for those not named.
  ///   - batchSize: rows between two updates of the weights; the last batch of an epoch may have fewer.
  ///   - blockSize: rows that go through the model at a time. A batch is cut into such blocks, each is computed as if
  ///     it were alone, and their gradients are added in a fixed order: a large batch in little memory. The whole batch
  ///     when left out.
  ///   - truncation: the timesteps across which no gradient goes back, counted from where a row begins: states go on
  ///     from stretch to stretch, as numbers. All the way back when left out.
  ///   - recomputing: whether recurrent layers keep their states between stretches of timesteps alone and compute all
  ///     else a second time on the way back: a third more work, for memory that grows with √T instead of T.
  ///   - epochs: how many epochs the run has; with `initialEpoch`, the epoch to end before.
  ///   - validationSplit: the share of the rows, the last ones as they stand, that is kept back for validation.
  ///   - validationData: other data to validate with after every epoch, instead of a split.
  ///   - shuffle: whether each epoch goes through the rows in a new order.
  ///   - callbacks: what else happens at the beginnings and ends of epochs and batches, in this order; those of the
  ///     last run, or of the file that the trainer comes from, when left out.
  ///   - backup: where the state is kept so that a run goes on after the end of its process.
  ///   - verbose: how much is shown.
  ///   - seed: what orders and dropout follow from; the same seed gives the same numbers, on any number of threads. The
  ///     seed of the last run when left out, 0 at first.
  ///   - initialEpoch: the epoch to begin with, counted from 0, instead of the one that comes next.
  ///   - allowingNonFinite: whether NaN and infinity may be among inputs and targets.
  /// - Returns: the numbers of every epoch of the run. When the task is cancelled the batch under way is finished, and
  ///   the history says so.
  /// - Throws: before anything is trained `badData` for data that do not fit together or the model or for a backup of
  ///   another run, `badArgument` for options outside their range, and `outOfMemory` for what a step needs; later
  ///   `notFinite` when a loss, gradient or weight is NaN or infinite, with epoch and batch.
  /// - Complexity: a steady step takes no memory from the system.
  @discardableResult
  public func fit(
    _ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, sampleWeights: Tensor? = nil,
    classWeights: [Int: Double]? = nil, batchSize: Int = 32, blockSize: Int? = nil, truncation: Int? = nil,
    recomputing: Bool = false, epochs: Int = 1, validationSplit: Double = 0, validationData: Examples? = nil,
    shuffle: Bool = true,
    callbacks: [any Callback]? = nil, backup: Backup? = nil, verbose: Verbosity = .auto, seed: UInt64? = nil,
    initialEpoch: Int? = nil, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> History {
    try fit(
      Examples(x, y, mask: SequenceMask(lengths, mask), sampleWeights: sampleWeights), classWeights: classWeights,
      batchSize: batchSize, blockSize: blockSize, truncation: truncation, recomputing: recomputing, epochs: epochs,
      validationSplit: validationSplit, validationData: validationData, shuffle: shuffle, callbacks: callbacks,
      backup: backup, verbose: verbose,
      seed: seed, initialEpoch: initialEpoch, allowingNonFinite: allowingNonFinite)
  }

  /// Trains the model on examples, of several inputs or outputs; all else is as with two tensors.
  ///
  /// `classWeights` are for models of one output, as in Keras: sample weights say for each output what counts.
  ///
  /// - Throws: what `fit` of two tensors throws.
  @discardableResult
  public func fit(
    _ examples: Examples, classWeights: [Int: Double]? = nil, batchSize: Int = 32, blockSize: Int? = nil,
    truncation: Int? = nil, recomputing: Bool = false, epochs: Int = 1, validationSplit: Double = 0,
    validationData: Examples? = nil, shuffle: Bool = true,
    callbacks: [any Callback]? = nil, backup: Backup? = nil, verbose: Verbosity = .auto, seed: UInt64? = nil,
    initialEpoch: Int? = nil, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> History {
    guard epochs >= 0 else {
      throw RecurraError(.badArgument, operation: "fit", expected: "epochs of 0 or more", got: "\(epochs)")
    }
    if let initialEpoch, !(0...JSONValue.largestCount).contains(initialEpoch) {
      throw RecurraError(
        .badArgument, operation: "fit", expected: "an initial epoch in 0...\(JSONValue.largestCount)",
        got: "\(initialEpoch)")
    }
    if let blockSize, blockSize < 1 {
      throw RecurraError(
        .badArgument, operation: "fit", expected: "a block size of 1 or more", got: "\(blockSize)")
    }
    let unrolling = try Unrolling(checking: truncation, recomputes: recomputing, "fit")
    if model.graph.isStateful, blockSize != nil || backup != nil {
      // States are those of whole batches, and no file holds them.
      throw RecurraError(
        .badArgument, operation: "fit", expected: "neither a block size nor a backup for a stateful model",
        got: blockSize.map { "a block size of \($0)" } ?? "a backup")
    }
    var training = try checked(examples, allowingNonFinite: allowingNonFinite, operation: "fit")
    if let classWeights { try validate(classWeights, training) }
    var validation: TrainingData?
    if let validationData {
      validation = try checked(
        validationData, allowingNonFinite: allowingNonFinite, operation: "fit, validation data")
    } else if validationSplit != 0 {
      (training, validation) = try training.split(last: validationSplit)
    }
    var options = RunOptions()
    options["seed"] = "\(seed ?? progress.seed)"
    options["batch size"] = "\(batchSize)"
    options["block size"] = blockSize.map { "\($0)" } ?? "the whole batch"
    if let truncation { options["truncation"] = "\(truncation)" }
    if recomputing { options["recomputing"] = "true" }
    options["shuffle"] = "\(shuffle)"
    options["data"] = training.shapeText
    options["validation data"] = validation?.shapeText ?? "none"
    options["class weights"] = (classWeights ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
      .joined(separator: " ")
    let run = Run(
      trainer: self, training: training, ranges: try model.ranges(ofRows: training.count, batchSize, "fit"),
      blockSize: blockSize, unrolling: unrolling,
      validation: validation, validationRanges: try model.ranges(ofRows: validation?.count ?? 0, batchSize, "fit"),
      shuffles: shuffle, callbacks: callbacks ?? self.callbacks, hasOwnCallbacks: callbacks != nil,
      backup: try backup.map(BackupDirectory.init),
      verbosity: verbose.resolved(for: output))
    try requireMemory(
      forRows: training.shapes, batchSize: min(run.ranges[0].count, blockSize ?? batchSize), unrolling, "fit")
    self.classWeights = classWeights ?? [:]
    let seed = seed ?? progress.seed
    return try Threads.withRoom(orThrow: { () throws(RecurraError) in
      try run.work(options, seed: seed, epochs: epochs, initialEpoch: initialEpoch)
    })
  }

  private func validate(_ classWeights: [Int: Double], _ training: TrainingData) throws(RecurraError) {
    guard losses.count == 1 else {
      throw RecurraError(
        .badArgument, operation: "fit", expected: "class weights for a model of one output",
        got: "\(losses.count) outputs")
    }
    let output = training.outputShapes[0]
    try loss.validate(
      classWeights: classWeights, targets: training.targets[0].values, output: output,
      mask: training.targets[0].mask, operation: "fit")
  }

  /// Asks for what a step takes: the rows on their way, and the optimiser's moments where it has none yet.
  func requireMemory(
    forRows shapes: [[Int]], batchSize: Int, _ unrolling: Unrolling, _ operation: String
  ) throws(RecurraError) {
    try model.requireMemory(
      forRows: shapes, batchSize: batchSize, isTraining: true, unrolling: unrolling, operation)
    guard optimizerState.step == 0 else { return }
    let trained = optimizerState.parameters.reduce(0) { $0 + $1.count * $1.dtype.byteCount }
    try MemoryLimit.require(
      MemoryLimit.bytes(trained, optimizer.moments.count), operation, for: "the optimiser's moments")
  }
}

extension Unrolling {
  /// Makes a way from arguments.
  ///
  /// - Throws: `badArgument` for a truncation below 1.
  init(checking truncation: Int?, recomputes: Bool, _ operation: String) throws(RecurraError) {
    self.init(truncation: truncation, recomputes: recomputes)
    guard let truncation, truncation < 1 else { return }
    throw RecurraError(
      .badArgument, operation: operation, expected: "a truncation of 1 timestep or more", got: "\(truncation)")
  }
}
