internal import RecurraTensor

/// Operations on tensors among the layers of Keras' functional models.
extension GraphDescription {
  /// The layers with operations of `keras.ops` in the form of this package: what a call says besides its tensors is a
  /// setting here.
  static func withOperations(_ layers: [JSONValue]) throws(RecurraError) -> [JSONValue] {
    var result: [JSONValue] = []
    for layer in layers { result.append(isOperation(layer) ? try operation(layer) : layer) }
    return result
  }

  private static func isOperation(_ layer: JSONValue) -> Bool {
    guard case .string(let module)? = layer["module"] else { return false }
    return module.hasPrefix("keras.src.ops") || module.hasPrefix("keras.ops")
  }

  private static func operation(_ layer: JSONValue) throws(RecurraError) -> JSONValue {
    guard case .array(let calls)? = layer["inbound_nodes"], calls.count == 1,
      case .string(let name)? = layer["class_name"]
    else { throw GraphDraft.failure("an operation that is called once", got: layer["name"]?.shortText ?? "another") }
    var tensors: [JSONValue] = []
    func template(_ json: JSONValue) -> JSONValue {
      switch json {
      case .array(let elements): return .array(elements.map(template))
      case .object(let members):
        if let history = json["config"]?["keras_history"] {
          tensors.append(history)
          return .object([(OperationArgument.tensor, .integer(tensors.count - 1))])
        }
        return .object(members.map { ($0.name, template($0.value)) })
      default: return json
      }
    }
    let arguments = template(calls[0]["args"] ?? .array([]))
    let named = template(calls[0]["kwargs"] ?? .object([]))
    var settings: [(name: String, value: JSONValue)] = []
    if case .object(let members)? = layer["config"] {
      settings = members.filter {
        !["name", "trainable", "dtype"].contains($0.name) || name == "Cast" && $0.name == "dtype"
      }
    }
    let config: [(name: String, value: JSONValue)] = [
      ("operation", .string(name)), ("module", layer["module"] ?? .null), ("arguments", arguments), ("named", named),
      ("settings", .object(settings)),
    ]
    return .object([
      ("class_name", .string(TensorOperation.typeName)), ("config", .object(config)),
      ("name", layer["name"] ?? .null), ("inbound_nodes", .array([.array(tensors)])),
    ])
  }
}
