public import RecurraLayers
public import RecurraTensor

extension Network {
  /// Computes the outputs for many rows, batch by batch; builds the model first when that has not been done.
  ///
  /// - Parameters:
  ///   - x: the rows of the only input.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - mask: which timesteps count, where that is no matter of length; where both are given both have to say so.
  ///   - batchSize: rows that are computed together.
  ///   - allowingNonFinite: whether NaN and infinity may be among the numbers.
  /// - Shapes: x [N, …]; result [N, …], the model's first output for each row.
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
    let data = try prepared(
      Examples(inputs, [], masks: masks), allowsNonFinite: allowingNonFinite, operation: "predict")
    var batches: [[Tensor]] = []
    let ranges = try self.ranges(ofRows: data.count, batchSize, "predict")
    try requireMemory(
      forRows: data.shapes, batchSize: ranges[0].count, isTraining: false, keepsOutputs: true, "predict")
    try Threads.withRoom(orThrow: { () throws(RecurraError) in
      for range in ranges {
        batches.append(try forward(data.batch(range).inputs, ForwardContext()).map(\.tensor))
      }
    })
    guard batches.count > 1 else { return batches[0] }
    return batches[0].indices.map { output in .concatenated(batches.map { $0[output] }) }
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
