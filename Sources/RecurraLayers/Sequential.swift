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
public final class Sequential: Layer {
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
  private let state = BuildState<Built>()

  /// Makes a model from a block of layers.
  public convenience init(
    name: String = "sequential", seed: UInt64 = 0, @LayerBuilder _ layers: () -> [any Layer]
  ) {
    self.init(layers(), name: name, seed: seed)
  }

  /// Makes a model from a list of layers.
  ///
  /// - Precondition: no layer stands in the list twice.
  public convenience init(_ layers: [any Layer], name: String = "sequential", seed: UInt64 = 0) {
    let entries = layers.map { Entry(name: nil, layer: $0) }
    let distinct = Set(layers.map { ObjectIdentifier($0) }).count
    check(distinct == layers.count, "Sequential", expected: "each layer once", got: "one layer twice")
    self.init(entries: entries, name: name, seed: seed)
  }

  init(entries: [Entry], name: String, seed: UInt64) {
    self.name = name
    self.seed = seed
    layers = entries.map(\.layer)
    layerNames = LayerNames.names(for: entries.map { ($0.name, $0.layer) })
    frozen = entries.map { !$0.isTrainable }
  }

  /// The layer of a name.
  public subscript(name: String) -> (any Layer)? {
    layerNames.firstIndex(of: name).map { layers[$0] }
  }

  /// The layers by their names.
  public var sublayers: [(role: String, layer: any Layer)] { Array(zip(layerNames, layers)).map { ($0, $1) } }
  /// Tells whether the model has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The input shape the model was built for, nil before.
  public var inputShape: [Int?]? { state.value?.inputShape }
  /// The element type the model was built for, nil before.
  public var dtype: DType? { state.value?.dtype }
  /// The output shape of each layer, nil before the model is built.
  public var outputShapes: [[Int?]]? { state.value?.outputShapes }

  /// Makes the parameters for inputs of a shape, batch first, from the model's seed; does nothing when that has been done.
  ///
  /// - Throws: `badData` where a layer does not take the shape it would get.
  public func build(inputShape: [Int?], dtype: DType = .float32) throws(RecurraError) {
    try build(inputShape: inputShape, random: RandomSource(seed: seed), dtype: dtype)
  }

  /// Makes the parameters of all layers; does nothing when that has been done.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    guard !layers.isEmpty else { throw failure(.badArgument, expected: "at least one layer", got: "none") }
    try checkOutputs()
    _ = try state.build { () throws(RecurraError) -> Built in
      var shape = inputShape
      var shapes: [[Int?]] = []
      for (index, layer) in layers.enumerated() {
        try naming(index) { () throws(RecurraError) in
          try layer.build(inputShape: shape, random: random.stream(index), dtype: dtype)
          shape = try layer.outputShape(for: shape)
        }
        if frozen[index] { layer.isTrainable = false }
        shapes.append(shape)
      }
      return Built(inputShape: inputShape, outputShapes: shapes, dtype: dtype)
    }
  }

  /// Works out the shape of the last layer's output.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    var shape = inputShape
    for (index, layer) in layers.enumerated() {
      shape = try naming(index) { () throws(RecurraError) in try layer.outputShape(for: shape) }
    }
    return shape
  }

  /// Runs all layers.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try run(layers.indices, input, context)
  }

  /// Computes the output up to the last layer's activation, and names that activation: a loss on top of a softmax or sigmoid
  /// is exact from there. `linear` with the plain output where the last layer is not dense.
  package func forwardBeforeActivation(
    _ input: Signal, _ context: ForwardContext
  ) throws(RecurraError) -> (output: Signal, activation: Activation) {
    guard let last = layers.indices.last else { return (input, .linear) }
    let dense = layers[last] as? Dense
    let plain = layers[last] as? ActivationLayer
    guard let activation = dense?.activation ?? plain?.activation else {
      return (try forward(input, context), .linear)
    }
    let hidden = try run(layers.indices.dropLast(), input, context)
    guard let dense else { return (hidden, activation) }
    let sums = try naming(last) { () throws(RecurraError) in try dense.sums(hidden.value, context) }
    return (hidden.with(value: sums), activation)
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
      signal = try naming(index) { () throws(RecurraError) in
        try layers[index].forward(signal, context.forSublayer(index))
      }
      index += 1
    }
    return signal
  }

  /// Runs the recurrent layers at the front of `range` at the same time, where there are several and that is faster; returns their
  /// output and how many there are.
  private func runStack(
    _ range: Range<Int>, _ input: Signal, _ context: ForwardContext
  ) -> (output: Tensor, count: Int)? {
    guard input.lengths == nil, input.states.isEmpty, input.shape.count == 3,
      layers[range.lowerBound] is any StackableLayer
    else { return nil }
    var (stack, inputs, returnsSequences) = ([StackedLayer](), input.shape[2], true)
    for index in range where returnsSequences {
      guard let layer = layers[index] as? any StackableLayer,
        let stacked = layer.stacked(inputs, context.forSublayer(index))
      else { break }
      stack.append(stacked)
      (inputs, returnsSequences) = (layer.options.units, layer.options.returnSequences)
    }
    guard stack.count > 1 else { return nil }
    return input.source.recurrentStack(stack, returnsSequences: returnsSequences).map { ($0, stack.count) }
  }

  /// Adds the layer's name to an error, since a model may have several of a class.
  private func naming<Result>(
    _ index: Int, _ body: () throws(RecurraError) -> Result
  ) throws(RecurraError) -> Result {
    do { return try body() } catch {
      throw RecurraError(
        error.kind, operation: "\(layerNames[index]) (\(error.operation))", expected: error.expected, got: error.got)
    }
  }

  /// Refuses outputs that the next layer would take for something else.
  private func checkOutputs() throws(RecurraError) {
    for (index, layer) in layers.enumerated() {
      let following = layers[(index + 1)...]
      let isRecurrent = { (layer: any Layer) in layer is any RecurrentLayer || layer is Bidirectional }
      let returnsState = ((layer as? Bidirectional)?.forwardLayer ?? layer as? any RecurrentLayer)?.options.returnState
      if returnsState == true, following.contains(where: isRecurrent) {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "returnState on the last recurrent layer only",
          got: "a recurrent layer behind it")
      }
      if (layer as? Bidirectional)?.merge == Bidirectional.Merge.none, !following.isEmpty {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "directions kept apart in the last layer only",
          got: "a layer behind it")
      }
    }
  }

  /// Tells which layers begin frozen or are so now.
  func isFrozen(_ index: Int) -> Bool {
    layers[index].parameters.isEmpty ? frozen[index] : !layers[index].isTrainable
  }
}

/// Collects the layers of a `Sequential` block; `if` and `for` may stand in it.
@resultBuilder
public enum LayerBuilder {
  /// Takes one layer.
  public static func buildExpression(_ layer: any Layer) -> [any Layer] { [layer] }
  /// Takes a list of layers.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// Joins the layers of a block.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// Takes the layers of an `if` without `else`.
  public static func buildOptional(_ layers: [any Layer]?) -> [any Layer] { layers ?? [] }
  /// Takes the layers of an `if`.
  public static func buildEither(first layers: [any Layer]) -> [any Layer] { layers }
  /// Takes the layers of an `else`.
  public static func buildEither(second layers: [any Layer]) -> [any Layer] { layers }
  /// Joins the layers of a loop.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
