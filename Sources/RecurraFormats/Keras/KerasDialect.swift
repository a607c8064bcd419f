internal import RecurraLayers
internal import RecurraTensor

/// Says what older versions of Keras wrote in the words of Keras 3, so that each name keeps the formula it had.
struct KerasDialect {
  let version: KerasVersion

  /// A model or a layer, with all that is inside it.
  ///
  /// - Throws: `badArgument` for what is not supported, by its name.
  func modern(_ json: JSONValue) throws(RecurraError) -> JSONValue {
    switch json {
    case .array(let elements):
      return .array(try elements.map { (element) throws(RecurraError) in try modern(element) })
    case .object(let members):
      var result: [(name: String, value: JSONValue)] = []
      for (name, value) in members { result.append((name, try modern(value))) }
      guard case .string(let className)? = json["class_name"], case .object(let config)? = json["config"] else {
        guard json["class_name"] == .string("Sequential"), case .array(let layers)? = json["config"] else {
          return .object(result)
        }
        // Until Keras 2.2 a Sequential was its list of layers.
        let layersOfToday = try layers.map { (layer) throws(RecurraError) in try modern(layer) }
        return JSONValue.object(result).adding([("config", .object([("layers", .array(layersOfToday))]))])
      }
      let arguments = try KerasArgumentsOfOld(version: version, className: className).modern(
        config.map { (name: $0.name, value: JSONValue.object(result)["config"]?[$0.name] ?? $0.value) })
      var today = JSONValue.object(arguments)
      if className == "Functional" || className == "Model" {
        today = KerasCallNumbers(json["config"] ?? .null, version).counted(today)
      }
      let names = ["CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU", "Model": "Functional", "Convolution1D": "Conv1D"]
      return JSONValue.object(result).adding([
        ("class_name", .string(names[className] ?? className)), ("config", today),
      ])
    default: return json
    }
  }

  /// The compile configuration: Keras 2 kept the optimiser's under another name.
  func modernCompile(_ json: JSONValue) -> JSONValue {
    guard version.major < 3, let optimizer = json["optimizer_config"] ?? json["optimizer"] else { return json }
    var changed = optimizer.replacing("config") { config in
      guard case .object(let members) = config else { return config }
      var result: [(name: String, value: JSONValue)] = []
      // The decay of Nadam was that of its momentum.
      let isNadam = optimizer["class_name"] == .string("Nadam")
      let decay = isNadam ? 0 : config["decay"]?.realNumber ?? 0
      for (name, value) in members where name != "decay" || isNadam {
        let value =
          name == "epsilon" && value == .null ? .number(version < KerasVersion(.string("2.1")) ? 1e-8 : 1e-7) : value
        let names = ["lr": "learning_rate", "decay": "schedule_decay"]
        result.append((names[name] ?? name, value))
      }
      if decay > 0, let rate = result.first(where: { $0.name == "learning_rate" })?.value {
        let schedule = JSONValue.object([
          ("class_name", .string("InverseTimeDecay")),
          (
            "config",
            .object([("initial_learning_rate", rate), ("decay_steps", .integer(1)), ("decay_rate", .number(decay))])
          ),
        ])
        result.removeAll { $0.name == "learning_rate" }
        result.append(("learning_rate", schedule))
      }
      return .object(result)
    }
    if case .string(let name)? = optimizer["class_name"], name.hasPrefix("Custom>") {
      changed = changed.replacing("class_name") { _ in .string(String(name.dropFirst("Custom>".count))) }
    }
    var config: [(name: String, value: JSONValue)] = [("optimizer", changed)]
    for name in ["loss", "loss_weights", "metrics", "weighted_metrics"] {
      config.append((name, Self.plain(json[name] ?? .null)))
    }
    return .object(config)
  }

  /// A metric that Keras 2 wrapped, as the function it is of.
  private static func plain(_ json: JSONValue) -> JSONValue {
    switch json {
    case .array(let elements): return .array(elements.map(plain))
    case .object(let members):
      if json["class_name"] == .string("MeanMetricWrapper"), let config = json["config"],
        case .string(let name)? = config["name"]
      {
        guard case .string(let function)? = config["fn"] else { return .string(name) }
        return .object([("class_name", .string(function)), ("config", .object([("name", .string(name))]))])
      }
      return .object(members.map { ($0.name, plain($0.value)) })
    default: return json
    }
  }
}
