public import RecurraLayers
public import RecurraTensor

extension LearningRateSchedule {
  /// The schedule as Keras writes it: `{"class_name": "ExponentialDecay", "config": {…}}`.
  public var configuration: JSONValue {
    let (name, settings) = named
    return .object([("class_name", .string(name)), ("config", .object(settings.sorted { $0.name < $1.name }))])
  }

  private var named: (name: String, settings: [(name: String, value: JSONValue)]) {
    switch self {
    case .exponentialDecay(let rate, let steps, let decay, let staircase),
      .inverseTimeDecay(let rate, let steps, let decay, let staircase):
      let isExponential = if case .exponentialDecay = self { true } else { false }
      return (
        isExponential ? "ExponentialDecay" : "InverseTimeDecay",
        [
          ("initial_learning_rate", .number(rate)), ("decay_steps", .integer(steps)), ("decay_rate", .number(decay)),
          ("staircase", .bool(staircase)),
        ]
      )
    case .piecewiseConstantDecay(let boundaries, let values):
      return (
        "PiecewiseConstantDecay",
        [
          ("boundaries", .array(boundaries.map { .integer($0) })), ("values", .array(values.map { .number($0) })),
        ]
      )
    case .polynomialDecay(let rate, let steps, let end, let power, let cycle):
      return (
        "PolynomialDecay",
        [
          ("initial_learning_rate", .number(rate)), ("decay_steps", .integer(steps)),
          ("end_learning_rate", .number(end)), ("power", .number(power)), ("cycle", .bool(cycle)),
        ]
      )
    case .cosineDecay(let rate, let steps, let alpha, let target, let warmupSteps):
      return (
        "CosineDecay",
        [
          ("initial_learning_rate", .number(rate)), ("decay_steps", .integer(steps)), ("alpha", .number(alpha)),
          ("warmup_target", target.map { .number($0) } ?? .null), ("warmup_steps", .integer(warmupSteps)),
        ]
      )
    case .cosineDecayRestarts(let rate, let steps, let growth, let factor, let alpha):
      return (
        "CosineDecayRestarts",
        [
          ("initial_learning_rate", .number(rate)), ("first_decay_steps", .integer(steps)),
          ("t_mul", .number(growth)), ("m_mul", .number(factor)), ("alpha", .number(alpha)),
        ]
      )
    }
  }

  /// Makes a schedule from what `configuration` gave, or from Keras' form of it.
  ///
  /// - Throws: `badArgument` for an unknown class, and for a setting that is missing, unknown or outside its range.
  public init(configuration: JSONValue) throws(RecurraError) {
    guard case .string(let name)? = configuration["class_name"] else {
      throw RecurraError(
        .badArgument, operation: "learning rate schedule", expected: "an object with a class_name",
        got: configuration.kind)
    }
    let a = LayerArguments(typeName: name, values: try configuration.arguments("\(name) config"))
    func rate() throws(RecurraError) -> Double { try a.number("initial_learning_rate") }
    func steps() throws(RecurraError) -> Int { try a.integer("decay_steps") }
    switch name {
    case "ExponentialDecay":
      self = .exponentialDecay(
        initialLearningRate: try rate(), decaySteps: try steps(), decayRate: try a.number("decay_rate"),
        staircase: try a.bool("staircase", default: false))
    case "InverseTimeDecay":
      self = .inverseTimeDecay(
        initialLearningRate: try rate(), decaySteps: try steps(), decayRate: try a.number("decay_rate"),
        staircase: try a.bool("staircase", default: false))
    case "PiecewiseConstantDecay":
      self = .piecewiseConstantDecay(
        boundaries: try a.list("boundaries", "whole numbers") { $0.exactNumber.flatMap { Int(exactly: $0) } },
        values: try a.list("values", "numbers") { $0.exactNumber })
    case "PolynomialDecay":
      self = .polynomialDecay(
        initialLearningRate: try rate(), decaySteps: try steps(),
        endLearningRate: try a.number("end_learning_rate", default: 0.0001),
        power: try a.number("power", default: 1), cycle: try a.bool("cycle", default: false))
    case "CosineDecay":
      self = .cosineDecay(
        initialLearningRate: try rate(), decaySteps: try steps(), alpha: try a.number("alpha", default: 0),
        warmupTarget: a.value("warmup_target") == nil ? nil : try a.number("warmup_target"),
        warmupSteps: try a.integer("warmup_steps", default: 0))
    case "CosineDecayRestarts":
      self = .cosineDecayRestarts(
        initialLearningRate: try rate(), firstDecaySteps: try a.integer("first_decay_steps"),
        tMul: try a.number("t_mul", default: 2), mMul: try a.number("m_mul", default: 1),
        alpha: try a.number("alpha", default: 0))
    default:
      throw RecurraError(
        .badArgument, operation: "learning rate schedule",
        expected: "ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay, CosineDecay or "
          + "CosineDecayRestarts", got: name.excerpt)
    }
    try a.requireAllRead()
    try validate(name)
  }

  /// Checks that every setting lies in its range.
  func validate(_ operation: @autoclosure () -> String) throws(RecurraError) {
    func refused(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(.badArgument, operation: "\(operation()), \(named.name)", expected: expected, got: got)
    }
    for (name, value) in named.settings {
      switch value {
      case .integer(let steps) where name.hasSuffix("decay_steps") && steps < 1:
        throw refused("\(name) of 1 or more", "\(steps)")
      case .integer(let steps) where steps < 0: throw refused("\(name) of 0 or more", "\(steps)")
      case .number(let number) where !number.isFinite || number < 0:
        throw refused("a finite \(name) of 0 or more", "\(number)")
      case .number(let number) where name == "t_mul" && number < 1:
        throw refused("t_mul of 1 or more", "\(number)")
      default: break
      }
    }
    guard case .piecewiseConstantDecay(let boundaries, let values) = self else { return }
    guard values.count == boundaries.count + 1, values.allSatisfy({ $0.isFinite && $0 >= 0 }),
      zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      throw refused(
        "boundaries that rise, and one finite value of 0 or more besides", "\(boundaries) and \(values)")
    }
  }
}

extension LayerArguments {
  fileprivate func list<Element>(
    _ name: String, _ expected: String, _ element: (JSONValue) -> Element?
  ) throws(RecurraError) -> [Element] {
    guard case .array(let values)? = value(name) else {
      throw failure(name, expected: "a list", got: self.values[name] ?? .null)
    }
    return try values.map { (value) throws(RecurraError) in
      guard let element = element(value) else { throw failure(name, expected: expected, got: value) }
      return element
    }
  }
}
