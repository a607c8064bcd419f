internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Writes how a model is trained as Keras 3 does: `compile_config`.
struct KerasCompileWriter {
  let model: any Network
  /// Names the file in errors: "write model.keras".
  let operation: String

  /// - Throws: `badArgument` for a loss, metric or optimiser of one's own, which Keras does not know.
  func json(_ training: TrainingDescription) throws(RecurraError) -> JSONValue {
    let isOne = training.losses.count == 1
    func perOutput(_ values: [JSONValue]) -> JSONValue { isOne ? values[0] : .array(values) }
    let losses = try training.losses.map { (loss) throws(RecurraError) in
      try object(loss.configuration, "losses", also: [("name", .string(loss.name))])
    }
    var weights = JSONValue.null
    if let given = training.lossWeights, given.contains(where: { $0 != 1 }) {
      weights = isOne ? .number(given[0]) : .array(given.map { .number($0) })
    }
    func metrics(_ isWeighted: Bool) throws(RecurraError) -> JSONValue {
      let lists = training.metrics.map { $0.filter { $0.isWeighted == isWeighted } }
      guard lists.contains(where: { !$0.isEmpty }) else { return .null }
      let written = try lists.map { (list) throws(RecurraError) in
        JSONValue.array(
          try list.map { (metric) throws(RecurraError) in try self.metric(metric.configuration) })
      }
      return perOutput(written)
    }
    return .object([
      ("optimizer", try optimizer(training.optimizer)), ("loss", perOutput(losses)), ("loss_weights", weights),
      ("metrics", try metrics(false)), ("weighted_metrics", try metrics(true)), ("run_eagerly", .bool(false)),
      ("steps_per_execution", .integer(1)), ("jit_compile", .bool(false)),
    ])
  }

  private func metric(_ configuration: JSONValue) throws(RecurraError) -> JSONValue {
    let written = try object(
      configuration.replacing("config") { config in
        guard case .object(let members) = config else { return config }
        return .object(members.filter { $0.name != "weighted" })
      }, "metrics", also: [])
    // Which accuracy it is, Keras finds out by the shapes, from the word alone.
    return written["class_name"] == .string("Accuracy") ? .string("accuracy") : written
  }

  private func optimizer(_ optimizer: Optimizer) throws(RecurraError) -> JSONValue {
    let configuration = optimizer.configuration
    guard let className = Self.optimizers[optimizer.name], case .object(let members)? = configuration["config"] else {
      throw refused("an optimiser that Keras has", got: optimizer.name)
    }
    var config: [(name: String, value: JSONValue)] = [("name", .string(optimizer.name))]
    for (name, value) in members where name != "exclude_from_weight_decay" {
      switch name {
      case "schedule_decay":
        guard value == .number(1) else { throw refused("the Nadam of Keras 3", got: "a schedule_decay \(value.text)") }
      case "weight_decay": config.append((name, value == .number(0) ? .null : value))
      case "learning_rate" where value["class_name"] != nil:
        config.append(
          (name, value.adding([("module", .string("keras.optimizers.schedules")), ("registered_name", .null)])))
      // As a variable in float32 has it.
      case "learning_rate": config.append((name, .number(Double(Float(value.realNumber ?? 0)))))
      default: config.append((name, value))
      }
    }
    return .object([
      ("module", .string("keras.optimizers")), ("class_name", .string(className)), ("config", .object(config)),
      ("registered_name", .null),
    ])
  }

  /// A loss or metric as a Keras object.
  private func object(
    _ configuration: JSONValue, _ module: String, also: [(name: String, value: JSONValue)]
  ) throws(RecurraError) -> JSONValue {
    guard case .string(let name)? = configuration["class_name"], case .object(let members)? = configuration["config"]
    else { return configuration }
    guard configuration["registered_name"] == nil else {
      throw refused("\(module) that Keras has", got: "\(name.excerpt), one's own")
    }
    return .object([
      ("module", .string("keras.\(module)")), ("class_name", .string(Self.className(name))),
      ("config", .object(also + members)), ("registered_name", .null),
    ])
  }

  /// The name of a function as that of its class.
  private static func className(_ name: String) -> String {
    if let known = classNames[name] { return known }
    return name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// Where Keras' class is not the function's name in other letters.
  private static let classNames = [
    "kl_divergence": "KLDivergence", "auc": "AUC", "ctc": "CTC", "mean_io_u": "MeanIoU", "io_u": "IoU",
    "kullback_leibler_divergence": "KLDivergence", "cosine_proximity": "CosineSimilarity", "f_beta_score": "FBetaScore",
    "f1_score": "F1Score", "r2_score": "R2Score", "log_cosh": "LogCosh",
  ]

  private static let optimizers = [
    "sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "adadelta": "Adadelta",
    "adagrad": "Adagrad", "adamax": "Adamax", "adafactor": "Adafactor", "nadam": "Nadam", "ftrl": "Ftrl",
    "lion": "Lion", "lamb": "Lamb", "muon": "Muon",
  ]

  private func refused(_ expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: operation, expected: expected, got: got)
  }
}
