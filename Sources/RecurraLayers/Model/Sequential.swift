internal import RecurraCells
public import RecurraTensor

/// A model that runs its layers one after the other.
///
/// ```swift
/// let model = Sequential {
///   Embedding(inputDim: 5_000, outputDim: 60)
///   Bidirectional(LSTM(units: 100))
///   Dense(units: 6, activation: .softmax)
/// }
/// ```
///
/// It is a layer itself, so models nest. One built model can answer requests from several threads at the same time.
public final class Sequential: Network {
  struct Entry: Sendable {
    var name: String?
    var layer: any Layer
    var isTrainable = true
  }

  struct Built: Sendable {
    let inputShape: [Int?]
    let outputShapes: [[Int?]]
    let dtype: DType
  }

  /// Names the class as Keras does.
  public static var typeName: String { "Sequential" }

  /// The name of the model; Keras' default is "sequential".
  public let name: String
  /// What the first values of the parameters follow from.
  public let seed: UInt64
  /// The layers, first to last.
  public let layers: [any Layer]
  /// The name of each layer: its class in snake case, with _1, _2 … from the second one of a class on.
  public let layerNames: [String]
  private let frozen: [Bool]
  /// The recurrent layers that may be run all at the same time, where they stand.
  private let stackable: [(any RecurrentLayer)?]
  private let state = BuildState<Built>()
  /// Remembers what was asked for once.
  public let networkState = NetworkState()

  /// Makes a model from a block of layers.
  public convenience init(
    name: String = "sequential", seed: UInt64 = 0, @LayerBuilder _ layers: () -> [any Layer]
  ) {
    self.init(layers(), name: name, seed: seed)
  }

  /// Makes a model from a list of layers.
  ///
  /// A layer may stand in the list once; building the model refuses the second time.
  public convenience init(_ layers: [any Layer], name: String = "sequential", seed: UInt64 = 0) {
    self.init(entries: layers.map { Entry(name: nil, layer: $0) }, name: name, seed: seed)
  }

  init(entries: [Entry], name: String, seed: UInt64) {
    self.name = name
    self.seed = seed
    layers = entries.map(\.layer)
    layerNames = LayerNames.names(for: entries.map { ($0.name, $0.layer) })
    frozen = entries.map { !$0.isTrainable }
    let states = layers.dropLast().compactMap(\.recurrentParts).filter(\.options.returnState)
    outputCount = states.reduce(layers.last?.outputCount ?? 1) { $0 + $1.stateCount }
    stackable = layers.map { layer in layer.recurrentParts.flatMap { $0.isStackable ? $0.single : nil } }
  }

  /// That of the first layer.
  public var idCount: Int? { layers.first?.idCount }
  /// That of the last layer, and the states of a layer before: they go past those behind it.
  public let outputCount: Int
  /// Tells whether the model has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The input shape the model was built for, nil before.
  public var inputShape: [Int?]? { state.value?.inputShape }
  /// The element type the model was built for, nil before.
  public var dtype: DType? { state.value?.dtype }
  /// The output shape of each layer, nil before the model is built.
  public var outputShapes: [[Int?]]? { state.value?.outputShapes }

  /// Makes the parameters for inputs of a shape, batch first, from the model's seed; does nothing when that has been
  /// done.
  ///
  /// - Throws: `badArgument` for a bad setting of a layer, `badData` where one does not take the shape it would get,
  ///   `outOfMemory` for a parameter that there is no memory for; they name the layer.
  public func build(inputShape: [Int?], dtype: DType = .float32) throws(RecurraError) {
    try build(inputShape: inputShape, random: RandomSource(seed: seed), dtype: dtype)
  }

  /// Makes the parameters of all layers; does nothing when that has been done.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    guard !inputShape.isEmpty else { throw failure(expected: "an input shape, batch first", got: "[]") }
    try checkExtents(inputShape)
    _ = try state.build { () throws(RecurraError) -> Built in
      var shape = inputShape
      var shapes: [LayerShapes] = []
      for (index, layer) in layers.enumerated() {
        let input = shape
        try naming(layerNames[index], remedy: remedy(index, shape)) { () throws(RecurraError) in
          try layer.checkSettings()
          try layer.build(inputShape: shape, random: random.stream(index), dtype: dtype)
          shape = try layer.outputShape(for: shape)
        }
        if frozen[index] { layer.isTrainable = false }
        shapes.append(LayerShapes(layer: index, inputs: [input], outputs: [shape]))
      }
      let bytes = parameters.reduce(0) { $0 + $1.count * $1.dtype.byteCount }
      try MemoryLimit.require(bytes, Self.typeName, for: "the parameters of \(name.excerpt)")
      rememberNumbersPerStep(shapes)
      return Built(inputShape: inputShape, outputShapes: shapes.map { $0.outputs[0] }, dtype: dtype)
    }
  }

  /// Works out the shape of the last layer's output.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    var shape = inputShape
    for (index, layer) in layers.enumerated() {
      shape = try naming(layerNames[index]) { () throws(RecurraError) in try layer.outputShape(for: shape) }
    }
    return shape
  }

  /// Runs all layers.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try run(layers.indices, input, context)
  }

  /// Computes the output up to the last layer's activation, and names that activation.
  public func forwardBeforeActivations(
    _ inputs: [Value], _ context: ForwardContext
  ) throws(RecurraError) -> [(value: Value, activation: Activation)] {
    try checkInputCount(inputs.count)
    let input = Signal(inputs[0].source, mask: inputs[0].mask, states: [])
    guard let last = layers.indices.last, let activation = layers[last].finalActivation else {
      let output = try forward(input, context)
      return [(Value(output.source, mask: output.mask), .linear)]
    }
    let hidden = try run(layers.indices.dropLast(), input, context)
    let output = try naming(layerNames[last]) { () throws(RecurraError) in
      try layers[last].forwardBeforeActivation(hidden, context.forSublayer(last))
    }
    return [(Value(output.source, mask: output.mask), activation)]
  }

  private func run(_ range: Range<Int>, _ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard isBuilt else { throw failure(expected: "a built model", got: "one that is not") }
    try BLAS.prepare()
    var (signal, index) = (input, range.lowerBound)
    while index < range.upperBound {
      if let (output, count) = runStack(index..<range.upperBound, signal, context) {
        signal = signal.with(value: output)
        index += count
        continue
      }
      signal = try naming(layerNames[index]) { () throws(RecurraError) in
        try layers[index].forward(signal, context.forSublayer(index))
      }
      index += 1
    }
    return signal
  }

  /// Runs the recurrent layers at the front of `range` at the same time, where there are several and that is faster;
  /// returns their output and how many there are.
  private func runStack(
    _ range: Range<Int>, _ input: Signal, _ context: ForwardContext
  ) -> (output: Tensor, count: Int)? {
    guard input.mask.isAll, input.states.isEmpty, input.shape.count == 3,
      stackable[range.lowerBound] != nil
    else { return nil }
    var (stack, inputs, returnsSequences) = ([StackedLayer](), input.shape[2], true)
    for index in range.prefix(Self.mostLayersOfAStack) {
      guard returnsSequences, let layer = stackable[index],
        let stacked = layer.stacked(inputs, context.forSublayer(index))
      else { break }
      stack.append(stacked)
      (inputs, returnsSequences) = (layer.options.units, layer.options.returnSequences)
    }
    guard stack.count > 1 else { return nil }
    return input.source.recurrentStack(stack, returnsSequences: returnsSequences).map { ($0, stack.count) }
  }

  /// So many may be run at the same time. A bound keeps models of thousands of layers linear: a stack that is not run
  /// so is looked at again at its next layer.
  private static let mostLayersOfAStack = 32

  /// Tells which layers begin frozen or are so now.
  func isFrozen(_ index: Int) -> Bool {
    layers[index].parameters.isEmpty ? frozen[index] : !layers[index].isTrainable
  }
}
