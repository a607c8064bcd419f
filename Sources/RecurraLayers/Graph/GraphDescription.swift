internal import RecurraTensor

/// What a description of a graph says.
struct GraphDescription {
  private(set) var name = "functional"
  private(set) var dtype = DType.float32
  private(set) var draft = GraphDraft()
  /// The nodes of each layer's calls, by its name.
  private var nodes = NamedValues<[Int]>()

  init(_ arguments: LayerArguments) throws(RecurraError) {
    name = try arguments.string("name", default: name)
    dtype = try arguments.floatingType("dtype")
    let layers = try Self.withOperations(
      Self.withoutMasks(try Self.list(arguments, "layers"), outputs: arguments.values["output_layers"]))
    // Nodes exist before any of them is read: a layer may stand in front of what it reads.
    var reads: [(node: Int, call: JSONValue)] = []
    for (index, json) in layers.enumerated() {
      do {
        reads += try add(json, arguments.registry)
      } catch {
        throw RecurraError(
          error.kind, operation: "model layer \(index): \(error.operation)", expected: error.expected, got: error.got)
      }
    }
    try LayerEntry.resolveTies(draft.layers)
    for (node, call) in reads { draft.nodes[node].inputs = try sources(of: call, draft.text(node)) }
    let (inputs, outputs) = (try Self.ends(arguments, "input_layers"), try Self.ends(arguments, "output_layers"))
    draft.inputs = try inputs.sources.map { (end) throws(RecurraError) in try source(end).node }
    draft.outputs = try outputs.sources.map { (end) throws(RecurraError) in try source(end) }
    (draft.inputKeys, draft.outputKeys) = (inputs.keys, outputs.keys)
  }

  /// Takes a layer in, and returns its calls, not read yet.
  private mutating func add(
    _ json: JSONValue, _ registry: Registry
  ) throws(RecurraError) -> [(node: Int, call: JSONValue)] {
    let given = json["name"] ?? json["config"]?["name"]
    guard case .string(let name)? = given, !name.isEmpty else {
      throw GraphDraft.failure("a layer with a name", got: given?.shortText ?? "none")
    }
    guard nodes[name] == nil else { throw GraphDraft.failure("names that differ", got: "\(name.excerpt) twice") }
    if json["class_name"] == .string("InputLayer") {
      let config = json["config"]
      let shape = config?["batch_shape"] ?? config?["batch_input_shape"]
      guard let extents = shape?.shape, !extents.isEmpty else {
        throw RecurraError(
          .badArgument, operation: "InputLayer", expected: "a batch_shape", got: shape?.shortText ?? "none")
      }
      nodes[name] = [draft.nodes.count]
      draft.nodes.append(GraphDraft.Node(shape: [nil] + extents.dropFirst(), name: name, serial: draft.nodes.count))
      return []
    }
    let entry = try SequentialPlan.entry(try Self.withCallSettings(json), registry)
    let position = draft.layers.count
    draft.layers.append(LayerEntry(layer: entry.layer, name: name, isTrainable: entry.isTrainable))
    guard case .array(let calls)? = json["inbound_nodes"], !calls.isEmpty else {
      throw GraphDraft.failure(
        "inbound_nodes of \(name.excerpt), a list for each call", got: json["inbound_nodes"]?.shortText ?? "none")
    }
    let first = draft.nodes.count
    for _ in calls { draft.nodes.append(GraphDraft.Node(layer: position, name: name, serial: draft.nodes.count)) }
    nodes[name] = Array(first..<draft.nodes.count)
    return calls.enumerated().map { (first + $0, $1) }
  }

  /// The inputs of a call: a list of sources, or what Keras writes.
  private func sources(of call: JSONValue, _ reader: String) throws(RecurraError) -> [GraphPlan.Source] {
    var found: [JSONValue] = []
    if case .array(let sources) = call {
      found = sources
    } else if case .object(let members) = call {
      for (name, value) in members where name == "args" || name == "kwargs" { found += try Self.histories(value) }
    }
    guard !found.isEmpty else {
      throw GraphDraft.failure("sources [\"name\", call, output] for \(reader)", got: call.shortText)
    }
    var sources: [GraphPlan.Source] = []
    for json in found { sources.append(try source(json)) }
    return sources
  }

  /// Keras' tensors among a call's arguments, in their order; other arguments must say nothing.
  private static func histories(_ json: JSONValue) throws(RecurraError) -> [JSONValue] {
    var (found, pending) = ([JSONValue](), [json])
    while let value = pending.popLast() {
      switch value {
      case .array(let elements): pending += elements.reversed()
      case .object(var members):
        members.removeAll { callSettings.contains($0.name) }
        if let history = value["config"]?["keras_history"] {
          found.append(history)
        } else {
          pending += members.reversed().map(\.value)
        }
      case .null, .bool(false): break
      default: throw GraphDraft.failure("calls with values alone", got: "an argument \(value.shortText)")
      }
    }
    return found
  }

  /// Reads `["name", call, output]`; Keras 2 writes an empty object behind.
  private func source(_ json: JSONValue) throws(RecurraError) -> GraphPlan.Source {
    guard case .array(let parts) = json, parts.count >= 3, case .string(let name) = parts[0],
      let call = parts[1].wholeNumber, let output = parts[2].wholeNumber,
      parts.dropFirst(3).allSatisfy({ $0 == .object([]) })
    else { throw GraphDraft.failure("[\"name\", call, output]", got: json.shortText) }
    guard let calls = nodes[name] else {
      throw GraphDraft.failure("the name of a layer", got: "\(name.excerpt), which there is not")
    }
    guard calls.indices.contains(call) else {
      throw GraphDraft.failure("one of \(calls.count) calls of \(name.excerpt)", got: "number \(call)")
    }
    return GraphPlan.Source(node: calls[call], output: output)
  }

  private static func list(_ arguments: LayerArguments, _ name: String) throws(RecurraError) -> [JSONValue] {
    guard case .array(let elements)? = arguments.value(name) else {
      throw arguments.failure(name, expected: "a list", got: arguments.values[name] ?? .null)
    }
    return elements
  }

  /// A list of sources; Keras writes one source without a list around it, and several as lists and objects inside each
  /// other, whose members count in the order of their names.
  private static func ends(
    _ arguments: LayerArguments, _ name: String
  ) throws(RecurraError) -> (sources: [JSONValue], keys: [String]?) {
    guard let value = arguments.value(name) else {
      throw arguments.failure(name, expected: "a list", got: arguments.values[name] ?? .null)
    }
    var (sources, keys) = ([JSONValue](), [String?]())
    var pending: [(key: String?, value: JSONValue)] = [(nil, value)]
    while let (key, value) = pending.popLast() {
      switch value {
      case .array(let elements):
        // One source is a list that begins with a name.
        if case .string? = elements.first {
          sources.append(value)
          keys.append(key)
        } else {
          let tuple = elements.map { (key: key, value: $0) }
          pending += tuple.reversed()
        }
      case .object(let members) where value["class_name"] == .string("__tuple__"):
        pending += members.filter { $0.name == "items" }.map { (key: key, value: $0.value) }
      case .object(let members):
        let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        pending += sorted.reversed().map { (key: $0.name, value: $0.value) }
      default: throw arguments.failure(name, expected: "a list of [\"name\", call, output]", got: value)
      }
    }
    let known = keys.compactMap { $0 }
    let areKeys = known.count == keys.count && Set(known.map { Array($0.utf8) }).count == known.count
    return (sources, areKeys ? known : nil)
  }
}

extension LayerArguments {
  /// Reads the type a model computes in: its name, or Keras' policy of that name.
  func floatingType(_ name: String) throws(RecurraError) -> DType {
    guard let value = value(name) else { return .float32 }
    let text = value["config"]?["name"] ?? value
    guard case .string(let name) = text, let dtype = DType(rawValue: name), dtype.isFloating else {
      throw failure("dtype", expected: "float32 or float64", got: text)
    }
    return dtype
  }
}
