public import RecurraTensor

/// Layers applied to numbers at once.
extension Layer {
  /// Applies the layer to a batch, for inference; builds it first, from its seed, when that has not been done.
  ///
  /// With lengths a row of an output [B, T, …] is 0 behind its end.
  ///
  /// - Parameters:
  ///   - input: the batch, rows first.
  ///   - lengths: the valid timesteps of each row, where sequences differ in length (right-padded).
  ///   - mask: which timesteps count, as Keras' masks; where lengths are given too both have to say so.
  public func callAsFunction(
    _ input: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil
  ) throws(RecurraError) -> Tensor {
    let mask = try SequenceMask(lengths, mask)
    try mask.checkExtents(of: input.shape, Self.typeName)
    if !isBuilt {
      let dtype: DType = input.dtype == .float64 ? .float64 : .float32
      try build(inputShape: anyBatch(of: input), random: RandomSource(seed: seed), dtype: dtype)
    }
    try BLAS.prepare()
    let output = try forward(Signal(input, mask: mask), ForwardContext())
    return try Value(output.value, mask: output.mask).cutToLengths(Self.typeName)
  }

  /// Applies a layer of several inputs or outputs to batches; builds it first when that has not been done.
  ///
  /// - Parameters:
  ///   - inputs: a batch for each input, rows first.
  ///   - masks: which timesteps of each input count; all when left out.
  public func callAsFunction(_ inputs: [Tensor], masks: [SequenceMask]? = nil) throws(RecurraError) -> [Tensor] {
    guard masks == nil || masks?.count == inputs.count else {
      throw failure(.badArgument, expected: "\(inputs.count) masks", got: "\(masks?.count ?? 0)")
    }
    for (input, mask) in zip(inputs, masks ?? []) { try mask.checkExtents(of: input.shape, Self.typeName) }
    if !isBuilt {
      let dtype: DType = inputs.contains { $0.dtype == .float64 } ? .float64 : .float32
      try build(inputShapes: inputs.map { anyBatch(of: $0) }, random: RandomSource(seed: seed), dtype: dtype)
    }
    try BLAS.prepare()
    let values = inputs.enumerated().map { Value($1, mask: masks?[$0] ?? .all) }
    var outputs: [Tensor] = []
    for output in try forward(values, ForwardContext()) { outputs.append(try output.cutToLengths(Self.typeName)) }
    return outputs
  }
}

extension Value {
  /// The tensor, with 0 behind the lengths that rows of sequences are cut to.
  package func cutToLengths(_ operation: String) throws(RecurraError) -> Tensor {
    shape.count > 2 ? try tensor.cleared(by: mask.withoutSteps, operation) : tensor
  }
}

/// Layers and models applied to one sequence that has no batch axis.
extension Layer {
  /// Applies the layer to one sequence, for inference: a batch of one row, without the axis.
  ///
  /// ```swift
  /// let output = try LSTM(units: 4, returnSequences: true)(sequence: x)  // [T, I] becomes [T, 4]
  /// ```
  ///
  /// - Shapes: `sequence` [T, …]; result without the batch axis.
  /// - Throws: `badData` for a sequence that does not fit what the layer was built for.
  public func callAsFunction(sequence: Tensor) throws(RecurraError) -> Tensor {
    try self(sequence: [sequence])[0]
  }

  /// Applies a layer of several inputs or outputs to one sequence: its initial states are [width] each.
  public func callAsFunction(sequence inputs: [Tensor]) throws(RecurraError) -> [Tensor] {
    try self(inputs.map { $0.expanded(at: 0) }).map { $0.squeezed(0) }
  }
}

extension SequenceMask {
  /// Makes the mask of what counts by lengths and by a mask, where they are given.
  ///
  /// - Throws: `badData` where they do not have the same rows.
  package init(_ lengths: [Int]?, _ mask: SequenceMask?) throws(RecurraError) {
    let own = lengths.map { SequenceMask.lengths($0) } ?? .all
    self = try mask.map { mask throws(RecurraError) in try own.intersection(mask) } ?? own
  }
}
