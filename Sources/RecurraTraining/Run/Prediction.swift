public import RecurraLayers
public import RecurraTensor

extension Network {
  /// Computes the outputs for many rows, batch by batch; builds the model first when that has not been done.
  ///
  /// - Parameters:
  ///   - x: the rows of the only input.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - mask: which timesteps count, as Keras' masks; where both are given both have to say so.
  ///   - batchSize: rows that are computed together.
  ///   - allowingNonFinite: whether NaN and infinity may be among the numbers.
  /// - Shapes: x [N, …]; result [N, …], the model's first output for each row. With lengths a row of an output
  ///   [N, T, …] is 0 behind its end.
  /// - Throws: `badData` for data that do not fit the model, `badArgument` for a batch size below 1, `outOfMemory` for
  ///   batches or outputs that need more than there is.
  public func predict(
    _ x: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> Tensor {
    try predict(
      [x], masks: [SequenceMask(lengths, mask)], batchSize: batchSize, allowingNonFinite: allowingNonFinite)[0]
  }

  /// Computes all outputs of a model of several inputs or outputs for many rows, batch by batch.
  ///
  /// - Parameters:
  ///   - inputs: the rows of every input.
  ///   - masks: which timesteps of every input count; all when left out.
  ///   - batchSize: rows that are computed together.
  ///   - allowingNonFinite: whether NaN and infinity may be among the numbers.
  /// - Returns: each output for each row.
  public func predict(
    _ inputs: [Tensor], masks: [SequenceMask]? = nil, batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> [Tensor] {
    try predictions(Examples(inputs, [], masks: masks), batchSize, allowingNonFinite).map(\.values)
  }

  /// Computes the only output for rows of different lengths, each as if it stood alone.
  ///
  /// ```swift
  /// let answers = try model.predict(rows: [short, long])
  /// ```
  ///
  /// - Parameters:
  ///   - rows: the rows of the only input, without an axis for the batch; they are padded, and computed with lengths.
  ///   - batchSize: rows that are computed together.
  ///   - allowingNonFinite: whether NaN and infinity may be among the numbers.
  /// - Shapes: rows [Tₙ, …], or [Tₙ] for ids; of a model that answers every timestep [T′ₙ, …] to each row,
  ///   up to its own end, else […].
  /// - Returns: the model's first output for each row.
  /// - Throws: `badData` for no rows, for rows of different types or features, and for what does not fit the model.
  public func predict(
    rows: [Tensor], batchSize: Int = 32, allowingNonFinite: Bool = false
  ) throws(RecurraError) -> [Tensor] {
    let (x, lengths) = try Tensor.padSequences(rows)
    let examples = Examples([x], [], masks: [.lengths(lengths)])
    let (values, ends) = try predictions(examples, batchSize, allowingNonFinite)[0]
    return rows.indices.map { row in ends.map { values[row][0..<$0[row]] } ?? values[row] }
  }

  /// Computes every output, and the length of each of its rows where it is a sequence of rows that are cut to lengths:
  /// what stands behind is 0.
  private func predictions(
    _ examples: Examples, _ batchSize: Int, _ allowsNonFinite: Bool
  ) throws(RecurraError) -> [(values: Tensor, lengths: [Int]?)] {
    let data = try prepared(examples, allowsNonFinite: allowsNonFinite, operation: "predict")
    var batches: [[(values: Tensor, lengths: [Int]?)]] = []
    let ranges = try self.ranges(ofRows: data.count, batchSize, "predict")
    try requireMemory(
      forRows: data.shapes, batchSize: ranges[0].count, isTraining: false, keepsOutputs: true, "predict")
    try Threads.withRoom(orThrow: { () throws(RecurraError) in
      for range in ranges {
        var outputs: [(values: Tensor, lengths: [Int]?)] = []
        for output in try forward(data.batch(range).inputs, ForwardContext()) {
          let lengths = output.shape.count > 2 ? output.mask.withoutSteps.lengths : nil
          outputs.append((try output.cutToLengths("predict"), lengths))
        }
        batches.append(outputs)
      }
    })
    guard batches.count > 1 else { return batches[0] }
    return batches[0].indices.map { output in
      let lengths = batches.compactMap { $0[output].lengths }
      return (
        .concatenated(batches.map { $0[output].values }),
        lengths.count == batches.count ? lengths.flatMap { $0 } : nil
      )
    }
  }

  /// Builds the model if need be and puts data into the form it takes.
  func prepared(
    _ examples: Examples, allowsNonFinite: Bool = false, operation: String
  ) throws(RecurraError) -> TrainingData {
    for x in examples.inputs where x.rank < 1 {
      throw RecurraError(.badData, operation: operation, expected: "x with a row for each example", got: "one number")
    }
    if !isBuilt {
      let isDouble = examples.inputs.contains { $0.dtype == .float64 }
      try build(inputShapes: examples.inputs.map { anyBatch(of: $0) }, dtype: isDouble ? .float64 : .float32)
    }
    try requireParameterMemory(operation)
    return try TrainingData(examples, for: self, allowsNonFinite: allowsNonFinite, operation: operation)
  }
}
