internal import RecurraLayers
internal import RecurraTensor

/// A built-in rule that is made of tensor operations, in either type; one list of numbers says how files call its
/// settings, and where they have to lie.
protocol TensorRule: UpdateRule {
  /// Makes the rule with Keras' defaults.
  init()
  /// The numbers among the settings.
  static var numbers: [RuleNumber<Self>] { get }
  /// The settings that are true or false.
  static var flags: [(name: String, path: WritableKeyPath<Self, Bool>)] { get }

  /// What becomes of decayed weights; moments change in place.
  ///
  /// - Parameter gradient: scaled already.
  func step(
    _ weights: Tensor, _ gradient: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate
  ) -> Tensor
}

/// A number among a rule's settings.
struct RuleNumber<Rule> {
  let name: String
  let path: WritableKeyPath<Rule, Double>
  let range: OptimizerSetting.Range

  init(_ name: String, _ path: WritableKeyPath<Rule, Double>, _ range: OptimizerSetting.Range) {
    self.name = name
    self.path = path
    self.range = range
  }
}

extension TensorRule {
  static var flags: [(name: String, path: WritableKeyPath<Self, Bool>)] { [] }

  var configuration: [String: JSONValue] { listedConfiguration }

  /// The settings of both lists.
  var listedConfiguration: [String: JSONValue] {
    var result: [String: JSONValue] = [:]
    for number in Self.numbers { result[number.name] = .number(self[keyPath: number.path]) }
    for flag in Self.flags { result[flag.name] = .bool(self[keyPath: flag.path]) }
    return result
  }

  var settings: [OptimizerSetting] { Self.numbers.map { OptimizerSetting($0.name, self[keyPath: $0.path], $0.range) } }

  init(_ arguments: LayerArguments) throws(RecurraError) {
    self.init()
    for number in Self.numbers {
      self[keyPath: number.path] = try arguments.number(number.name, default: self[keyPath: number.path])
    }
    for flag in Self.flags {
      self[keyPath: flag.path] = try arguments.bool(flag.name, default: self[keyPath: flag.path])
    }
  }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    if update.weightDecay != 0 { weights = weights * (1 - update.weightDecay * update.learningRate) }
    let dense = update.gradientScale == 1 ? gradient.dense : gradient.dense * update.gradientScale
    weights = step(weights, dense, &moments, update).detached.contiguous
  }
}

extension OptimizerMoments {
  /// Moves a running mean by a share of its distance from what is new.
  mutating func follow(_ name: String, _ new: Tensor, _ share: Double) {
    self[name] = self[name] + (new - self[name]) * share
  }
}
