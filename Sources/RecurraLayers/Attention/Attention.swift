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

/// Sums values up for each query, weighed by how well it fits their keys: softmax(q·kᵀ)·v.
///
/// Values that the mask leaves out weigh 0 and are never read; where none counts, and for queries that do not, all
/// weigh 0. A mask of the queries goes on.
///
/// - Shapes: query [B, Tq, K], value [B, Tv, V], key [B, Tv, K], which is the value when left out; result [B, Tq, V].
///   `scale` and `concat_score_weight` are single numbers.
/// - Throws: `badData` for inputs that do not fit together; building throws `badArgument` for a bad setting.
/// - Complexity: 2·B·Tq·Tv·(K + V) flops, on OpenBLAS.
/// - Source: Luong et al. 2015; `keras.layers.Attention`.
public final class Attention: ScoringAttention {
  /// How a query is compared with a key.
  public enum ScoreMode: String, Sendable, CaseIterable {
    /// By their product q·k, times `scale` where there is one.
    case dot
    /// By Σ tanh(scale·(q + k)), times `concat_score_weight`.
    case concat
  }

  /// Names the class as Keras does.
  public static var typeName: String { "Attention" }

  /// Tells whether scores are scaled by a number that is learned.
  public let useScale: Bool
  /// How a query is compared with a key.
  public let scoreMode: ScoreMode
  /// The share of weights that is dropped while training.
  public let dropout: Double
  /// Tells whether a query sees values up to its own timestep alone.
  public let useCausalMask: Bool
  /// Tells whether the weights are a second output, [B, Tq, Tv].
  public let returnAttentionScores: Bool
  private let state = BuildState<[Parameter]>()

  /// Makes an attention layer; what is learned starts at 1.
  public init(
    useScale: Bool = false, scoreMode: ScoreMode = .dot, dropout: Double = 0, useCausalMask: Bool = false,
    returnAttentionScores: Bool = false
  ) {
    (self.useScale, self.scoreMode, self.dropout) = (useScale, scoreMode, dropout)
    (self.useCausalMask, self.returnAttentionScores) = (useCausalMask, returnAttentionScores)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let mode = try configuration.string("score_mode", default: "dot")
    guard let scoreMode = ScoreMode(rawValue: mode) else {
      throw configuration.failure("score_mode", expected: "dot or concat", got: .string(mode))
    }
    let weights = try AttentionWeights(configuration)
    self.init(
      useScale: try configuration.bool("use_scale", default: false), scoreMode: scoreMode, dropout: weights.dropout,
      useCausalMask: weights.useCausalMask, returnAttentionScores: weights.returnAttentionScores)
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    attention.configuration.merging([
      "use_scale": .bool(useScale), "score_mode": .string(scoreMode.rawValue),
    ]) { $1 }
  }

  /// `scale` and `concat_score_weight`, those that are there; empty before the layer is built.
  public var parameters: [Parameter] { state.value ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Makes the parameters; does nothing when that has been done.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    _ = try outputShapes(for: inputShapes)
    _ = try state.build { () throws(RecurraError) in
      var made: [Parameter] = []
      if useScale { made.append(try parameter("scale", [], dtype, .ones, random)) }
      if scoreMode == .concat { made.append(try parameter("concat_score_weight", [], dtype, .ones, random)) }
      return made
    }
  }

  /// Compares queries and keys.
  public func scores(_ query: Tensor, _ key: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    let learned = parameters.map(context.tensor)
    guard learned.count == (useScale ? 1 : 0) + (scoreMode == .concat ? 1 : 0) else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    switch scoreMode {
    case .dot:
      let scores = query.matrixProduct(key.transposed())
      return useScale ? scores * learned[0] : scores
    case .concat:
      let sums = try pairs(query, key)
      return (useScale ? sums * learned[0] : sums).tanh().sum(axes: [3]) * learned[learned.count - 1]
    }
  }
}

/// Sums values up for each query, weighed by Σ scale·tanh(q + k) for their keys.
///
/// Values that the mask leaves out weigh 0 and are never read; where none counts, and for queries that do not, all
/// weigh 0. A mask of the queries goes on.
///
/// - Shapes: query [B, Tq, K], value [B, Tv, V], key [B, Tv, K], which is the value when left out; result [B, Tq, V];
///   `scale` [K].
/// - Throws: `badData` for inputs that do not fit together; building throws `badArgument` for a bad setting.
/// - Complexity: B·Tq·Tv·K hyperbolic tangents, and as many numbers of memory.
/// - Source: Bahdanau et al. 2015; `keras.layers.AdditiveAttention`.
public final class AdditiveAttention: ScoringAttention {
  /// Names the class as Keras does.
  public static var typeName: String { "AdditiveAttention" }

  /// Tells whether each feature is scaled by a number that is learned.
  public let useScale: Bool
  /// The share of weights that is dropped while training.
  public let dropout: Double
  /// Tells whether a query sees values up to its own timestep alone.
  public let useCausalMask: Bool
  /// Tells whether the weights are a second output, [B, Tq, Tv].
  public let returnAttentionScores: Bool
  private let state = BuildState<Parameter?>()

  /// Makes an attention layer; the scale is Glorot uniform.
  public init(
    useScale: Bool = true, dropout: Double = 0, useCausalMask: Bool = false, returnAttentionScores: Bool = false
  ) {
    (self.useScale, self.dropout) = (useScale, dropout)
    (self.useCausalMask, self.returnAttentionScores) = (useCausalMask, returnAttentionScores)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let weights = try AttentionWeights(configuration)
    self.init(
      useScale: try configuration.bool("use_scale", default: true), dropout: weights.dropout,
      useCausalMask: weights.useCausalMask, returnAttentionScores: weights.returnAttentionScores)
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    attention.configuration.merging(["use_scale": .bool(useScale)]) { $1 }
  }

  /// `scale`, where there is one; empty before the layer is built.
  public var parameters: [Parameter] { (state.value ?? nil).map { [$0] } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Makes the scale for inputs of some shapes; does nothing when that has been done.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    _ = try outputShapes(for: inputShapes)
    let width = try features(of: inputShapes[0], rank: 3...3, "[B, Tq, K]")
    let scale = try state.build { () throws(RecurraError) in
      useScale ? try parameter("scale", [width], dtype, .glorotUniform, random) : nil
    }
    guard scale?.count ?? width == width else {
      throw failure(expected: "queries [B, Tq, \(scale?.count ?? 0)]", got: text(of: inputShapes[0]))
    }
  }

  /// Compares queries and keys.
  public func scores(_ query: Tensor, _ key: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let scale = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let shapes = try pairs(query, key).tanh()
    guard let scale else { return shapes.sum(axes: [3]) }
    guard query.shape[2] == scale.count, query.dtype == scale.dtype else {
      throw failure(expected: "\(scale.dtype) queries [B, Tq, \(scale.count)]", got: "\(query.dtype) \(query.shape)")
    }
    return (shapes * context.tensor(scale)).sum(axes: [3])
  }
}

extension Layer {
  /// Each query plus each key: [B, Tq, Tv, K].
  fileprivate func pairs(_ query: Tensor, _ key: Tensor) throws(RecurraError) -> Tensor {
    try requireMemory([query.shape[0], query.shape[1], key.shape[1], query.shape[2]], query.dtype)
    return query.expanded(at: 2) + key.expanded(at: 1)
  }
}
