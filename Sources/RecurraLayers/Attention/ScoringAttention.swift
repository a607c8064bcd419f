public import RecurraTensor

/// An attention layer without projections: it scores each query against each key, and sums the values up by the
/// softmax of the scores.
public protocol ScoringAttention: MergingLayer {
  /// The share of weights that is dropped while training.
  var dropout: Double { get }
  /// Tells whether a query sees values up to its own timestep alone.
  var useCausalMask: Bool { get }
  /// Tells whether the weights are a second output, [B, Tq, Tv].
  var returnAttentionScores: Bool { get }
  /// Scores queries [B, Tq, K] against keys [B, Tv, K]: [B, Tq, Tv].
  func scores(_ query: Tensor, _ key: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor
}

extension ScoringAttention {
  var attention: AttentionWeights {
    AttentionWeights(
      dropout: dropout, useCausalMask: useCausalMask, returnAttentionScores: returnAttentionScores)
  }

  /// 1, with the weights 2.
  public var outputCount: Int { returnAttentionScores ? 2 : 1 }

  /// Refuses a `dropout` outside 0...1.
  public func checkSettings() throws(RecurraError) { try checkSetting("dropout", dropout, in: 0...1) }

  /// Works out the shape of the sums: [B, Tq, V].
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    try AttentionWeights.checkShapes(inputShapes, self)
    let (query, value, key) = try AttentionWeights.operands(inputShapes, self)
    guard fits([query[2]], [key[2]]) else {
      throw failure(expected: "queries and keys of one width", got: text(of: inputShapes))
    }
    let output = [query[0] ?? value[0], query[1], value[2]]
    return returnAttentionScores ? [output, [output[0], query[1], value[1]]] : [output]
  }

  /// Sums the values up; the result has the mask of the queries, and 0 where they do not count.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    try checkSettings()
    let (query, value, key) = try AttentionWeights.cleared(inputs, self)
    _ = try outputShapes(for: shapes(inputs.map(\.tensor)))
    let scores = try scores(query, key, context)
    // Keras leaves the mask of the keys to that of the values here.
    let weighed = try attention(scores, queryMask: inputs[0].mask, valueMask: inputs[1].mask)
    let weights = attention.dropped(weighed, context)
    let output = Value(weights.matrixProduct(value), mask: inputs[0].mask)
    return [output] + (returnAttentionScores ? [Value(weights)] : [])
  }
}

extension Layer {
  /// Each query plus each key: [B, Tq, Tv, K].
  func pairs(_ query: Tensor, _ key: Tensor) throws(RecurraError) -> Tensor {
    try requireMemory([query.shape[0], query.shape[1], key.shape[1], query.shape[2]], query.dtype)
    return query.expanded(at: 2) + key.expanded(at: 1)
  }
}
