internal import RecurraCells
public import RecurraTensor

/// Computes activation(x·Eᵀ + b) with the table E of an embedding of the same model: scores for every id, by the
/// vectors that the ids are read by. Gradients of both uses add up.
///
/// ```swift
/// let table = Embedding(inputDim: 80, outputDim: 32)
/// let model = Sequential {
///   table
///   LSTM(units: 32, returnSequences: true)
///   TiedDense(to: table, activation: .softmax)
/// }
/// ```
///
/// The embedding is a layer beside this one, not one within another layer, so that a file can name it.
///
/// - Shapes: `input` [B, …, outputDim of the embedding]; result [B, …, its inputDim]; `bias` [inputDim].
/// - Throws: `badData` for an input with another last extent, of another type, or with fewer than two axes.
/// - Complexity: as `Dense`, and a copy of the table.
/// - Accuracy: as `Dense`.
/// - Source: Press & Wolf 2017; Keras, `keras.layers.ReversibleEmbedding` with `reverse=True`, which has no bias.
public final class TiedDense: Layer {
  /// Names the class.
  public static var typeName: String { "TiedDense" }

  /// The embedding, a layer of the same model.
  public let tie: LayerTie?
  /// The function applied to the sums.
  public let activation: Activation
  /// Tells whether there is a bias.
  public let useBias: Bool
  private let biasInitializer: Initializer
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<Parameter?>()
  private let product = PackedProduct()

  /// Makes a layer that uses the table of an embedding; the bias is 0 unless said otherwise.
  public convenience init(
    to embedding: Embedding, activation: Activation = .linear, useBias: Bool = false,
    biasInitializer: Initializer = .zeros
  ) {
    self.init(LayerTie(to: embedding), activation, useBias, biasInitializer)
  }

  private init(_ tie: LayerTie, _ activation: Activation, _ useBias: Bool, _ biasInitializer: Initializer) {
    (self.tie, self.activation, self.useBias, self.biasInitializer) = (tie, activation, useBias, biasInitializer)
  }

  /// Makes the layer from its arguments in a file; its model finds the embedding.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      LayerTie(name: try configuration.string(LayerEntry.tieName)),
      try configuration.activation("activation", default: .linear),
      try configuration.bool("use_bias", default: false),
      try configuration.initializer("bias_initializer", default: .zeros, isForVector: true))
  }

  /// The arguments, but for the name of the embedding, which its model adds.
  public var configuration: [String: JSONValue] {
    [
      "activation": .string(activation.rawValue), "use_bias": .bool(useBias),
      "bias_initializer": biasInitializer.json,
    ]
  }

  /// `bias`, where there is one: the table belongs to the embedding.
  public var parameters: [Parameter] { (state.value ?? nil).map { [$0] } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }
  /// `activation`.
  public var finalActivation: Activation? { activation }

  private func embedding() throws(RecurraError) -> Embedding {
    guard let embedding = tie?.layer as? Embedding else {
      throw failure(
        .badArgument, expected: "an embedding of the same model", got: tie?.layer == nil ? "none" : "another layer")
    }
    return embedding
  }

  /// Makes the bias for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` where the embedding is not found, `badData` for another shape.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    let embedding = try embedding()
    let inputs = try features(of: inputShape, rank: 2..., "[B, …, I]")
    guard inputs == embedding.outputDim else {
      throw failure(expected: "input [B, …, \(embedding.outputDim)]", got: text(of: inputShape))
    }
    _ = try state.build { () throws(RecurraError) in
      useBias ? try parameter("bias", [embedding.inputDim], dtype, biasInitializer, random) : nil
    }
  }

  /// Puts the number of ids in the place of the last extent.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard inputShape.count >= 2 else { throw failure(expected: "input [B, …, I]", got: text(of: inputShape)) }
    return inputShape.dropLast() + [try embedding().inputDim]
  }

  /// Computes activation(x·Eᵀ + b).
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let sums = try forwardBeforeActivation(input, context)
    return sums.with(value: activation(sums.value))
  }

  /// Computes x·Eᵀ + b, what the activation is applied to.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let table = try embedding().parameters.first, let bias = state.value else {
      throw failure(expected: "a built layer and a built embedding", got: "one that is not")
    }
    try checkInput(input.value, minimumRank: 2, features: table.shape[1], dtype: table.dtype)
    let (weights, version) = context.versioned(table)
    return input.with(
      value: product.rows(
        input.value, weights.transposed(), version: version, adding: bias.map(context.tensor)))
  }
}
