public import RecurraTensor

/// Says what a weight is held to after every update; names and values are Keras'. ε is 10⁻⁷.
public enum Constraint: Sendable, Equatable {
  /// Vectors along an axis are scaled down to a length of at most `maxValue`: w·min(n, max) / (ε + n).
  case maxNorm(_ maxValue: Double = 2, axis: Int = 0)
  /// Vectors along an axis are brought by a share towards a length within a range:
  /// w·(rate·clip(n) + (1 − rate)·n) / (ε + n).
  case minMaxNorm(minValue: Double = 0, maxValue: Double = 1, rate: Double = 1, axis: Int = 0)
  /// Numbers below 0 become 0.
  case nonNeg
  /// Vectors along an axis get a length of 1: w / (ε + n).
  case unitNorm(axis: Int = 0)

  /// Returns the weight as it may be.
  ///
  /// - Precondition: a floating tensor that has the axis.
  public func callAsFunction(_ w: Tensor) -> Tensor {
    func scaled(_ axis: Int, _ length: (Tensor) -> Tensor) -> Tensor {
      let norms = w.squared.sum(axes: [axis], keepingDimensions: true).sqrt()
      return w * (length(norms) / (norms + 1e-7))
    }
    switch self {
    case .maxNorm(let most, let axis): return scaled(axis) { $0.clipped(to: 0...most) }
    case .minMaxNorm(let least, let most, let rate, let axis):
      return scaled(axis) { $0.clipped(to: least...most) * rate + $0 * (1 - rate) }
    case .nonNeg: return .maximum(w, Tensor(0, dtype: w.dtype))
    case .unitNorm(let axis): return scaled(axis) { .ones($0.shape, dtype: $0.dtype) }
    }
  }

  /// The constraint in Keras' form: a class name and its arguments.
  public var json: JSONValue {
    let (name, arguments): (String, [(name: String, value: JSONValue)]) =
      switch self {
      case .maxNorm(let most, let axis): ("MaxNorm", [("axis", .integer(axis)), ("max_value", .number(most))])
      case .minMaxNorm(let least, let most, let rate, let axis):
        (
          "MinMaxNorm",
          [
            ("axis", .integer(axis)), ("max_value", .number(most)), ("min_value", .number(least)),
            ("rate", .number(rate)),
          ]
        )
      case .nonNeg: ("NonNeg", [])
      case .unitNorm(let axis): ("UnitNorm", [("axis", .integer(axis))])
      }
    return .object([("class_name", .string(name)), ("config", .object(arguments))])
  }

  /// Reads a constraint from Keras' form, or by a name alone.
  ///
  /// - Throws: `badArgument` for another class, and for an argument that is unknown or wrong.
  public init(json: JSONValue) throws(RecurraError) {
    let (name, a) = try LayerArguments.named(json, "constraint")
    func axis() throws(RecurraError) -> Int { try a.integer("axis", default: 0) }
    switch name {
    case "maxnorm": self = .maxNorm(try a.number("max_value", default: 2), axis: try axis())
    case "minmaxnorm":
      self = .minMaxNorm(
        minValue: try a.number("min_value", default: 0), maxValue: try a.number("max_value", default: 1),
        rate: try a.number("rate", default: 1), axis: try axis())
    case "nonneg": self = .nonNeg
    case "unitnorm": self = .unitNorm(axis: try axis())
    default:
      throw RecurraError(
        .badArgument, operation: "constraint", expected: "MaxNorm, MinMaxNorm, NonNeg or UnitNorm", got: name.excerpt)
    }
    try a.requireAllRead()
  }

  /// What is wrong for a weight of so many axes, as the end of "expected a constraint"; nil where nothing is.
  func fault(axes: Int) -> String? {
    let (numbers, axis): ([Double], Int)
    switch self {
    case .maxNorm(let most, let own): (numbers, axis) = ([most], own)
    case .minMaxNorm(let least, let most, let rate, let own):
      guard rate >= 0, rate <= 1, least <= most else { return "with a rate in 0…1 and a range" }
      (numbers, axis) = ([least, most], own)
    case .nonNeg: return nil
    case .unitNorm(let own): (numbers, axis) = ([], own)
    }
    guard numbers.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return "with finite lengths of 0 or more" }
    return (-axes..<axes).contains(axis) ? nil : "with one of \(axes) axes"
  }
}

extension LayerArguments {
  /// Reads `{"class_name": …, "config": {…}}`, or a name alone; the name in small letters, without underscores.
  static func named(_ json: JSONValue, _ kind: String) throws(RecurraError) -> (name: String, LayerArguments) {
    switch (json, json["class_name"]) {
    case (.string(let text), _), (_, .string(let text)?):
      let values = if case .object = json { try json.arguments("\(kind) config") } else { [String: JSONValue]() }
      return (text.lowercased().filter { $0 != "_" }, LayerArguments(typeName: text, values: values))
    default:
      throw RecurraError(
        .badArgument, operation: kind, expected: "a name, or an object with a class_name", got: json.shortText)
    }
  }
}
