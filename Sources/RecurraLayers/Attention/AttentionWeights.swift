internal import RecurraTensor

/// How much each query weighs each value: what the attention layers share.
struct AttentionWeights: Sendable {
  let dropout: Double
  let useCausalMask: Bool
  let returnAttentionScores: Bool

  init(dropout: Double, useCausalMask: Bool, returnAttentionScores: Bool) {
    (self.dropout, self.useCausalMask) = (dropout, useCausalMask)
    self.returnAttentionScores = returnAttentionScores
  }

  init(_ configuration: LayerArguments) throws(RecurraError) {
    self.init(
      dropout: try configuration.number("dropout", default: 0, in: 0...1),
      useCausalMask: try configuration.bool("use_causal_mask", default: false),
      returnAttentionScores: try configuration.bool("return_attention_scores", default: false))
  }

  /// Keras takes the last two with a call, and knows them in no configuration: they are written where they say
  /// something.
  var configuration: [String: JSONValue] {
    var result: [String: JSONValue] = ["dropout": .number(dropout)]
    if useCausalMask { result["use_causal_mask"] = .bool(true) }
    if returnAttentionScores { result["return_attention_scores"] = .bool(true) }
    return result
  }

  /// The shapes of query, value and key, which is the value where it is left out.
  static func operands<Operand>(_ inputs: [Operand], _ layer: some Layer) throws(RecurraError) -> (
    query: Operand, value: Operand, key: Operand
  ) {
    guard (2...3).contains(inputs.count) else {
      throw layer.failure(expected: "a query, a value and perhaps a key", got: "\(inputs.count) inputs")
    }
    return (inputs[0], inputs[1], inputs[inputs.count - 1])
  }

  /// Checks that query, value and key are sequences of one batch, values and keys of the same timesteps.
  static func checkShapes(_ shapes: [[Int?]], _ layer: some Layer) throws(RecurraError) {
    let (query, value, key) = try operands(shapes, layer)
    for shape in [query, value, key] { try layer.checkSequences(shape) }
    guard fits([query[0]], [value[0]]), fits(Array(value.prefix(2)), Array(key.prefix(2))) else {
      throw layer.failure(
        expected: "one batch, and as many keys as values", got: text(of: shapes))
    }
  }

  /// Query, value and key with 0 at every timestep that does not count, because a weight of 0 does not take a NaN away.
  static func cleared(_ inputs: [Value], _ layer: some MergingLayer) throws(RecurraError) -> (
    query: Tensor, value: Tensor, key: Tensor
  ) {
    let tensors = try layer.tensors(inputs)
    try checkShapes(layer.shapes(tensors), layer)
    let name = type(of: layer).typeName
    var cleared: [Tensor] = []
    for (tensor, input) in zip(tensors, inputs) { cleared.append(try tensor.cleared(by: input.mask, name)) }
    return try operands(cleared, layer)
  }

  /// Softmax over the values that count for a query, 0 for all others.
  ///
  /// - Shapes: `scores` [B, …, Tq, Tv]; result the same.
  /// - Parameter keyMask: which values count besides, because of their keys.
  func callAsFunction(
    _ scores: Tensor, queryMask: SequenceMask = .all, valueMask: SequenceMask, keyMask: SequenceMask = .all
  ) throws(RecurraError) -> Tensor {
    let (rows, queries, values) = (scores.shape[0], scores.shape[scores.rank - 2], scores.shape[scores.rank - 1])
    let middle = [Int](repeating: 1, count: scores.rank - 3)
    var counts: [Tensor] = []
    let mask = try valueMask.intersection(keyMask)
    if !mask.isAll {
      counts.append(
        mask.tensor(rows: rows, timesteps: values, dtype: .int32).reshaped([rows] + middle + [1, values]))
    }
    if !queryMask.isAll {
      counts.append(
        queryMask.tensor(rows: rows, timesteps: queries, dtype: .int32).reshaped([rows] + middle + [queries, 1]))
    }
    if useCausalMask {
      let (query, value) = (Tensor.arange(0, Double(queries)), Tensor.arange(0, Double(values)))
      counts.append(value.isLess(than: query.reshaped([queries, 1]) + 1))
    }
    guard let first = counts.first else { return scores.softmax() }
    return scores.softmax(where: counts.dropFirst().reduce(first) { $0 * $1 })
  }

  /// The weights with those that dropout takes away.
  func dropped(_ weights: Tensor, _ context: ForwardContext) -> Tensor {
    guard context.isTraining, dropout > 0 else { return weights }
    return weights * context.kept(weights.shape, rate: dropout, dtype: weights.dtype)
  }
}
