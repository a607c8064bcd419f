internal import RecurraLayers
internal import RecurraTensor

/// Turns the arguments of a layer of this package into those that Keras' layer of that name takes.
struct KerasArguments {
  /// Names the file in errors: "write model.keras".
  let operation: String

  /// What is an argument of the layer here, and of its calls in Keras.
  static let ofCalls = ["use_causal_mask", "return_attention_scores"]

  /// The layer as a Keras object, with the layers inside it.
  func json(_ layer: JSONValue, name: String, isTrainable: Bool = true) throws(RecurraError) -> JSONValue {
    guard case .string(let className)? = layer["class_name"], case .object(let members)? = layer["config"] else {
      return layer
    }
    guard !Self.own.contains(className) else { throw refused("a layer that Keras has", got: className) }
    var config: [(name: String, value: JSONValue)] = [("name", .string(name)), ("trainable", .bool(isTrainable))]
    for member in members where member.name != "name" && member.name != "trainable" {
      if Self.ofCalls.contains(member.name) || className == "RNN" && member.name == "layers" { continue }
      if let values = Self.foreign[member.name] {
        guard values.contains(member.value) else {
          throw refused("settings that Keras has", got: "\(member.name) of \(className)")
        }
        continue
      }
      if member.name.hasSuffix("activation"), case .string(let function) = member.value,
        !Self.activations.contains(function)
      {
        throw refused("an activation that Keras has", got: "\(function) in \(className)")
      }
      config.append((member.name, try argument(member.name, member.value)))
    }
    if className == "RNN", case .array(let layers)? = layer["config"]?["layers"] {
      guard layer["config"]?["dropout"] == .number(0), layer["config"]?["residual"] == .bool(false) else {
        throw refused("settings that Keras has", got: "dropout or residual of RNN")
      }
      config = try stacked(layers, config)
    }
    return .object([
      ("module", .string("keras.layers")), ("class_name", .string(className)), ("config", .object(config)),
      ("registered_name", .null),
    ])
  }

  /// An operation on tensors as a node of Keras.
  static func operation(_ operation: TensorOperation, name: String) -> JSONValue {
    let description = operation.configuration
    var config: [(name: String, value: JSONValue)] = [("name", .string(name))]
    if case .object(let settings)? = description["settings"] { config += settings }
    return .object([
      ("module", description["module"] ?? .string("keras.src.ops.numpy")),
      ("class_name", .string(operation.operation)), ("config", .object(config)),
      ("registered_name", .string(operation.operation)),
    ])
  }

  /// What an operation is called with, with tensors in their places.
  static func filled(_ json: JSONValue, _ tensors: [JSONValue]) -> JSONValue {
    switch json {
    case .array(let elements): return .array(elements.map { filled($0, tensors) })
    case .object(let members):
      if case .integer(let index)? = json["tensor"], tensors.indices.contains(index) { return tensors[index] }
      return .object(members.map { ($0.name, filled($0.value, tensors)) })
    default: return json
    }
  }

  /// Layers that run over time as one, as Keras' RNN of cells.
  private func stacked(
    _ layers: [JSONValue], _ config: [(name: String, value: JSONValue)]
  ) throws(RecurraError) -> [(name: String, value: JSONValue)] {
    var cells: [JSONValue] = []
    let kept = ["return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask"]
    for (index, layer) in layers.enumerated() {
      guard case .string(let className)? = layer["class_name"], ["LSTM", "GRU", "SimpleRNN"].contains(className),
        case .object(let members)? = layer["config"]
      else { throw refused("cells that Keras has", got: layer["class_name"]?.text ?? "another") }
      let cell = JSONValue.object([
        ("class_name", .string("\(className)Cell")),
        ("config", .object(members.filter { !kept.contains($0.name) && !$0.name.hasPrefix("activity") })),
      ])
      cells.append(try json(cell, name: "cell_\(index)"))
    }
    let own = config.filter { !["layers", "dropout", "residual"].contains($0.name) }
    let last = layers.last?["config"]
    let stack = JSONValue.object([
      ("module", .string("keras.layers")), ("class_name", .string("StackedRNNCells")),
      ("config", .object([("name", .string("stacked_rnn_cells")), ("cells", .array(cells))])),
      ("registered_name", .null),
    ])
    return own + kept.compactMap { name in last?[name].map { (name, $0) } }
      + [("cell", cells.count == 1 ? cells[0] : stack)]
  }

  /// An argument: layers and rules among them are objects with a module.
  private func argument(_ name: String, _ value: JSONValue) throws(RecurraError) -> JSONValue {
    if value["class_name"] != nil, value["config"] != nil {
      for kind in ["initializer", "regularizer", "constraint"] where name.hasSuffix(kind) {
        return value.adding([("module", .string("keras.\(kind)s")), ("registered_name", .null)])
      }
      return try json(value, name: name)
    }
    if case .array(let elements) = value, elements.contains(where: { $0["class_name"] != nil }) {
      var layers: [JSONValue] = []
      for (index, element) in elements.enumerated() { layers.append(try argument("\(name)_\(index)", element)) }
      return .array(layers)
    }
    return value
  }

  /// Keras' activations by name.
  private static let activations: Set<String> = [
    "linear", "relu", "sigmoid", "tanh", "hard_sigmoid", "softsign", "elu", "softplus", "silu", "relu6", "selu", "gelu",
    "mish", "exponential", "hard_tanh", "hard_silu", "log_sigmoid", "tanh_shrink", "sparse_plus", "sparse_sigmoid",
    "softmax", "log_softmax", "sparsemax", "leaky_relu", "celu", "hard_shrink", "soft_shrink", "squareplus",
  ]

  /// Layers that this package has and Keras has not.
  private static let own: Set<String> = [
    "IndRNN", "MGU", "MinGRU", "MinLSTM", "SLSTM", "LayerNormLSTM", "LayerNormGRU", "TiedDense", "LastTimestep",
    "ONNXLayer",
  ]

  /// Arguments that this package has and Keras has not, with the values that change nothing.
  private static let foreign: [String: [JSONValue]] = [
    "output_activation": [.null, .string("tanh")], "use_peepholes": [.bool(false)], "couple_gates": [.bool(false)],
    "clip": [.null], "memory_clip": [.null], "projection_units": [.null], "return_memories": [.bool(false)],
    "learn_initial_state": [.bool(false)], "zoneout": [.integer(0), .number(0)],
    "weight_dropout": [.integer(0), .number(0)],
  ]

  private func refused(_ expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: operation, expected: expected, got: got)
  }
}
