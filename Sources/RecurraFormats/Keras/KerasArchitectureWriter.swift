internal import RecurraLayers
internal import RecurraTensor

/// Writes a model's layers as Keras 3 does: `config.json` without the compile configuration.
struct KerasArchitectureWriter {
  /// Names the file in errors: "write model.keras".
  let operation: String

  private static let typeOfTensors = "__keras_tensor__"

  /// The model as a Keras object.
  ///
  /// - Throws: `badArgument` for a layer or a setting that Keras has not, by its name.
  func json(_ model: any Network) throws(RecurraError) -> JSONValue {
    let isSequential = model is Sequential
    let config = isSequential ? try sequential(model) : try functional(model)
    let shape: JSONValue = isSequential ? Self.shape(model.inputShapes?.first ?? []) : .null
    return .object([
      ("module", .string(isSequential ? "keras" : "keras.src.models.functional")),
      ("class_name", .string(isSequential ? "Sequential" : "Functional")), ("config", config),
      ("registered_name", isSequential ? .null : .string("Functional")),
      ("build_config", .object([("input_shape", shape)])),
    ])
  }

  private func sequential(_ model: any Network) throws(RecurraError) -> JSONValue {
    if model.layers.dropLast().contains(where: { $0.returnsStates }) || model.outputCount > 1 {
      throw refused("layers that hand on one value each", got: "states that go from layer to layer")
    }
    var layers = [inputLayer(model, 0)]
    for (name, layer) in zip(model.layerNames, model.layers) { layers.append(try self.layer(layer, name: name)) }
    return .object([
      ("name", .string(model.name)), ("trainable", .bool(true)), ("dtype", Self.dtype(model)),
      ("layers", .array(layers)), ("build_input_shape", Self.shape(model.inputShapes?.first ?? [])),
    ])
  }

  private func functional(_ model: any Network) throws(RecurraError) -> JSONValue {
    let calls = model.callsOfLayers
    var layers: [JSONValue] = []
    for row in model.rowsOfSummary {
      if let input = row.input {
        layers.append(
          inputLayer(model, input).adding([
            ("name", .string(model.inputLayerNames[input])), ("inbound_nodes", .array([])),
          ]))
      } else if let index = row.layer {
        let (layer, name) = (model.layers[index], model.layerNames[index])
        var json = try self.layer(layer, name: name)
        if layer.network != nil { json = json.replacing("config") { $0.replacing("name") { _ in .string(name) } } }
        let nodes = calls[index].map { node(of: layer, $0, dtype: Self.dtypeName(model)) }
        layers.append(json.adding([("name", .string(name)), ("inbound_nodes", .array(nodes))]))
      }
    }
    let inputs = model.inputLayerNames.map { JSONValue.array([.string($0), .integer(0), .integer(0)]) }
    return .object([
      ("name", .string(model.name)), ("trainable", .bool(true)), ("layers", .array(layers)),
      ("input_layers", Self.ends(inputs, model.keys.inputs)),
      ("output_layers", Self.ends(model.outputSources.map { Self.history($0, isOutput: true) }, model.keys.outputs)),
    ])
  }

  private static func ends(_ sources: [JSONValue], _ keys: [String]?) -> JSONValue {
    if let keys { return .object(zip(keys, sources).map { (name: $0, value: $1) }) }
    return sources.count == 1 ? sources[0] : .array(sources)
  }

  /// `["name", call, output]`; where outputs are listed, Keras counts the making of a functional model as its first
  /// call.
  private static func history(_ source: GraphCall.Source, isOutput: Bool = false) -> JSONValue {
    let number = source.number + (isOutput && source.isOfGraph ? 1 : 0)
    return .array([.string(source.name), .integer(number), .integer(source.output)])
  }

  /// A call: the tensors as Keras' layers take them.
  private func node(of layer: any Layer, _ call: GraphCall, dtype: String) -> JSONValue {
    let tensors = call.inputs.map { source in
      JSONValue.object([
        ("class_name", .string(Self.typeOfTensors)),
        (
          "config",
          .object([
            ("shape", Self.shape(source.shape)), ("dtype", .string(dtype)), ("keras_history", Self.history(source)),
          ])
        ),
      ])
    }
    if let operation = layer as? TensorOperation {
      func filled(_ json: JSONValue?) -> JSONValue { KerasArguments.filled(json ?? .null, tensors) }
      let description = operation.configuration
      return .object([
        ("args", filled(description["arguments"])), ("kwargs", filled(description["named"] ?? .object([]))),
      ])
    }
    var (arguments, named) = (tensors, [(name: String, value: JSONValue)]())
    if layer.recurrentParts != nil, tensors.count > 1 {
      arguments = [tensors[0]]
      named = [("initial_state", .array(Array(tensors.dropFirst())))]
    } else if tensors.count > 1, !(layer is MultiHeadAttention) {
      arguments = [.array(tensors)]
    }
    for name in KerasArguments.ofCalls where layer.configuration[name] == .bool(true) {
      named.append((name, .bool(true)))
    }
    return .object([("args", .array(arguments)), ("kwargs", .object(named))])
  }

  private func inputLayer(_ model: any Network, _ index: Int) -> JSONValue {
    let isIDs = model.inputIDCounts[index] != nil
    return .object([
      ("module", .string("keras.layers")), ("class_name", .string("InputLayer")),
      (
        "config",
        .object([
          ("batch_shape", Self.shape(model.inputShapes?[index] ?? [])),
          ("dtype", .string(isIDs ? "int32" : Self.dtypeName(model))), ("sparse", .bool(false)),
          ("name", .string(model.inputLayerNames[index])),
        ])
      ), ("registered_name", .null),
    ])
  }

  /// A layer, or a model that is one.
  private func layer(_ layer: any Layer, name: String) throws(RecurraError) -> JSONValue {
    if let model = layer.network { return try json(model) }
    if let operation = layer as? TensorOperation { return KerasArguments.operation(operation, name: name) }
    return try KerasArguments(operation: operation).json(layer.json, name: name, isTrainable: Self.isTrainable(layer))
  }

  private static func isTrainable(_ layer: any Layer) -> Bool {
    layer.parameters.isEmpty || layer.parameters.contains { !$0.isFrozen }
  }

  private static func dtypeName(_ model: any Network) -> String { (model.dtype ?? .float32).rawValue }
  private static func dtype(_ model: any Network) -> JSONValue { .string(dtypeName(model)) }

  private static func shape(_ shape: [Int?]) -> JSONValue {
    .array(shape.map { extent in extent.map { .integer($0) } ?? .null })
  }

  private func refused(_ expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: operation, expected: expected, got: got)
  }
}

extension Layer {
  /// Tells whether the layer hands on states beside its output.
  fileprivate var returnsStates: Bool { outputCount > 1 }
}

extension JSONValue {
  /// An object with further members.
  func adding(_ members: [(name: String, value: JSONValue)]) -> JSONValue {
    guard case .object(let own) = self else { return self }
    return .object(own.filter { member in !members.contains { $0.name == member.name } } + members)
  }

  /// An object with another value for a name that it has.
  func replacing(_ name: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.map { $0.name == name ? ($0.name, change($0.value)) : $0 })
  }
}
