internal import RecurraCells
public import RecurraTensor

/// Sums values up for each query in several ways at once: each head has its own projections of query, key and value,
/// weighs by softmax(q·kᵀ/√keyDim), and a last projection mixes what the heads found.
///
/// Values that a mask leaves out, of values or keys, weigh 0 and are never read; where none counts all weigh 0, as for
/// queries that do not count. A mask of the queries goes on.
///
/// - Shapes: query [B, Tq, Q], value [B, Tv, V], key [B, Tv, K], which is the value when left out; result
///   [B, Tq, outputShape], which is Q when left out. `query_kernel` [Q, N, keyDim], `key_kernel` [K, N, keyDim],
///   `value_kernel` [V, N, valueDim], `attention_output_kernel` [N, valueDim, outputShape] for N heads, and a bias to
///   each.
/// - Throws: `badData` for inputs that do not fit together; building throws `badArgument` for a bad setting.
/// - Complexity: 2·B·N·Tq·Tv·(keyDim + valueDim) flops on OpenBLAS, and four products of `Dense`.
/// - Source: Vaswani et al. 2017; `keras.layers.MultiHeadAttention`.
public final class MultiHeadAttention: MergingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "MultiHeadAttention" }

  /// A matrix for every head with its bias, and its packed form.
  private struct Projection: Sendable {
    let kernel: Parameter
    let bias: Parameter?
    /// How many of the kernel's axes are the input's: the output projection adds over heads too.
    let inputAxes: Int
    let product = PackedProduct()

    var inputs: Int { kernel.shape.prefix(inputAxes).reduce(1, *) }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      let (weights, version) = context.versioned(kernel)
      return product.rows(
        x, weights.reshaped([inputs, -1]), version: version, adding: bias.map { context.tensor($0).reshaped([-1]) })
    }
  }

  /// The number of heads.
  public let numHeads: Int
  /// The width of each head's queries and keys.
  public let keyDim: Int
  /// The width of each head's values.
  public let valueDim: Int
  /// The last extent of the output; nil for that of the queries.
  public let outputShape: Int?
  /// Tells whether each projection has a bias.
  public let useBias: Bool
  private let weights: AttentionWeights
  private let initializers: (kernel: Initializer, bias: Initializer)
  private let state = BuildState<[Projection]>()

  /// Makes a layer of several heads; kernels are Glorot uniform and biases 0 unless said otherwise.
  public convenience init(
    numHeads: Int, keyDim: Int, valueDim: Int? = nil, dropout: Double = 0, useBias: Bool = true,
    outputShape: Int? = nil, kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    useCausalMask: Bool = false, returnAttentionScores: Bool = false
  ) {
    self.init(
      numHeads, keyDim, valueDim, useBias, outputShape, kernelInitializer, biasInitializer,
      AttentionWeights(
        dropout: dropout, useCausalMask: useCausalMask, returnAttentionScores: returnAttentionScores))
  }

  private init(
    _ numHeads: Int, _ keyDim: Int, _ valueDim: Int?, _ useBias: Bool, _ outputShape: Int?, _ kernel: Initializer,
    _ bias: Initializer, _ weights: AttentionWeights
  ) {
    (self.numHeads, self.keyDim, self.valueDim) = (numHeads, keyDim, valueDim ?? keyDim)
    (self.useBias, self.outputShape, self.weights) = (useBias, outputShape, weights)
    initializers = (kernel, bias)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    for (name, neutral) in [("attention_axes", JSONValue.array([.integer(1)])), ("sliding_window", .null)] {
      guard let value = configuration.value(name), value != neutral else { continue }
      throw configuration.failure(name, expected: "null, all that is supported", got: value)
    }
    guard try !configuration.bool("use_gate", default: false) else {
      throw configuration.failure("use_gate", expected: "false, all that is supported", got: .bool(true))
    }
    // It says how Keras computes, not what.
    _ = configuration.value("flash_attention")
    func optional(_ name: String) throws(RecurraError) -> Int? {
      configuration.value(name) == nil ? nil : try configuration.extent(name)
    }
    self.init(
      try configuration.positive("num_heads"), try configuration.positive("key_dim"), try optional("value_dim"),
      try configuration.bool("use_bias", default: true), try optional("output_shape"),
      try configuration.initializer("kernel_initializer", default: .glorotUniform),
      try configuration.initializer("bias_initializer", default: .zeros), try AttentionWeights(configuration))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    weights.configuration.merging([
      "num_heads": .integer(numHeads), "key_dim": .integer(keyDim), "value_dim": .integer(valueDim),
      "use_bias": .bool(useBias), "output_shape": outputShape.map { .array([.integer($0)]) } ?? .null,
      "kernel_initializer": initializers.kernel.json, "bias_initializer": initializers.bias.json,
    ]) { $1 }
  }

  /// The share of weights that is dropped while training.
  public var dropout: Double { weights.dropout }
  /// Kernel and bias of query, key, value and output; empty before the layer is built.
  public var parameters: [Parameter] {
    (state.value ?? []).flatMap { [$0.kernel, $0.bias].compactMap { $0 } }
  }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }
  /// 1, with the weights 2.
  public var outputCount: Int { weights.returnAttentionScores ? 2 : 1 }

  /// Refuses sizes below 1, and a `dropout` outside 0...1.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("numHeads", numHeads, in: LayerArguments.sizes)
    try checkSetting("keyDim", keyDim, in: LayerArguments.sizes)
    try checkSetting("valueDim", valueDim, in: LayerArguments.sizes)
    try checkSetting("outputShape", outputShape ?? 1, in: LayerArguments.sizes)
    try checkSetting("dropout", dropout, in: 0...1)
  }

  /// Makes the projections for inputs of some shapes; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for other shapes, or other widths than before.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try outputShapes(for: inputShapes)
    let operands = try AttentionWeights.operands(inputShapes, self)
    var widths: [Int] = []
    for shape in [operands.query, operands.key, operands.value] {
      widths.append(try features(of: shape, rank: 3...3, "[B, T, I]"))
    }
    let projections = try state.build { () throws(RecurraError) in
      let output = outputShape ?? widths[0]
      return [
        try projection("query", [widths[0], numHeads, keyDim], 1, dtype, random.stream(0)),
        try projection("key", [widths[1], numHeads, keyDim], 1, dtype, random.stream(1)),
        try projection("value", [widths[2], numHeads, valueDim], 1, dtype, random.stream(2)),
        try projection("attention_output", [numHeads, valueDim, output], 2, dtype, random.stream(3)),
      ]
    }
    let built = projections.prefix(3).map(\.inputs)
    guard built == widths else {
      throw failure(expected: "query, key and value of widths \(built)", got: "\(widths)")
    }
  }

  private func projection(
    _ name: String, _ shape: [Int], _ inputAxes: Int, _ dtype: DType, _ random: RandomSource
  ) throws(RecurraError) -> Projection {
    let kernel = try parameter("\(name)_kernel", shape, dtype, initializers.kernel, random.stream(0))
    let outputs = Array(shape.dropFirst(inputAxes))
    let bias = useBias ? try parameter("\(name)_bias", outputs, dtype, initializers.bias, random.stream(1)) : nil
    return Projection(kernel: kernel, bias: bias, inputAxes: inputAxes)
  }

  /// Works out the shape of what is found: [B, Tq, outputShape].
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    try checkSettings()
    try AttentionWeights.checkShapes(inputShapes, self)
    let (query, value, _) = try AttentionWeights.operands(inputShapes, self)
    let output = [query[0] ?? value[0], query[1], outputShape ?? query[2]]
    return weights.returnAttentionScores ? [output, [output[0], numHeads, query[1], value[1]]] : [output]
  }

  /// Computes what the heads find.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    guard let projections = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let (query, value, key) = try AttentionWeights.cleared(inputs, self)
    for (tensor, projection) in zip([query, key, value], projections) {
      try checkInput(tensor, minimumRank: 3, features: projection.inputs, dtype: projection.kernel.dtype)
    }
    // [B, N, T, width]
    func heads(_ x: Tensor, _ projection: Projection) -> Tensor {
      projection(x, context).reshaped(Array(x.shape.prefix(2)) + projection.kernel.shape.dropFirst())
        .permuted([0, 2, 1, 3])
    }
    let queries = heads(query, projections[0]) * (1 / Double(keyDim).squareRoot())
    let (rows, timesteps) = (query.shape[0], query.shape[1])
    try requireMemory([rows, numHeads, timesteps, value.shape[1]], query.dtype)
    let scores = queries.matrixProduct(heads(key, projections[1]).transposed())
    let weighed = try weights(
      scores, queryMask: inputs[0].mask, valueMask: inputs[1].mask, keyMask: inputs.count > 2 ? inputs[2].mask : .all)
    let found = weights.dropped(weighed, context).matrixProduct(heads(value, projections[2]))
    let joined = found.permuted([0, 2, 1, 3]).reshaped([rows, timesteps, numHeads * valueDim])
    let output = Value(projections[3](joined, context), mask: inputs[0].mask)
    return [output] + (weights.returnAttentionScores ? [Value(weighed)] : [])
  }
}
