internal import RecurraTensor

/// What Keras writes into a graph that is no graph of layers and values here.
extension GraphDescription {
  /// What Keras says of an attention layer with each call is a setting of ours.
  static let callSettings = ["use_causal_mask", "return_attention_scores"]

  /// A layer's description with what its calls say of it as arguments; each call has to say the same.
  static func withCallSettings(_ json: JSONValue) throws(RecurraError) -> JSONValue {
    guard case .array(let calls)? = json["inbound_nodes"] else { return json }
    var additions: [(name: String, value: JSONValue)] = []
    for name in callSettings {
      let said = calls.map { $0["kwargs"]?[name] == .bool(true) }
      guard said.contains(true) else { continue }
      guard !said.contains(false) else { throw GraphDraft.failure("calls that agree in \(name)", got: "both") }
      additions.append((name, .bool(true)))
    }
    guard !additions.isEmpty else { return json }
    return json.replacing("config") { config in
      guard case .object(let arguments) = config else { return config }
      return .object(arguments + additions)
    }
  }

  /// The arguments by which Keras hands a layer the mask of an input.
  private static let maskArguments: Set<String> = ["mask", "query_mask", "value_mask", "key_mask"]

  /// The layers without the operations that make masks alone, and without such masks as arguments: a value carries its
  /// mask along here.
  static func withoutMasks(_ layers: [JSONValue], outputs: JSONValue?) -> [JSONValue] {
    var reads: [String: (plain: [String], masks: [String])] = [:]
    for layer in layers { reads[text(layer["name"]), default: ([], [])] = sources(of: layer) }
    guard reads.values.contains(where: { !$0.masks.isEmpty }) else { return layers }
    func reached(withMasks: Bool) -> Set<String> {
      var (found, pending) = (Set<String>(), names(in: outputs))
      while let name = pending.popLast() {
        guard found.insert(name).inserted, let read = reads[name] else { continue }
        pending += withMasks ? read.plain + read.masks : read.plain
      }
      return found
    }
    let inputs = layers.filter { $0["class_name"] == .string("InputLayer") }.map { text($0["name"]) }
    let dropped = reached(withMasks: true).subtracting(reached(withMasks: false)).subtracting(inputs)
    return layers.filter { !dropped.contains(text($0["name"])) }.map { layer in
      layer.replacing("inbound_nodes") { nodes in
        guard case .array(let calls) = nodes else { return nodes }
        return .array(
          calls.map { call in
            call.replacing("kwargs") { arguments in
              guard case .object(let members) = arguments else { return arguments }
              return .object(
                members.filter { member in
                  let sources = histories(in: member.value)
                  return !maskArguments.contains(member.name) || sources.isEmpty || !dropped.isSuperset(of: sources)
                })
            }
          })
      }
    }
  }

  /// The layers that a layer's calls read, as values and as masks.
  private static func sources(of layer: JSONValue) -> (plain: [String], masks: [String]) {
    guard case .array(let calls)? = layer["inbound_nodes"] else { return ([], []) }
    var (plain, masks) = ([String](), [String]())
    for call in calls {
      plain += histories(in: call["args"] ?? .null)
      guard case .object(let members)? = call["kwargs"] else { continue }
      for member in members {
        if maskArguments.contains(member.name) {
          masks += histories(in: member.value)
        } else {
          plain += histories(in: member.value)
        }
      }
    }
    return (plain, masks)
  }

  /// The names of the layers whose values stand anywhere in Keras' arguments.
  private static func histories(in json: JSONValue) -> [String] {
    var (found, pending) = ([String](), [json])
    while let value = pending.popLast() {
      switch value {
      case .array(let elements): pending += elements
      case .object(let members):
        if case .array(let history)? = value["config"]?["keras_history"] {
          found.append(text(history.first))
        } else {
          pending += members.map(\.value)
        }
      default: break
      }
    }
    return found
  }

  /// The names of a model's outputs: `["name", call, output]`, lists of such, or objects.
  private static func names(in outputs: JSONValue?) -> [String] {
    var (found, pending) = ([String](), [outputs ?? .null])
    while let value = pending.popLast() {
      switch value {
      case .array(let elements):
        if case .string(let name)? = elements.first { found.append(name) } else { pending += elements }
      case .object(let members): pending += members.map(\.value)
      default: break
      }
    }
    return found
  }

  private static func text(_ json: JSONValue?) -> String {
    if case .string(let text)? = json { text } else { "" }
  }
}

extension JSONValue {
  /// An object with another value for a name that it has.
  fileprivate func replacing(_ name: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.map { $0.name == name ? ($0.name, change($0.value)) : $0 })
  }
}
