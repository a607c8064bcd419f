internal import RecurraCells
public import RecurraTensor

/// Runs recurrent layers one above the other as one: each reads what the one below gives out at every timestep.
///
/// The layers below the last give out every timestep whatever their `returnSequences` says; the last one says what the
/// whole gives out. Between them a share of the numbers can be dropped while training, and with `residual` each layer
/// adds what it reads to what it gives out, where both are equally wide.
///
/// ```swift
/// let stack = RNN(layers: 3, dropout: 0.2) { LSTM(units: 64, returnSequences: true) }
/// let mixed = RNN([GRU(units: 32), LSTM(units: 32)], residual: true)
/// ```
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H] of the last layer. States, given and returned: those of all
///   layers, from the bottom to the top.
/// - Throws: `badArgument` for no layer, one twice, one that reads from the end, or a bad share.
/// - Complexity: that of the layers.
/// - Source: Keras' `RNN` of several cells; `nn.LSTM(num_layers=)` of PyTorch; Wu et al. 2016 (arXiv:1609.08144,
///   residual connections).
public final class RNN: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "RNN" }

  /// The layers, from the bottom to the top.
  public let layers: [any RecurrentLayer]
  /// The share of the numbers between two layers that is dropped while training.
  public let dropout: Double
  /// Tells whether layers add what they read to what they give out.
  public let residual: Bool

  /// Stacks layers.
  public init(_ layers: [any RecurrentLayer], dropout: Double = 0, residual: Bool = false) {
    self.layers = layers
    self.dropout = dropout
    self.residual = residual
  }

  /// Stacks layers that are made one by one.
  public convenience init(
    layers count: Int, dropout: Double = 0, residual: Bool = false, _ layer: () -> any RecurrentLayer
  ) {
    self.init((0..<max(count, 0)).map { _ in layer() }, dropout: dropout, residual: residual)
  }

  /// Makes the layer from its arguments in a file: a list of layers, or Keras' cell or cells.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let items: [JSONValue]
    if let cell = configuration.value("cell") {
      var cells = [cell]
      if cell["class_name"] == .string("StackedRNNCells") {
        guard case .array(let list)? = cell["config"]?["cells"] else {
          throw configuration.failure("cell", expected: "a list of cells", got: cell)
        }
        cells = list
      }
      let sequences = try configuration.bool("return_sequences", default: false)
      let states = try configuration.bool("return_state", default: false)
      let zero = try configuration.bool("zero_output_for_mask", default: false)
      if try configuration.bool("go_backwards", default: false) {
        throw configuration.failure("go_backwards", expected: "false", got: .bool(true))
      }
      items = cells.enumerated().map { index, cell in
        let isLast = index == cells.count - 1
        return cell.layer(
          returnsSequences: sequences && isLast, returnsState: states, zeroOutputForMask: zero && isLast)
      }
    } else {
      guard case .array(let list)? = configuration.value("layers") else {
        throw configuration.failure("layers", expected: "a list of layers", got: configuration.value("layers") ?? .null)
      }
      items = list
    }
    var layers: [any RecurrentLayer] = []
    for item in items {
      let layer = try configuration.registry.layer(from: item)
      guard let recurrent = layer.recurrentParts?.single else {
        throw configuration.failure("layers", expected: "recurrent layers", got: .string(type(of: layer).typeName))
      }
      layers.append(recurrent)
    }
    self.init(
      layers, dropout: try configuration.number("dropout", default: 0, in: 0...1),
      residual: try configuration.bool("residual", default: false))
    try checkSettings()
  }

  /// The arguments, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    ["layers": .array(layers.map(\.json)), "dropout": .number(dropout), "residual": .bool(residual)]
  }

  /// The layers this one is made of, by their roles.
  public var sublayers: [(role: String, layer: any Layer)] {
    layers.enumerated().map { (role: "layer_\($0)", layer: $1) }
  }

  /// All layers; the last one says what the whole gives out.
  public var recurrentParts: RecurrentParts? { layers.last.map { RecurrentParts(self, options: $0.options) } }

  /// Refuses what cannot be stacked.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("dropout", dropout, in: 0...1)
    guard !layers.isEmpty else { throw failure(.badArgument, expected: "at least one layer", got: "none") }
    guard Set(layers.map { ObjectIdentifier($0) }).count == layers.count else {
      throw failure(.badArgument, expected: "each layer once", got: "one layer twice")
    }
    guard !layers.contains(where: \.options.goBackwards) else {
      throw failure(.badArgument, expected: "layers that read from the beginning", got: "one with goBackwards")
    }
  }

  /// Builds the layers, each with random numbers of its own.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    var shape = inputShape
    for (index, layer) in layers.enumerated() {
      try layer.build(inputShape: shape, random: random.stream(index), dtype: dtype)
      shape = Array(shape.prefix(2)) + [layer.outputWidth]
    }
  }

  /// The shape that the last layer gives out.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    guard inputShape.count == 3, let top = layers.last else {
      throw failure(expected: "input [B, T, I]", got: text(of: inputShape))
    }
    return try top.outputShape(for: inputShape)
  }

  /// Runs the layers from the bottom to the top.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try walk(input, context) { _ in }
  }

  /// What each layer reads outside training.
  func inputs(_ input: Signal) throws(RecurraError) -> [Signal] {
    var inputs: [Signal] = []
    _ = try walk(input, ForwardContext()) { inputs.append($0) }
    return inputs
  }

  private func walk(
    _ input: Signal, _ context: ForwardContext, _ visit: (Signal) -> Void
  ) throws(RecurraError) -> Signal {
    try checkSettings()
    var states = input.states[...]
    guard states.isEmpty || states.count == recurrentParts?.stateCount else {
      throw failure(
        expected: "\(recurrentParts?.stateCount ?? 0) initial states", got: "\(states.count)")
    }
    var (signal, final) = (input, [Tensor]())
    for (index, layer) in layers.enumerated() {
      signal.states = Array(states.prefix(layer.cell.stateCount))
      states = states.dropFirst(signal.states.count)
      let (isLast, context) = (index == layers.count - 1, context.forSublayer(index))
      if index > 0, dropout > 0 {
        let (dropped, given) = (Dropout(rate: dropout), signal.states)
        signal = try dropped.forward(signal, context.forSublayer(4))
        signal.states = given
      }
      visit(signal)
      let sequences = !isLast || layer.options.returnSequences
      var output = try layer.run(signal, context, returnsSequences: sequences)
      final += output.states
      if residual, signal.shape[2] == layer.outputWidth {
        output.value = output.value + (sequences ? signal.value : try last(signal))
      }
      signal = output
    }
    signal.states = layers.last?.options.returnState == true ? final : []
    return signal
  }

  /// The last timestep of each row that counts; zeros where none does.
  private func last(_ signal: Signal) throws(RecurraError) -> Tensor {
    let (rows, timesteps, width) = (signal.shape[0], signal.shape[1], signal.shape[2])
    let flags = signal.mask.flags(rows, timesteps)
    let places = (0..<rows).map { row in
      (0..<timesteps).last { flags[row * timesteps + $0] }.map { Int32(row * timesteps + $0) }
    }
    let vectors = signal.value.reshaped([rows * timesteps, width]).gathered(Tensor(places.map { $0 ?? 0 }))
    guard places.contains(nil) else { return vectors }
    let condition = Tensor(places.map { Int32($0 == nil ? 0 : 1) }, shape: [rows, 1])
    return .select(condition, vectors, .zeros(vectors.shape, dtype: vectors.dtype))
  }
}

extension JSONValue {
  /// The layer of a cell as Keras writes one: LSTMCell is that of LSTM.
  fileprivate func layer(
    returnsSequences: Bool, returnsState: Bool, zeroOutputForMask: Bool
  ) -> JSONValue {
    guard case .string(let name)? = self["class_name"], case .object(let members)? = self["config"] else { return self }
    let layer = name.hasSuffix("Cell") ? String(name.dropLast(4)) : name
    return .object([
      ("class_name", .string(layer)),
      (
        "config",
        .object(
          members + [
            ("return_sequences", .bool(returnsSequences)), ("return_state", .bool(returnsState)),
            ("zero_output_for_mask", .bool(zeroOutputForMask)),
          ])
      ),
    ])
  }
}
