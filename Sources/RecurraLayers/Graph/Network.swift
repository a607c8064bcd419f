public import RecurraTensor

/// A model: layers that each have a name, built together for inputs of some shapes.
///
/// Training, files, summaries and the command line see a model as this, whether it is a `Sequential` or a `Model`: both
/// make a graph, and all else is said once for every graph.
public protocol Network: Layer {
  /// The name of the model.
  var name: String { get }
  /// The layers, what each of them reads, and how they run.
  var graph: NetworkGraph { get }
}

/// What a model says of itself.
extension Network {
  /// The model itself.
  public var network: (any Network)? { self }
  /// The layers, in the order of the summary: those farthest from the outputs first.
  public var layers: [any Layer] { graph.layers }
  /// The name of each layer: the one it was given, or its class in snake case, with _1, _2 … from the second one of a
  /// class on.
  public var layerNames: [String] { graph.plan.layerNames }
  /// The name of each input; its key, where a file gives inputs by keys.
  public var inputNames: [String] { graph.plan.inputKeys ?? graph.plan.inputs.map(\.name) }
  /// The name of each output: its key, where a file gives outputs by keys, else that of the layer that gives it. States
  /// that a `Sequential` passes on have none.
  public var outputNames: [String] { graph.plan.outputKeys ?? graph.plan.outputNames }
  /// The number of outputs.
  public var outputCount: Int { graph.plan.outputs.count }
  /// The shape of each input that the model was built for, nil before.
  public var inputShapes: [[Int?]]? { graph.state.value?.inputShapes }
  /// The element type the model was built for, nil before.
  public var dtype: DType? { graph.state.value?.dtype }
  /// Tells whether the model has been built.
  public var isBuilt: Bool { graph.state.value != nil }
  /// Tells whether the layers run one after the other, from one input to one output.
  public var isChain: Bool { graph.plan.isChain }
  /// The layers by their names.
  public var sublayers: [(role: String, layer: any Layer)] { Array(zip(layerNames, layers)).map { ($0, $1) } }
  /// That of the only input; nil where there are several.
  public var idCount: Int? { graph.plan.inputs.count == 1 ? inputIDCounts[0] : nil }

  /// The layer of a name.
  public subscript(name: String) -> (any Layer)? {
    layerNames.firstIndex { $0.hasBytes(of: name) }.map { layers[$0] }
  }

  /// The number of ids that each input is looked up in: where all that read it look ids up, the least of theirs; nil
  /// for an input of features.
  public var inputIDCounts: [Int?] {
    graph.plan.inputs.indices.map { input in
      var least: Int?
      for call in graph.plan.calls {
        for (position, source) in call.inputs.enumerated() where source.node == input {
          let layer = layers[call.layer]
          guard let count = layer.network.map({ $0.inputIDCounts[position] }) ?? layer.idCount else { return nil }
          least = min(least ?? count, count)
        }
      }
      return least
    }
  }
}

/// How a model is built.
extension Network {
  /// Makes the parameters of a model of one input, from the model's seed; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting of a layer, `badData` where one does not take the shape it would get,
  ///   `outOfMemory` for a parameter that there is no memory for; they name the layer.
  public func build(inputShape: [Int?], dtype: DType = .float32) throws(RecurraError) {
    try build(inputShapes: [inputShape], dtype: dtype)
  }

  /// Makes the parameters for inputs of some shapes, batch first, from the model's seed; does nothing when that has
  /// been done.
  public func build(inputShapes: [[Int?]], dtype: DType) throws(RecurraError) {
    try build(inputShapes: inputShapes, random: RandomSource(seed: seed), dtype: dtype)
  }

  /// Makes the parameters of all layers of a model of one input.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try build(inputShapes: [inputShape], random: random, dtype: dtype)
  }

  /// Makes the parameters of all layers; does nothing when that has been done.
  ///
  /// - Throws: `badData` for shapes other than those of the model's inputs.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let shapes = try checked(inputShapes)
    try LayerEntry.checkTies(graph.plan.layers, layerNames)
    _ = try graph.state.build { () throws(RecurraError) in
      let nodes = try graph.nodes(shapes) { (call, shapes) throws(RecurraError) in
        try layers[call.layer].checkSettings()
        try layers[call.layer].build(inputShapes: shapes, random: random.stream(call.layer), dtype: dtype)
      }
      for entry in graph.plan.layers where !entry.isTrainable { entry.layer.isTrainable = false }
      for (name, layer) in zip(layerNames, layers) {
        try LayerNames.naming(name) { () throws(RecurraError) in try layer.checkRules() }
      }
      let bytes = parameters.reduce(0) { $0 + $1.count * $1.dtype.byteCount }
      try MemoryLimit.require(bytes, Self.typeName, for: "the parameters of \(name.excerpt)")
      rememberNumbersPerStep(graph.layerShapes(nodes))
      return NetworkGraph.Built(inputShapes: shapes, nodes: nodes, dtype: dtype)
    }
  }

  /// Works out the shapes of the outputs.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    let nodes = try graph.nodes(try checked(inputShapes))
    return graph.plan.outputs.map { nodes[$0.node][$0.output] }
  }

  /// Works out the shape of the first output of a model of one input.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try outputShapes(for: [inputShape])[0]
  }

  /// Works out what each layer is given and gives, in the order in which they run.
  ///
  /// - Throws: `badData` for shapes that a layer does not take.
  public func layerShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [LayerShapes] {
    graph.layerShapes(try graph.nodes(try checked(inputShapes)))
  }

  /// The shapes of inputs, with what the model's own say where they leave something open.
  private func checked(_ shapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    try checkInputs(shapes.count)
    var result: [[Int?]] = []
    for (shape, input) in zip(shapes, graph.plan.inputs) {
      guard !shape.isEmpty else { throw failure(expected: "an input shape, batch first", got: "[]") }
      try checkExtents(shape)
      let own = input.shape ?? shape
      guard fits(shape, own) else {
        throw failure(expected: "\(input.name.excerpt) \(text(of: own))", got: text(of: shape))
      }
      result.append(zip(shape, own).map { $0 ?? $1 })
    }
    return result
  }

  fileprivate func checkInputs(_ count: Int) throws(RecurraError) {
    let own = graph.plan.inputs.count
    guard count != own else { return }
    throw failure(expected: own == 1 ? "one input" : "\(own) inputs", got: "\(count)")
  }
}

/// How a model is run.
extension Network {
  /// Runs all layers of a model of one input; outputs but the first are further values, or states that a `Sequential`
  /// passes on.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try checkReadiness(1)
    var pass = GraphPass(graph, input, context)
    try pass.run()
    return pass.output()
  }

  /// Runs all layers.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    try checkReadiness(inputs.count)
    var pass = GraphPass(graph, inputs, context)
    try pass.run()
    return try checked(pass.outputs())
  }

  /// Computes every output up to the function that it goes through last, and names that function; `linear` with the
  /// plain output where there is none.
  public func forwardBeforeActivations(
    _ inputs: [Value], _ context: ForwardContext
  ) throws(RecurraError) -> [(value: Value, activation: Activation)] {
    try checkReadiness(inputs.count)
    var pass = GraphPass(graph, inputs, context, stopsBeforeActivations: true)
    try pass.run()
    return pass.outputsBeforeActivations()
  }

  /// Computes what reaches a layer: runs the layers before it, as in inference; of one that is called several times the
  /// first call counts.
  ///
  /// - Parameter layer: the layer's position in `layers`.
  public func signal(reaching layer: Int, _ input: Signal) throws(RecurraError) -> Signal {
    try checkReadiness(1)
    let call = graph.plan.callsOfLayers[layer][0]
    var pass = GraphPass(graph, input, ForwardContext())
    try pass.run(until: call)
    return pass.input(of: call)
  }

  private func checkReadiness(_ count: Int) throws(RecurraError) {
    guard isBuilt else { throw failure(expected: "a built model", got: "one that is not") }
    try checkInputs(count)
  }
}
