internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Reads how Keras compiled a model: `compile_config` of a `.keras` file, `training_config` of an older one.
struct KerasCompileReader {
  let model: any Network
  let registry: Registry
  /// Names the file in errors: "read model.keras".
  let operation: String

  /// What trains the model, by Keras' own reductions; nil for a model that is not compiled.
  ///
  /// - Throws: `badFile` for a loss, metric, optimiser or setting that there is not.
  func training(_ config: JSONValue) throws(RecurraError) -> TrainingDescription? {
    guard case .object? = config["optimizer"].map({ _ in config }), let loss = config["loss"] ?? nil, loss != .null
    else { return nil }
    let names = model.outputNames
    do throws(RecurraError) {
      var losses: [Loss] = []
      for (name, value) in zip(names, try spread(loss, "loss", isEach: true)) {
        guard let value else { throw refused("a loss for each output", "none for \(name.excerpt)") }
        losses.append(try self.loss(value))
      }
      var weights: [Double]?
      if let given = config["loss_weights"], given != .null {
        weights = try spread(given, "loss_weights", isEach: true).map { (value) throws(RecurraError) in
          guard let value else { return 1 }
          guard let number = value.realNumber else { throw refused("numbers as loss_weights", value.text.excerpt) }
          return number
        }
      }
      var description = TrainingDescription(
        losses: losses, lossWeights: weights, metrics: try metrics(config),
        optimizer: try optimizer(config["optimizer"] ?? .null))
      description.epochLoss = .overBatches
      return description
    } catch {
      throw RecurraError(
        .badFile, operation: "\(operation), compile_config, \(error.operation)", expected: error.expected,
        got: error.got)
    }
  }

  private func refused(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(.badFile, operation: "outputs", expected: expected, got: got)
  }

  /// One value for each output: what stands for all of them, in a list, or by the outputs' names.
  private func spread(_ value: JSONValue, _ name: String, isEach: Bool) throws(RecurraError) -> [JSONValue?] {
    let names = model.outputNames
    switch value {
    case .null: return names.map { _ in nil }
    case .array(let list) where isEach:
      guard list.count == names.count else {
        throw refused("\(name) for each of \(names.count) outputs", "\(list.count)")
      }
      return list.map { $0 == .null ? nil : $0 }
    case .object(let members) where value["class_name"] == nil:
      let layers = model.graph.outputLayerNames
      if let stray = members.first(where: { !names.contains($0.name) && !layers.contains($0.name) }) {
        throw refused("\(name) of outputs \(names.joined(separator: ", "))", "\(stray.name.excerpt)")
      }
      return zip(names, layers).map { key, layer in
        let found = value[key] ?? value[layer]
        return found == .null ? nil : found
      }
    default: return names.map { _ in value }
    }
  }

  private func loss(_ value: JSONValue) throws(RecurraError) -> Loss {
    let value = Self.named(value)
    let loss = try Loss(configuration: value, registry: registry)
    // Keras' functions know no reduction; the class around them divides by the rows.
    return value["config"]?["reduction"] == nil ? loss.with(reduction: .sumOverBatchSize) : loss
  }

  /// What Keras writes for a function: its name alone.
  private static func named(_ value: JSONValue) -> JSONValue {
    guard value["class_name"] == .string("function"), let name = value["config"], case .string = name else {
      return value
    }
    return name
  }

  private func optimizer(_ value: JSONValue) throws(RecurraError) -> Optimizer {
    if value["class_name"] == .string("LossScaleOptimizer") {
      throw RecurraError(
        .badFile, operation: "optimizer", expected: "an optimiser for float32", got: "LossScaleOptimizer")
    }
    return try Optimizer(configuration: value)
  }

  /// The metrics of each output; those that are not weighted come first.
  private func metrics(_ config: JSONValue) throws(RecurraError) -> [[Metric]] {
    var lists = model.outputNames.map { _ in [Metric]() }
    var taken: [String: Int] = [:]
    for kind in ["metrics", "weighted_metrics"] {
      guard let value = config[kind], value != .null else { continue }
      for (index, values) in try perOutput(value, kind).enumerated() {
        for value in values {
          var metric = try Metric(configuration: Self.named(value), registry: registry)
          if kind == "metrics" { metric = metric.unweighted }
          let prefix = lists.count > 1 ? "\(index)/" : ""
          var name = metric.name
          if taken[prefix + name] != nil, kind == "weighted_metrics" { name = "weighted_\(name)" }
          let count = taken[prefix + name, default: 0]
          taken[prefix + name] = count + 1
          lists[index].append(metric.named(count == 0 ? name : "\(name)_\(count)"))
        }
      }
    }
    return lists
  }

  private func perOutput(_ value: JSONValue, _ kind: String) throws(RecurraError) -> [[JSONValue]] {
    func list(_ value: JSONValue?) -> [JSONValue] {
      switch value {
      case nil, .null?: []
      case .array(let values)?: values.flatMap { list($0) }
      case let one?: [one]
      }
    }
    guard model.outputNames.count > 1 else {
      if case .object(let members) = value, value["class_name"] == nil {
        return [members.flatMap { list($0.value) }]
      }
      return [list(value)]
    }
    if case .array(let values) = value, values.count != model.outputNames.count {
      throw refused("\(kind) for each of \(model.outputNames.count) outputs", "\(values.count)")
    }
    return try spread(value, kind, isEach: true).map { list($0) }
  }
}

extension JSONValue {
  /// A number as `Double`; nil for anything else.
  var realNumber: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }
}
