public import RecurraLayers
public import RecurraTensor

extension Loss {
  /// The loss with its settings, in Keras' names: `{"class_name": "huber", "config": {"delta": 1, …}}`.
  ///
  /// One's own also has a `registered_name`: a file cannot hold the function, only say what it is called.
  public var configuration: JSONValue {
    var settings: [String: JSONValue] = ["reduction": .string(reduction.name)]
    switch kind {
    case .sparseCategorical(let fromLogits, let ignoreClass):
      settings["from_logits"] = .bool(fromLogits)
      settings["ignore_class"] = ignoreClass.map { .integer($0) } ?? .null
    case .categorical(let fromLogits, let smoothing), .binary(let fromLogits, let smoothing):
      settings["from_logits"] = .bool(fromLogits)
      settings["label_smoothing"] = .number(smoothing)
    case .huber(let delta): settings["delta"] = .number(delta)
    case .circle(let circle):
      settings["gamma"] = .number(circle.gamma)
      settings["margin"] = .number(circle.margin)
      settings["remove_diagonal"] = .bool(circle.removeDiagonal)
    case .squared, .absolute, .ctc: break
    case .formula(let formula): settings.merge(formula.configuration) { $1 }
    case .function: return .named(name, settings, isOwn: true)
    }
    return .named(name, settings, isOwn: false)
  }

  /// Makes a loss from what `configuration` gave, from Keras' form of it, or from a name alone.
  ///
  /// - Parameters:
  ///   - configuration: the class, and settings in Keras' names; what is missing has its default.
  ///   - registry: where losses of one's own are found by name; one takes the place of a built-in loss of the same
  ///     name.
  /// - Throws: `badArgument` for a name that neither the registry nor this package knows, and for a setting that is
  ///   unknown, outside its range or not supported.
  public init(configuration: JSONValue, registry: Registry = .standard) throws(RecurraError) {
    let named = try NamedConfiguration(configuration, "loss")
    let arguments = named.arguments
    if named.isOwn || registry[Registry.lossKind, named.name] != nil {
      self = try registry.entry(Registry.lossKind, named.name)
    } else {
      self = try Loss(named: named.name).with(arguments)
    }
    reduction = try Reduction(arguments) ?? reduction
    let hasAxis = if case .formula(let formula) = kind { formula.settings["axis"] != nil } else { false }
    if !hasAxis, let axis = arguments.value("axis"), axis != .integer(-1) {
      throw arguments.failure("axis", expected: "-1, all that is supported", got: axis)
    }
    try arguments.requireAllRead()
    try validate()
  }

  /// The same loss with the settings of a file.
  private func with(_ arguments: LayerArguments) throws(RecurraError) -> Loss {
    switch kind {
    case .sparseCategorical(let logits, _):
      let ignored = arguments.value("ignore_class") == nil ? nil : try arguments.integer("ignore_class")
      return .sparseCategoricalCrossEntropy(
        fromLogits: try arguments.bool("from_logits", default: logits), ignoreClass: ignored)
    case .categorical(let logits, let smoothing):
      return .categoricalCrossEntropy(
        fromLogits: try arguments.bool("from_logits", default: logits),
        labelSmoothing: try arguments.number("label_smoothing", default: smoothing))
    case .binary(let logits, let smoothing):
      return .binaryCrossEntropy(
        fromLogits: try arguments.bool("from_logits", default: logits),
        labelSmoothing: try arguments.number("label_smoothing", default: smoothing))
    case .huber(let delta): return .huber(delta: try arguments.number("delta", default: delta))
    case .circle(let circle):
      return .circle(
        gamma: try arguments.number("gamma", default: circle.gamma),
        margin: try arguments.number("margin", default: circle.margin),
        removeDiagonal: try arguments.bool("remove_diagonal", default: circle.removeDiagonal))
    case .formula: return try Self.formula(name, arguments) ?? self
    case .squared, .absolute, .ctc, .function: return self
    }
  }
}

extension Loss.Reduction {
  /// Reads a reduction by Keras' name; nil where none is given.
  fileprivate init?(_ arguments: LayerArguments) throws(RecurraError) {
    guard let value = arguments.value("reduction") else { return nil }
    switch value {
    case .string(Self.meanWithSampleWeight.name): self = .meanWithSampleWeight
    case .string(Self.sumOverBatchSize.name), .string("mean"): self = .sumOverBatchSize
    case .string(Self.sum.name): self = .sum
    default:
      throw arguments.failure(
        "reduction",
        expected: "\(Self.meanWithSampleWeight.name), \(Self.sumOverBatchSize.name) or \(Self.sum.name)", got: value)
    }
  }
}

extension Registry {
  /// What losses of one's own are filed under.
  static let lossKind = "loss"

  /// Makes a loss of one's own known by its name, so that a file may ask for it.
  public mutating func register(_ loss: Loss) { self[Self.lossKind, loss.name] = loss }

  /// Returns a registry that also knows a loss of one's own.
  public func adding(_ loss: Loss) -> Registry {
    var result = self
    result.register(loss)
    return result
  }
}
