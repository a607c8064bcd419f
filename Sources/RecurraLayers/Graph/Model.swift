internal import RecurraCells
public import RecurraTensor

/// A model that is a graph of layers: several inputs and outputs, branches, shared layers, states that lead from one
/// layer to another.
///
/// ```swift
/// let x = Input(shape: [nil, 8])
/// let y = Bidirectional(LSTM(units: 4, returnSequences: true))(x)
/// let model = try Model(inputs: [x], outputs: [Add()(x, y)])
/// ```
///
/// It is a layer itself, so models nest. One model can answer requests from several threads at the same time.
public final class Model: Network {
  struct Built: Sendable {
    let inputShapes: [[Int?]]
    /// The shapes of every node's outputs: inputs, then calls.
    let shapes: [[[Int?]]]
    let dtype: DType
  }

  /// Names the class as Keras does.
  public static var typeName: String { "Functional" }

  /// The name of the model; Keras' default is "functional".
  public let name: String
  /// What the first values of the parameters follow from.
  public let seed: UInt64
  /// The layers, those farthest from the outputs first.
  public let layers: [any Layer]
  /// The name of each layer: the one it was called with, or its class in snake case, with _1, _2 … from the second
  /// one of a class on.
  public let layerNames: [String]
  /// The name of each input.
  public var inputNames: [String] { plan.inputs.map(\.name) }
  /// The name of each output: that of its layer.
  public var outputNames: [String] { plan.outputNames }
  /// Remembers what was asked for once.
  public let networkState = NetworkState()
  let plan: GraphPlan
  private let state = BuildState<Built>()

  /// Makes a model of what leads from inputs to outputs, and builds it.
  ///
  /// Layers that are built already keep their parameters, so models may share them.
  ///
  /// - Parameters:
  ///   - inputs: values made by `Input(shape:)`, in the order in which batches are given.
  ///   - outputs: what the model gives out.
  ///   - name: the model's name.
  ///   - seed: what the first values of the parameters follow from.
  ///   - dtype: the type to compute in.
  /// - Throws: `badArgument` for a graph with an input that is missing or unused, and for a bad setting of a layer;
  ///   `badData` where a layer does not take the shapes it would get, with its name.
  public convenience init(
    inputs: [SymbolicValue], outputs: [SymbolicValue], name: String = "functional", seed: UInt64 = 0,
    dtype: DType = .float32
  ) throws(RecurraError) {
    self.init(plan: try GraphPlan(GraphDraft(inputs: inputs, outputs: outputs)), name: name, seed: seed)
    try build(inputShapes: plan.inputs.map(\.shape), dtype: dtype)
  }

  init(plan: GraphPlan, name: String, seed: UInt64) {
    self.plan = plan
    self.name = name
    self.seed = seed
    layers = plan.layers.map(\.layer)
    layerNames = plan.layers.map(\.name)
  }

  /// Tells whether the model has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The shape of each input that the model was built for, nil before.
  public var inputShapes: [[Int?]]? { state.value?.inputShapes }
  /// The element type the model was built for, nil before.
  public var dtype: DType? { state.value?.dtype }
  /// The shapes of every node's outputs, nil before the model is built.
  var nodeShapes: [[[Int?]]]? { state.value?.shapes }
  /// The number of outputs.
  public var outputCount: Int { plan.outputs.count }

  /// The number of ids that each input is looked up in: where all that read it look ids up, the least of theirs.
  public var inputIDCounts: [Int?] {
    plan.inputs.indices.map { input in
      var least: Int?
      for call in plan.calls {
        for (position, source) in call.inputs.enumerated() where source.node == input {
          let layer = layers[call.layer]
          guard let count = layer.network.map({ $0.inputIDCounts[position] }) ?? layer.idCount else { return nil }
          least = min(least ?? count, count)
        }
      }
      return least
    }
  }

  /// That of the only input; nil where there are several.
  public var idCount: Int? { plan.inputs.count == 1 ? inputIDCounts[0] : nil }

  /// Makes the parameters for inputs of some shapes, from the model's seed; does nothing when that has been done.
  public func build(inputShapes: [[Int?]], dtype: DType) throws(RecurraError) {
    try build(inputShapes: inputShapes, random: RandomSource(seed: seed), dtype: dtype)
  }

  /// Makes the parameters of all layers; does nothing when that has been done.
  ///
  /// - Throws: `badData` for shapes other than those of the model's inputs.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let shapes = try checked(inputShapes)
    _ = try state.build { () throws(RecurraError) in
      let nodes = try nodeShapes(shapes) { (call, shapes) throws(RecurraError) in
        try layers[call.layer].checkSettings()
        try layers[call.layer].build(inputShapes: shapes, random: random.stream(call.layer), dtype: dtype)
      }
      for entry in plan.layers where !entry.isTrainable { entry.layer.isTrainable = false }
      let bytes = parameters.reduce(0) { $0 + $1.count * $1.dtype.byteCount }
      try MemoryLimit.require(bytes, Self.typeName, for: "the parameters of \(name.excerpt)")
      rememberNumbersPerStep(layerShapes(nodes))
      return Built(inputShapes: shapes, shapes: nodes, dtype: dtype)
    }
  }

  /// Builds a model of one input.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try build(inputShapes: [inputShape], random: random, dtype: dtype)
  }

  /// Works out the shapes of the outputs.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    let nodes = try nodeShapes(try checked(inputShapes)) { _, _ in }
    return plan.outputs.map { nodes[$0.node][$0.output] }
  }

  /// Works out the shape of the first output of a model of one input.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try outputShapes(for: [inputShape])[0]
  }

  /// Works out what each layer is given and gives.
  public func layerShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [LayerShapes] {
    layerShapes(try nodeShapes(try checked(inputShapes)) { _, _ in })
  }

  private func layerShapes(_ nodes: [[[Int?]]]) -> [LayerShapes] {
    plan.calls.enumerated().map { index, call in
      LayerShapes(
        layer: call.layer, inputs: call.inputs.map { nodes[$0.node][$0.output] },
        outputs: nodes[plan.inputs.count + index])
    }
  }

  /// The shapes of inputs, with what the model's own say where they leave something open.
  private func checked(_ shapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    guard shapes.count == plan.inputs.count else {
      throw failure(expected: "\(plan.inputs.count) inputs", got: "\(shapes.count)")
    }
    for (shape, input) in zip(shapes, plan.inputs) {
      try checkExtents(shape)
      guard fits(shape, input.shape) else {
        throw failure(expected: "\(input.name.excerpt) \(text(of: input.shape))", got: text(of: shape))
      }
    }
    return zip(shapes, plan.inputs).map { shape, input in zip(shape, input.shape).map { $0 ?? $1 } }
  }

  /// The shapes of every node's outputs; `body` is told of each call first.
  func nodeShapes(
    _ inputs: [[Int?]], _ body: (GraphPlan.Call, [[Int?]]) throws(RecurraError) -> Void
  ) throws(RecurraError) -> [[[Int?]]] {
    var nodes = inputs.map { [$0] }
    for call in plan.calls {
      let shapes = call.inputs.map { nodes[$0.node][$0.output] }
      let outputs = try naming(layerNames[call.layer]) { () throws(RecurraError) in
        try body(call, shapes)
        return try layers[call.layer].checked(layers[call.layer].outputShapes(for: shapes))
      }
      nodes.append(outputs)
    }
    return nodes
  }
}
