public import RecurraLayers
public import RecurraTensor

extension Optimizer {
  /// The optimiser with all its settings, in Keras' names: `{"class_name": "adam", "config": {"learning_rate": 0.001,
  /// …}}`.
  ///
  /// Members are in alphabetical order.
  public var configuration: JSONValue {
    var settings = rule.configuration
    settings["learning_rate"] = learningRateSchedule?.configuration ?? .number(learningRate)
    settings["weight_decay"] = .number(weightDecay)
    switch clipping {
    case .none: break
    case .value(let limit): settings[ClippingName.value] = .number(limit)
    case .norm(let limit): settings[ClippingName.norm] = .number(limit)
    case .globalNorm(let limit): settings[ClippingName.globalNorm] = .number(limit)
    }
    if useEMA {
      settings["use_ema"] = .bool(true)
      settings["ema_momentum"] = .number(emaMomentum)
      settings["ema_overwrite_frequency"] = emaOverwriteFrequency.map { .integer($0) } ?? .null
    }
    if let steps = gradientAccumulationSteps { settings["gradient_accumulation_steps"] = .integer(steps) }
    if !excludedFromWeightDecay.isEmpty {
      settings[Self.exclusions] = .array(excludedFromWeightDecay.map { .string($0) })
    }
    let members = settings.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    return .object([("class_name", .string(name)), ("config", .object(members))])
  }

  /// Makes an optimiser from what `configuration` gave, from Keras' form of it, or from Keras' name alone.
  ///
  /// - Parameters:
  ///   - configuration: the class, and settings in Keras' names; what is missing has its default.
  ///   - rules: rules of one's own that the configuration may name; one takes the place of a built-in rule of the same
  ///     name.
  /// - Throws: `badArgument` for an unknown name, and for a setting that is unknown, outside its range or not
  ///   supported.
  public init(configuration: JSONValue, rules: [any OptimizerRule.Type] = []) throws(RecurraError) {
    let className: String
    var values: [String: JSONValue] = [:]
    switch (configuration, configuration["class_name"]) {
    case (.string(let text), _): className = text
    case (_, .string(let text)?): className = text
    default:
      throw RecurraError(
        .badArgument, operation: "optimizer", expected: "an object with a class_name", got: configuration.kind)
    }
    switch configuration["config"] {
    case .object(let members)?: for (name, value) in members { values[name] = value }
    case nil, .null?: break
    case let other?:
      throw RecurraError(.badArgument, operation: "optimizer config", expected: "an object", got: other.kind)
    }
    let common = [
      "learning_rate", "weight_decay", ClippingName.value, ClippingName.norm, ClippingName.globalNorm, "use_ema",
      "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps", Self.exclusions,
    ]
    if let type = rules.first(where: { $0.name == className }) {
      // The rule may refuse what it does not know, but never sees what belongs to every optimiser.
      let own = LayerArguments(typeName: className, values: values.filter { !common.contains($0.key) })
      self.init(
        rule: OwnRule(rule: try type.init(configuration: own)), learningRate: 0.001, weightDecay: 0, clipping: .none)
      try own.requireAllRead()
      try setCommon(LayerArguments(typeName: className, values: values.filter { common.contains($0.key) }))
    } else {
      do {
        try self.init(named: className)
      } catch {
        let names = [error.expected] + rules.map { $0.name }
        throw RecurraError(
          error.kind, operation: error.operation, expected: names.joined(separator: ", "), got: error.got)
      }
      let arguments = LayerArguments(typeName: name, values: values)
      rule = try Self.rule(name, arguments)
      try setCommon(arguments)
      try Self.requireDefaults(arguments)
      try arguments.requireAllRead()
    }
    try validate()
  }

  private static func rule(_ name: String, _ arguments: LayerArguments) throws(RecurraError) -> any UpdateRule {
    switch name {
    case "sgd": try SGDRule(arguments)
    case "rmsprop": try RMSpropRule(arguments)
    case "adagrad": try AdagradRule(arguments)
    case "adadelta": try AdadeltaRule(arguments)
    case "adamax": try AdamaxRule(arguments)
    case "nadam": try NadamRule(arguments)
    case "adafactor": try AdafactorRule(arguments)
    case "lamb": try LambRule(arguments)
    case "lion": try LionRule(arguments)
    case "muon": try MuonRule(arguments)
    case "ftrl": try FtrlRule(arguments)
    default: try AdamRule(name, arguments)
    }
  }

  /// Reads what every optimiser has.
  private mutating func setCommon(_ arguments: LayerArguments) throws(RecurraError) {
    if let schedule = arguments.value("learning_rate"), case .object = schedule {
      learningRateSchedule = try LearningRateSchedule(configuration: schedule)
    } else {
      learningRate = try arguments.number("learning_rate", default: learningRate)
    }
    useEMA = try arguments.bool("use_ema", default: false)
    emaMomentum = try arguments.number("ema_momentum", default: emaMomentum)
    emaOverwriteFrequency =
      arguments.value("ema_overwrite_frequency") == nil ? nil : try arguments.integer("ema_overwrite_frequency")
    gradientAccumulationSteps =
      arguments.value("gradient_accumulation_steps") == nil
      ? nil : try arguments.integer("gradient_accumulation_steps")
    excludedFromWeightDecay = try Self.exclusions(arguments)
    // null is Keras' word for no decay, and not for a default.
    weightDecay = arguments.values["weight_decay"] == .null ? 0 : weightDecay
    weightDecay = try arguments.number("weight_decay", default: weightDecay)
    let kinds: [(name: String, clipping: (Double) -> Clipping)] = [
      (ClippingName.value, { .value($0) }), (ClippingName.norm, { .norm($0) }),
      (ClippingName.globalNorm, { .globalNorm($0) }),
    ]
    var found: [String] = []
    for (name, make) in kinds where arguments.value(name) != nil {
      clipping = make(try arguments.number(name))
      found.append(name)
    }
    guard found.count <= 1 else {
      throw RecurraError(
        .badArgument, operation: name, expected: "one kind of clipping", got: found.joined(separator: " and "))
    }
  }

  /// Passes over what Keras writes for every optimiser and this package has not, as long as it changes nothing.
  private static func requireDefaults(_ arguments: LayerArguments) throws(RecurraError) {
    for name in ["jit_compile", "is_legacy_optimizer"] { _ = arguments.value(name) }
    if let value = arguments.value("loss_scale_factor") {
      throw arguments.failure("loss_scale_factor", expected: "null, all that is supported", got: value)
    }
  }

  /// The name of what does not decay: Keras' files say nothing of it.
  private static let exclusions = "exclude_from_weight_decay"

  private static func exclusions(_ arguments: LayerArguments) throws(RecurraError) -> [String] {
    guard let list = arguments.value(exclusions) else { return [] }
    guard case .array(let names) = list else {
      throw arguments.failure(exclusions, expected: "a list of texts", got: list)
    }
    return try names.map { (name) throws(RecurraError) in
      guard case .string(let text) = name, !text.isEmpty else {
        throw arguments.failure(exclusions, expected: "texts", got: name)
      }
      return text
    }
  }
}

/// Keras' names of the kinds of clipping.
private enum ClippingName {
  static let value = "clipvalue"
  static let norm = "clipnorm"
  static let globalNorm = "global_clipnorm"
}

extension Optimizer: Equatable {
  /// Compares rules by name and settings.
  public static func == (left: Optimizer, right: Optimizer) -> Bool {
    left.name == right.name && left.rule.configuration == right.rule.configuration
      && left.learningRate == right.learningRate && left.weightDecay == right.weightDecay
      && left.clipping == right.clipping && left.learningRateSchedule == right.learningRateSchedule
      && left.useEMA == right.useEMA && left.emaMomentum == right.emaMomentum
      && left.emaOverwriteFrequency == right.emaOverwriteFrequency
      && left.gradientAccumulationSteps == right.gradientAccumulationSteps
      && left.excludedFromWeightDecay == right.excludedFromWeightDecay
  }
}

extension Optimizer {
  /// Checks that every setting lies in its range.
  package func validate() throws(RecurraError) { try validate { name } }

  /// Checks that every setting lies in its range.
  ///
  /// - Parameter operation: who asks, for the error.
  package func validate(_ operation: () -> String) throws(RecurraError) {
    try OptimizerSetting("learning rate", learningRate, .notNegative).validate(operation())
    try OptimizerSetting("weight decay", weightDecay, .unit).validate(operation())
    switch clipping {
    case .none: break
    case .value(let limit), .norm(let limit), .globalNorm(let limit):
      try OptimizerSetting("clipping limit", limit, .positive).validate(operation())
    }
    try learningRateSchedule?.validate(operation())
    if useEMA { try OptimizerSetting("emaMomentum", emaMomentum, .unit).validate(operation()) }
    for (name, count, least) in [
      ("emaOverwriteFrequency", emaOverwriteFrequency, 1), ("gradientAccumulationSteps", gradientAccumulationSteps, 2),
    ] {
      guard let count, count < least else { continue }
      throw RecurraError(
        .badArgument, operation: operation(), expected: "a \(name) of \(least) or more", got: "\(count)")
    }
    for setting in rule.settings { try setting.validate(operation()) }
    let names = moments.map(\.name)
    guard Set(names).count == names.count, !names.contains(where: { $0.isEmpty || $0.contains("/") }),
      !names.contains(OptimizerState.iteration)
    else {
      throw RecurraError(
        .badArgument, operation: operation(),
        expected: "moments of different names, without \"/\" and not \"\(OptimizerState.iteration)\"", got: "\(names)")
    }
  }
}
