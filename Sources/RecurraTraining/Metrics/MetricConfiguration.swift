public import RecurraLayers
public import RecurraTensor

extension Metric {
  /// The metric in Keras' names: `{"class_name": "mean_squared_error", "config": {"name": "mse"}}`.
  ///
  /// One's own also has a `registered_name`: a file cannot hold the function, only say what it is called.
  public var configuration: JSONValue {
    let className =
      switch kind {
      case .accuracy: "accuracy"
      case .sparseCategoricalAccuracy: "sparse_categorical_accuracy"
      case .categoricalAccuracy: "categorical_accuracy"
      case .binaryAccuracy: "binary_accuracy"
      case .topK(_, let takesLabels): takesLabels ? "sparse_top_k_categorical_accuracy" : "top_k_categorical_accuracy"
      case .loss(let metric): metric.className
      case .counts(let className, _): className
      case .squared: "mean_squared_error"
      case .absolute: "mean_absolute_error"
      case .function, .sums: name
      }
    let isOwn =
      switch kind {
      case .function, .sums: true
      default: false
      }
    var settings: [String: JSONValue] =
      switch kind {
      case .binaryAccuracy(let threshold) where threshold != 0.5: ["threshold": .number(threshold)]
      case .topK(let k, _): ["k": .integer(k)]
      case .loss(let metric): metric.settings
      case .counts(_, let counts): counts.settings
      default: [:]
      }
    settings["name"] = .string(name)
    if !isWeighted { settings["weighted"] = .bool(false) }
    return .named(className, settings, isOwn: isOwn)
  }

  /// Makes a metric from what `configuration` gave, from Keras' form of it, or from a name alone.
  ///
  /// - Parameters:
  ///   - configuration: the class, and the name in logs where it has another.
  ///   - registry: where metrics of one's own are found by name; one takes the place of a built-in metric of the same
  ///     name.
  /// - Throws: `badArgument` for a name that neither the registry nor this package knows, and for a setting that is
  ///   unknown.
  public init(configuration: JSONValue, registry: Registry = .standard) throws(RecurraError) {
    let named = try NamedConfiguration(configuration, "metric")
    let found: Metric
    if named.isOwn || registry[Registry.metricKind, named.name] != nil {
      found = try registry.entry(Registry.metricKind, named.name)
    } else if let made = try Self.made(named.name, named.arguments) {
      found = Self.shortNames[named.name] == nil ? made : made.named(named.name)
      // What Keras counts in has no part in the result.
      if case .counts = found.kind { _ = named.arguments.value("dtype") }
    } else {
      found = try Metric(named: named.name)
    }
    self.init(name: try named.arguments.string("name", default: found.name), kind: found.kind)
    isWeighted = try named.arguments.bool("weighted", default: true)
    try named.arguments.requireAllRead()
  }
}

extension Registry {
  /// What metrics of one's own are filed under.
  static let metricKind = "metric"

  /// Makes a metric of one's own known by its name, so that a file may ask for it.
  public mutating func register(_ metric: Metric) { self[Self.metricKind, metric.name] = metric }

  /// Returns a registry that also knows a metric of one's own.
  public func adding(_ metric: Metric) -> Registry {
    var result = self
    result.register(metric)
    return result
  }
}
