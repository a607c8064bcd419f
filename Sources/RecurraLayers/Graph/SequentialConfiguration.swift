public import RecurraTensor

extension Sequential {
  /// Makes a model from its description, with fresh parameters from `seed`; builds it where the input shape is given.
  ///
  /// Three forms are read: a list of layers `[{"class_name": "LSTM", "config": {"units": 100}}, …]`, Keras' model
  /// `{"class_name": "Sequential", "config": {"layers": […]}}`, and its `config` alone. The shape comes from an
  /// `InputLayer` at the front, from `build_input_shape`, or from the first layer's `batch_input_shape`.
  ///
  /// - Throws: `badArgument` for a class outside `registry` and for an argument that is unknown, wrong or not
  ///   supported.
  public convenience init(
    configuration: JSONValue, seed: UInt64 = 0, registry: Registry = .standard
  ) throws(RecurraError) {
    let plan: SequentialPlan
    switch configuration {
    case .array(let layers): plan = try SequentialPlan(layers: layers, registry)
    case .object:
      let reader = try LayerArguments(model: configuration, Self.typeName, registry)
      plan = try SequentialPlan(reader)
      try reader.requireAllRead()
    default:
      throw RecurraError(
        .badArgument, operation: "model", expected: "a list of layers or a Sequential", got: configuration.shortText)
    }
    self.init(entries: plan.entries, name: plan.name, seed: seed)
    if let shape = plan.inputShape { try build(inputShape: shape, dtype: plan.dtype) }
  }

  /// Makes a model that is a layer of another one.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let plan = try SequentialPlan(configuration)
    self.init(entries: plan.entries, name: plan.name, seed: 0)
  }

  /// The arguments of the model as Keras writes them, with the names of the layers and, once built, the input shape.
  public var configuration: [String: JSONValue] {
    let layers = zip(graph.plan.layers, layerNames).map { entry, name in
      var additions = entry.additions(among: graph.plan.layers, layerNames)
      additions["name"] = .string(name)
      return entry.layer.json(adding: additions)
    }
    var result: [String: JSONValue] = ["name": .string(name), "layers": .array(layers)]
    if let inputShape { result["build_input_shape"] = JSONValue(shape: [nil] + inputShape.dropFirst()) }
    if let dtype { result["dtype"] = .string(dtype.rawValue) }
    return result
  }
}

/// What a description of a model says.
struct SequentialPlan {
  var name = "sequential"
  var entries: [LayerEntry] = []
  var inputShape: [Int?]?
  var dtype = DType.float32

  init(_ arguments: LayerArguments) throws(RecurraError) {
    guard case .array(let layers)? = arguments.value("layers") else {
      throw arguments.failure("layers", expected: "a list of layers", got: arguments.values["layers"] ?? .null)
    }
    try self.init(layers: layers, arguments.registry)
    name = try arguments.string("name", default: name)
    if let value = arguments.value("build_input_shape") {
      guard let shape = value.shape else {
        throw arguments.failure("build_input_shape", expected: "a list of extents", got: value)
      }
      inputShape = inputShape ?? shape
    }
    dtype = try arguments.floatingType("dtype")
  }

  init(layers: [JSONValue], _ registry: Registry) throws(RecurraError) {
    for (index, json) in layers.enumerated() {
      do {
        if json["class_name"] == .string("InputLayer") {
          inputShape = try Self.inputShape(json, isFirst: index == 0)
        } else {
          entries.append(try Self.entry(json, registry))
        }
      } catch {
        throw RecurraError(
          error.kind, operation: "model layer \(index): \(error.operation)", expected: error.expected, got: error.got)
      }
    }
    if let shape = layers.first?["config"]?["batch_input_shape"]?.shape { inputShape = shape }
    var names: Set<[UInt8]> = []
    if let twice = entries.compactMap(\.name).first(where: { !names.insert(Array($0.utf8)).inserted }) {
      throw RecurraError(
        .badArgument, operation: "model", expected: "layer names that differ", got: "\(twice.excerpt) twice")
    }
    try LayerEntry.resolveTies(entries)
  }

  private static func inputShape(_ json: JSONValue, isFirst: Bool) throws(RecurraError) -> [Int?] {
    let config = json["config"]
    let given = config?["batch_shape"] ?? config?["batch_input_shape"]
    guard isFirst, let shape = given?.shape, !shape.isEmpty else {
      throw RecurraError(
        .badArgument, operation: "InputLayer", expected: isFirst ? "a batch_shape" : "the first place",
        got: isFirst ? given?.shortText ?? "none" : "a later one")
    }
    return shape
  }

  /// A layer with what belongs to its place in a model: its name, and whether it is trained.
  static func entry(_ json: JSONValue, _ registry: Registry) throws(RecurraError) -> LayerEntry {
    var entry = LayerEntry(layer: try registry.layer(from: json.without("trainable")))
    switch json["config"]?["name"] {
    case .string(let name)? where !name.isEmpty && !name.contains("/"): entry.name = name
    case nil, .null?: break
    case let other?:
      throw RecurraError(
        .badArgument, operation: "layer argument name", expected: "a text without \"/\"", got: other.shortText)
    }
    switch json["config"]?["trainable"] {
    case .bool(let isTrainable)?: entry.isTrainable = isTrainable
    case nil, .null?: break
    case let other?:
      throw RecurraError(
        .badArgument, operation: "layer argument trainable", expected: "true or false", got: other.shortText)
    }
    return entry
  }
}

extension JSONValue {
  /// A layer's description without one of its arguments.
  fileprivate func without(_ argument: String) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(
      members.map { member in
        guard member.name == "config", case .object(let arguments) = member.value else { return member }
        return (member.name, .object(arguments.filter { $0.name != argument }))
      })
  }
}
