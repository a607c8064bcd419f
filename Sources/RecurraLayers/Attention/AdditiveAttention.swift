public import RecurraTensor

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
