internal import RecurraLayers

/// Counts the calls of models inside a functional model from 0, as those of layers: Keras counts the making of a model
/// as its first call, in Keras 3 where outputs are listed, in Keras 2 everywhere.
struct KerasCallNumbers {
  let version: KerasVersion
  /// The models among the layers.
  private let models: Set<String>

  init(_ config: JSONValue, _ version: KerasVersion) {
    self.version = version
    var models: Set<String> = []
    if case .array(let layers)? = config["layers"] {
      for layer in layers {
        guard case .string(let name)? = layer["name"] ?? layer["config"]?["name"] else { continue }
        let className = layer["class_name"]
        let isGraph = className == .string("Functional") || className == .string("Model")
        if isGraph || version.major < 3 && className == .string("Sequential") && Self.beginsWithInput(layer) {
          models.insert(name)
        }
      }
    }
    self.models = models
  }

  private static func beginsWithInput(_ layer: JSONValue) -> Bool {
    guard case .array(let layers)? = layer["config"]?["layers"], let first = layers.first else { return false }
    return first["class_name"] == .string("InputLayer") || first["config"]?["batch_input_shape"] != nil
  }

  /// The arguments of a functional model with calls counted from 0.
  func counted(_ config: JSONValue) -> JSONValue {
    guard !models.isEmpty else { return config }
    var config = config.replacing("output_layers", lessOne)
    if version.major < 3 {
      config = config.replacing("layers") { layers in
        guard case .array(let layers) = layers else { return layers }
        return .array(layers.map { $0.replacing("inbound_nodes", lessOne) })
      }
    }
    return config
  }

  /// Every `["name", call, output, …]` of a model with one call less.
  private func lessOne(_ json: JSONValue) -> JSONValue {
    switch json {
    case .array(let parts):
      if parts.count >= 3, case .string(let name) = parts[0], case .integer(let call) = parts[1], models.contains(name)
      {
        return .array([parts[0], .integer(call - 1)] + parts.dropFirst(2))
      }
      return .array(parts.map(lessOne))
    case .object(let members): return .object(members.map { ($0.name, lessOne($0.value)) })
    default: return json
    }
  }
}
