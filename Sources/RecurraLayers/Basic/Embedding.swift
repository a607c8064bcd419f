internal import RecurraCells
public import RecurraTensor

/// Turns ids into vectors: row `id` of a table that is learned.
///
/// - Shapes: `input` [B, T] (any rank) of ids, int32 or whole floating numbers; result [B, T, outputDim]; `embeddings`
///   [inputDim, outputDim].
/// - Throws: `badData` for an id outside 0..<inputDim. Ids that are masked are not looked at.
/// - Complexity: one copy of B·T rows.
/// - Source: Keras, `keras.layers.Embedding`.
public final class Embedding: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Embedding" }

  /// The number of different ids: 0 ..< inputDim.
  public let inputDim: Int
  /// The length of each vector.
  public let outputDim: Int
  /// Tells whether id 0 is padding, wherever it stands: later layers are told by a mask. With lengths a timestep counts
  /// where both say so; a mask of steps that is given goes no further, as in Keras.
  public let maskZero: Bool
  private let initializer: Initializer
  /// Let go when the table is made, so that no second one is held.
  private let preset: Guarded<Tensor?>
  private let startsTrainable: Bool
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<Parameter>()

  /// Makes an embedding; its vectors are drawn evenly from ±0.05 unless said otherwise.
  ///
  /// - Parameters:
  ///   - inputDim: the number of different ids.
  ///   - outputDim: the length of each vector.
  ///   - maskZero: whether id 0 is padding.
  ///   - embeddingsInitializer: how the vectors are drawn.
  ///   - weights: the table to begin with, such as vectors that were trained elsewhere; drawn when left out.
  ///   - trainable: false freezes the table from the beginning; `isTrainable` frees it.
  public init(
    inputDim: Int, outputDim: Int, maskZero: Bool = false, embeddingsInitializer: Initializer = .randomUniform(),
    weights: Tensor? = nil, trainable: Bool = true
  ) {
    self.inputDim = inputDim
    self.outputDim = outputDim
    self.maskZero = maskZero
    initializer = embeddingsInitializer
    preset = Guarded(weights)
    startsTrainable = trainable
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      inputDim: try configuration.positive("input_dim"), outputDim: try configuration.positive("output_dim"),
      maskZero: try configuration.bool("mask_zero", default: false),
      embeddingsInitializer: try configuration.initializer("embeddings_initializer", default: .randomUniform()))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "input_dim": .integer(inputDim), "output_dim": .integer(outputDim), "mask_zero": .bool(maskZero),
      "embeddings_initializer": initializer.json,
    ]
  }

  /// The table of vectors, `embeddings`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0] } ?? [] }
  /// The ids, and 0 for padding with `maskZero`.
  public var idLookup: IDLookup? { IDLookup(count: inputDim, paddingID: maskZero ? 0 : nil) }
  /// `inputDim`.
  public var idCount: Int? { inputDim }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses `inputDim` and `outputDim` outside 1...2³¹ − 1, and weights of another shape.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("inputDim", inputDim, in: LayerArguments.sizes)
    try checkSetting("outputDim", outputDim, in: LayerArguments.sizes)
    guard let preset = preset.withLock({ $0 }), preset.shape != [inputDim, outputDim] || !preset.dtype.isFloating else {
      return
    }
    throw failure(
      .badArgument, expected: "floating weights [\(inputDim), \(outputDim)]", got: "\(preset.dtype) \(preset.shape)")
  }

  /// Makes the table for ids of a shape; does nothing when that has been done.
  ///
  /// - Shapes: `inputShape` [B, …], with `maskZero` [B, T].
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    try checkExtents(inputShape)
    _ = try outputShape(for: inputShape)
    _ = try state.build { () throws(RecurraError) in
      let table: Parameter
      if let preset = preset.exchange(nil) {
        table = Parameter("embeddings", preset.converted(to: dtype))
      } else {
        table = try parameter("embeddings", [inputDim, outputDim], dtype, initializer, random)
      }
      table.isTrainable = startsTrainable
      return table
    }
  }

  /// Adds an axis of `outputDim` to the shape of the ids.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard !inputShape.isEmpty, !maskZero || inputShape.count == 2 else {
      throw failure(expected: maskZero ? "ids [B, T]" : "ids [B, …]", got: text(of: inputShape))
    }
    return inputShape + [outputDim]
  }

  /// Looks the ids up; with `maskZero` the result knows which timesteps count.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let embeddings = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    _ = try outputShape(for: input.shape)
    let ids = try input.mask.isAll ? self.ids(input.value) : self.ids(within: input.mask, input.value)
    let (table, version) = context.versioned(embeddings)
    let source =
      ids.rank == 2
      ? InputSource.lookup(
        TableLookup(
          table: table, ids: ids, owner: embeddings, version: version,
          isShortcut: context.differentiatesParametersOnly))
      : .tensor(table.gathered(ids))
    // Lengths of all timesteps say nothing, and keep nothing from running faster.
    let isFull = ids.rank > 1 && input.mask.withoutSteps.lengths?.allSatisfy { $0 == ids.shape[1] } ?? true
    let lengths = isFull ? SequenceMask.all.with(resets: input.mask.resets) : input.mask.withoutSteps
    return Signal(source, mask: try maskZero ? mask(ids).intersection(lengths) : lengths, states: input.states)
  }

  /// The ids as int32, each in 0..<inputDim.
  private func ids(_ input: Tensor) throws(RecurraError) -> Tensor {
    let stray: String?
    switch input.dtype.representation {
    case .int32: stray = input.withSpan(of: Int32.self) { firstStray($0) { Int($0) } }
    case .float32: stray = input.withSpan(of: Float.self) { firstStray($0) { Int(exactly: $0) } }
    case .float64: stray = input.withSpan(of: Double.self) { firstStray($0) { Int(exactly: $0) } }
    }
    if let stray { throw failure(expected: "ids in 0..<\(inputDim)", got: stray) }
    return input.converted(to: .int32)
  }

  /// The ids that count as int32, each in 0..<inputDim; those behind a row's length, and those that are masked and not
  /// in the range, become 0.
  private func ids(within mask: SequenceMask, _ input: Tensor) throws(RecurraError) -> Tensor {
    let (rows, timesteps) = (input.shape[0], input.rank > 1 ? input.shape[1] : 1)
    try mask.check(rows: rows, timesteps: timesteps, Self.typeName)
    let (flags, lengths) = (mask.flags(rows, timesteps), mask.withoutSteps.flags(rows, timesteps))
    let width = input.shape.dropFirst(2).reduce(1, *)
    var ids = [Int32](repeating: 0, count: input.count)
    func fill<S: TensorScalar>(_ type: S.Type, _ integer: (S) -> Int?) -> String? {
      input.withSpan(of: S.self) { values in
        for step in 0..<rows * timesteps where lengths[step] {
          for i in step * width..<(step + 1) * width {
            if let id = integer(values[i]), id >= 0, id < inputDim {
              ids[i] = Int32(id)
            } else if flags[step] {
              return "\(values[i])"
            }
          }
        }
        return nil
      }
    }
    let stray: String?
    switch input.dtype.representation {
    case .int32: stray = fill(Int32.self) { Int($0) }
    case .float32: stray = fill(Float.self) { Int(exactly: $0) }
    case .float64: stray = fill(Double.self) { Int(exactly: $0) }
    }
    if let stray { throw failure(expected: "ids in 0..<\(inputDim)", got: stray) }
    return Tensor(ids, shape: input.shape)
  }

  private func firstStray<S: TensorScalar>(_ values: Span<S>, _ integer: (S) -> Int?) -> String? {
    for i in values.indices {
      guard let id = integer(values[i]), id >= 0, id < inputDim else { return "\(values[i])" }
    }
    return nil
  }

  /// The timesteps whose id is not 0.
  private func mask(_ ids: Tensor) -> SequenceMask {
    SequenceMask(ids.scalars(as: Int32.self).map { $0 != 0 }, rows: ids.shape[0], timesteps: ids.shape[1])
  }
}
