public import RecurraTensor

/// A graph as JSON.
extension Model {
  /// Makes a model from its description, with fresh parameters from `seed`.
  ///
  /// It is Keras' layout: `{"class_name": "Functional", "config": {"layers": […], "input_layers": […],
  /// "output_layers": […]}}`. Inputs are layers of the class InputLayer with a `batch_shape`; every other layer has
  /// `inbound_nodes`, a list for each of its calls with `["name", call, output]` for each input. What Keras itself
  /// writes there is read too.
  ///
  /// - Throws: `badArgument` for a class outside `registry`, an argument that is unknown or wrong, and for a graph that
  ///   is none; `badData` where a layer does not take the shapes it would get.
  public convenience init(
    configuration: JSONValue, seed: UInt64 = 0, registry: Registry = .standard
  ) throws(RecurraError) {
    let reader = try LayerArguments(model: configuration, Self.typeName, registry)
    let description = try GraphDescription(reader)
    try reader.requireAllRead()
    self.init(plan: try GraphPlan(description.draft), name: description.name, seed: seed)
    try buildForOwnShapes(description.dtype)
  }

  /// Makes a model that is a layer of another one; it is built with that one.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let description = try GraphDescription(configuration)
    self.init(plan: try GraphPlan(description.draft), name: description.name, seed: 0)
  }

  /// The arguments of the model in Keras' layout, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    let plan = graph.plan
    let rows = plan.rows.map { row in
      switch row {
      case .input(let index): inputJSON(index)
      case .layer(let index): layerJSON(index)
      }
    }
    var result: [String: JSONValue] = [
      "name": .string(name), "layers": .array(rows),
      "input_layers": ends(plan.inputs.indices.map { GraphPlan.Source(node: $0, output: 0) }, plan.inputKeys),
      "output_layers": ends(plan.outputs, plan.outputKeys),
    ]
    if let dtype { result["dtype"] = .string(dtype.rawValue) }
    return result
  }

  /// Inputs or outputs as a list, or by their keys.
  private func ends(_ sources: [GraphPlan.Source], _ keys: [String]?) -> JSONValue {
    let sources = sources.map(json)
    return keys.map { .object(zip($0, sources).map { (name: $0, value: $1) }) } ?? .array(sources)
  }

  private func inputJSON(_ index: Int) -> JSONValue {
    let shape = [nil] + (inputShapes?[index] ?? graph.plan.inputs[index].shape ?? []).dropFirst()
    let name = JSONValue.string(graph.plan.inputs[index].name)
    return .object([
      ("class_name", .string("InputLayer")), ("config", .object([("batch_shape", JSONValue(shape: shape))])),
      ("inbound_nodes", .array([])), ("name", name),
    ])
  }

  private func layerJSON(_ index: Int) -> JSONValue {
    let (plan, entry) = (graph.plan, graph.plan.layers[index])
    let additions = entry.additions(among: plan.layers, layerNames)
    guard case .object(let members) = entry.layer.json(adding: additions) else { return .null }
    let calls = plan.callsOfLayers[index].map { JSONValue.array(plan.calls[$0].inputs.map(json)) }
    return .object(members + [("inbound_nodes", .array(calls)), ("name", .string(layerNames[index]))])
  }

  /// A source as `["name", call, output]`.
  private func json(_ source: GraphPlan.Source) -> JSONValue {
    .array([
      .string(graph.plan.name(of: source)), .integer(graph.plan.number(of: source)), .integer(source.output),
    ])
  }
}

extension LayerArguments {
  /// Reads a model's class and arguments, or its arguments alone.
  init(model json: JSONValue, _ typeName: String, _ registry: Registry) throws(RecurraError) {
    if let className = json["class_name"], className != .string(typeName) {
      throw RecurraError(
        .badArgument, operation: "model", expected: "the class_name \"\(typeName)\"", got: className.shortText)
    }
    let config = json["config"] ?? json
    guard case .object(let arguments) = config else {
      throw RecurraError(.badArgument, operation: "model config", expected: "an object", got: config.shortText)
    }
    let values = Dictionary(arguments.map { ($0.name, $0.value) }) { first, _ in first }
    self.init(typeName: typeName, values: values, registry: registry)
  }
}
