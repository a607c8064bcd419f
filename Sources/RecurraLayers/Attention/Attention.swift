public import RecurraTensor

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
