internal import RecurraLayers
public import RecurraTensor

/// Rows of different lengths as a list, for models of one input and one output: each is as if it stood alone.
extension Trainer {
  /// Trains the model on rows of different lengths, with a target for each; all else is as with two tensors.
  ///
  /// ```swift
  /// try trainer.fit(rows: recordings, speakers, batchSize: 16, epochs: 20)
  /// ```
  ///
  /// - Shapes: rows [Tₙ, …], or [Tₙ] for ids; y [N, …].
  /// - Throws: what `fit` of two tensors throws, and `badData` for rows of different types or features.
  @discardableResult
  public func fit(
    rows: [Tensor], _ y: Tensor, sampleWeights: Tensor? = nil, classWeights: [Int: Double]? = nil,
    batchSize: Int = 32, blockSize: Int? = nil, truncation: Int? = nil, recomputing: Bool = false, epochs: Int = 1,
    validationSplit: Double = 0,
    validationData: Examples? = nil, shuffle: Bool = true, callbacks: [any Callback]? = nil, backup: Backup? = nil,
    verbose: Verbosity = .auto, seed: UInt64? = nil, initialEpoch: Int? = nil, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> History {
    try fit(
      Examples(rows: rows, y, sampleWeights: sampleWeights), classWeights: classWeights, batchSize: batchSize,
      blockSize: blockSize, truncation: truncation, recomputing: recomputing, epochs: epochs,
      validationSplit: validationSplit, validationData: validationData,
      shuffle: shuffle, callbacks: callbacks, backup: backup, verbose: verbose, seed: seed,
      initialEpoch: initialEpoch, allowingNonFinite: allowingNonFinite)
  }

  /// Trains the model on rows of different lengths, with targets as a list: one for every timestep of a row.
  ///
  /// - Shapes: rows [Tₙ, …]; y [T′ₙ, …], as many timesteps as the model gives out for the row.
  /// - Throws: what `fit` of a tensor of targets throws, and `badData` for targets of other timesteps.
  @discardableResult
  public func fit(
    rows: [Tensor], _ y: [Tensor], sampleWeights: Tensor? = nil, classWeights: [Int: Double]? = nil,
    batchSize: Int = 32, blockSize: Int? = nil, truncation: Int? = nil, recomputing: Bool = false, epochs: Int = 1,
    validationSplit: Double = 0,
    validationData: Examples? = nil, shuffle: Bool = true, callbacks: [any Callback]? = nil, backup: Backup? = nil,
    verbose: Verbosity = .auto, seed: UInt64? = nil, initialEpoch: Int? = nil, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> History {
    try fit(
      Examples(rows: rows, y, sampleWeights: sampleWeights), classWeights: classWeights, batchSize: batchSize,
      blockSize: blockSize, truncation: truncation, recomputing: recomputing, epochs: epochs,
      validationSplit: validationSplit, validationData: validationData,
      shuffle: shuffle, callbacks: callbacks, backup: backup, verbose: verbose, seed: seed,
      initialEpoch: initialEpoch, allowingNonFinite: allowingNonFinite)
  }

  /// Measures the loss and the metrics on rows of different lengths, with a target for each.
  ///
  /// - Throws: what `evaluate` of two tensors throws, and `badData` for rows of different types or features.
  @discardableResult
  public func evaluate(
    rows: [Tensor], _ y: Tensor, sampleWeights: Tensor? = nil, batchSize: Int = 32, verbose: Verbosity = .auto,
    allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Logs {
    try evaluate(
      Examples(rows: rows, y, sampleWeights: sampleWeights), batchSize: batchSize, verbose: verbose,
      allowingNonFinite: allowingNonFinite)
  }

  /// Measures the loss and the metrics on rows of different lengths, with targets as a list: one for every timestep of
  /// a row.
  ///
  /// - Throws: what `evaluate` of a tensor of targets throws, and `badData` for targets of other timesteps.
  @discardableResult
  public func evaluate(
    rows: [Tensor], _ y: [Tensor], sampleWeights: Tensor? = nil, batchSize: Int = 32, verbose: Verbosity = .auto,
    allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Logs {
    try evaluate(
      Examples(rows: rows, y, sampleWeights: sampleWeights), batchSize: batchSize, verbose: verbose,
      allowingNonFinite: allowingNonFinite)
  }

  /// Computes the model's first output for rows of different lengths, as the model's `predict`.
  public func predict(
    rows: [Tensor], batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> [Tensor] {
    try model.predict(rows: rows, batchSize: batchSize, allowingNonFinite: allowingNonFinite)
  }

  /// Refuses a list of targets whose timesteps are others than the model gives out for the rows.
  func checkTargets(_ targetLengths: [Int]?, _ data: TrainingData, _ operation: String) throws(RecurraError) {
    guard let targetLengths, data.outputShapes[0].count > 2, let lengths = data.inputs[0].mask.lengths else { return }
    let features = Array(data.shapes[0].dropFirst(2))
    var wanted: [Int: Int] = [:]
    for (row, length) in lengths.enumerated() {
      if wanted[length] == nil { wanted[length] = model.outputTimesteps(0, forRowOf: length, features) }
      guard targetLengths[row] != wanted[length] else { continue }
      throw RecurraError(
        .badData, operation: operation,
        expected: "\(wanted[length] ?? 0) timesteps in target \(row), as the output has",
        got: "\(targetLengths[row])")
    }
  }
}
