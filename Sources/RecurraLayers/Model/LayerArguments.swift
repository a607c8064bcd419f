public import RecurraTensor

/// The arguments of a layer as they stand in a file, read by name and type; what was not read is an unknown argument.
///
/// `null` counts as left out. Every getter without a default demands its argument.
public struct LayerArguments: Sendable {
  /// Keras' name of the layer's class, for errors.
  public let typeName: String
  /// The arguments by name.
  public let values: [String: JSONValue]
  /// What makes a layer that is an argument of this one.
  let registry: Registry
  private let readNames = ReadNames()

  /// Makes arguments from a configuration; layers among them are those that `registry` knows.
  public init(typeName: String, values: [String: JSONValue], registry: Registry = .standard) {
    self.typeName = typeName
    self.values = values
    self.registry = registry
  }

  /// Returns an argument as it stands, nil when it is left out or null.
  public func value(_ name: String) -> JSONValue? {
    readNames.insert(name)
    guard let value = values[name], value != .null else { return nil }
    return value
  }

  /// Reads a whole number; 100.0 and 1e2 count as one.
  public func integer(
    _ name: String, default fallback: Int? = nil, in range: ClosedRange<Int>? = nil
  ) throws(RecurraError) -> Int {
    guard let value = value(name) else { return try required(name, fallback) }
    guard let integer = value.wholeNumber, range?.contains(integer) ?? true else {
      throw failure(name, expected: "a whole number" + (range.map { " in \($0)" } ?? ""), got: value)
    }
    return integer
  }

  /// Reads a size: a whole number of at least 1 that no product of two sizes makes overflow.
  public func positive(_ name: String) throws(RecurraError) -> Int { try integer(name, in: Self.sizes) }

  /// The sizes that a layer may have.
  static let sizes = 1...Int(Int32.max)

  /// Reads a finite number.
  public func number(
    _ name: String, default fallback: Double? = nil, in range: ClosedRange<Double>? = nil
  ) throws(RecurraError) -> Double {
    guard let value = value(name) else { return try required(name, fallback) }
    guard let number = value.double, number.isFinite, range?.contains(number) ?? true else {
      let wanted = range.map { " in \($0.lowerBound)...\($0.upperBound)" } ?? ""
      throw failure(name, expected: "a number\(wanted)", got: value)
    }
    return number
  }

  /// Reads a list of whole numbers; one number stands for a list of one.
  public func integers(
    _ name: String, default fallback: [Int]? = nil, in range: ClosedRange<Int>? = nil
  ) throws(RecurraError) -> [Int] {
    guard let value = value(name) else { return try required(name, fallback) }
    let elements = if case .array(let list) = value { list } else { [value] }
    let integers = elements.compactMap(\.wholeNumber).filter { range?.contains($0) ?? true }
    guard integers.count == elements.count else {
      throw failure(name, expected: "whole numbers" + (range.map { " in \($0)" } ?? ""), got: value)
    }
    return integers
  }

  /// Reads true or false.
  public func bool(_ name: String, default fallback: Bool? = nil) throws(RecurraError) -> Bool {
    guard let value = value(name) else { return try required(name, fallback) }
    guard case .bool(let bool) = value else { throw failure(name, expected: "true or false", got: value) }
    return bool
  }

  /// Reads a text.
  public func string(_ name: String, default fallback: String? = nil) throws(RecurraError) -> String {
    guard let value = value(name) else { return try required(name, fallback) }
    guard case .string(let string) = value else { throw failure(name, expected: "a text", got: value) }
    return string
  }

  /// Reads an activation by Keras' name; null stands for linear.
  public func activation(
    _ name: String, default fallback: Activation? = nil, isElementwise: Bool = false
  ) throws(RecurraError) -> Activation {
    if values[name] == .null {
      readNames.insert(name)
      return .linear
    }
    guard let value = value(name) else { return try required(name, fallback) }
    let allowed = Activation.allCases.filter { $0.isElementwise || !isElementwise }
    guard case .string(let text) = value, let activation = allowed.first(where: { $0.rawValue == text }) else {
      throw failure(name, expected: "one of \(allowed.map(\.rawValue).joined(separator: ", "))", got: value)
    }
    return activation
  }

  /// Reads an initialiser: Keras' name of it, or its class name and arguments.
  public func initializer(
    _ name: String, default fallback: Initializer, isForVector: Bool = false
  ) throws(RecurraError) -> Initializer {
    guard let value = value(name) else { return fallback }
    var (className, config) = ("", [String: JSONValue]())
    switch value {
    case .string(let text): className = text
    case .object:
      guard case .string(let text)? = value["class_name"] else {
        throw failure(name, expected: "a class_name", got: value)
      }
      className = text
      switch value["config"] {
      case nil, .null?: break
      case .object(let members)?: config = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
      case let other?: throw failure(name, expected: "an object as config", got: other)
      }
    default: throw failure(name, expected: "the name of an initialiser", got: value)
    }
    let arguments = LayerArguments(typeName: "\(typeName) \(name)", values: config, registry: registry)
    let initializer = try Initializer(
      name: className,
      { (name, fallback) throws(RecurraError) in try arguments.number(name, default: fallback) },
      choice: { (name, names) throws(RecurraError) in
        let text = try arguments.string(name, default: names[0])
        guard let index = names.firstIndex(of: text) else {
          throw arguments.failure(name, expected: names.joined(separator: ", "), got: .string(text))
        }
        return index
      })
    guard let initializer else {
      throw failure(name, expected: "the name of an initialiser", got: .string(className))
    }
    try arguments.requireAllRead()
    // Whether a bias is that of gates, its layer knows.
    if case .chrono = initializer, isForVector { return initializer }
    if let fault = initializer.fault(axes: isForVector ? 1 : 2, dtype: .float64) {
      throw failure(name, expected: "an initialiser \(fault)", got: value)
    }
    return initializer
  }

  /// Reads a layer: its class name and configuration.
  public func layer(_ name: String) throws(RecurraError) -> any Layer {
    guard let value = value(name) else { return try required(name, nil) }
    return try registry.layer(from: value)
  }

  /// Refuses arguments that were not read, but for those that every Keras layer writes and that change nothing here.
  public func requireAllRead() throws(RecurraError) {
    let known = readNames.all
    for (name, value) in values.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
      guard let neutral = NeutralArgument(name) else {
        throw RecurraError(
          .badArgument, operation: typeName,
          expected: known.isEmpty ? "no arguments" : "arguments among \(known.sorted().joined(separator: ", "))",
          got: name.excerpt)
      }
      guard neutral.accepts(value) else {
        throw failure(name, expected: "\(neutral.description), all that is supported", got: value)
      }
    }
  }

  /// An error about one argument.
  public func failure(_ name: String, expected: String, got: JSONValue) -> RecurraError {
    RecurraError(.badArgument, operation: "\(typeName) argument \(name)", expected: expected, got: got.shortText)
  }

  private func required<Value>(_ name: String, _ fallback: Value?) throws(RecurraError) -> Value {
    if let fallback { return fallback }
    throw RecurraError(.badArgument, operation: typeName, expected: "an argument \(name)", got: "none")
  }
}

extension JSONValue {
  /// The arguments of a description, its member `config`; none where that is missing or null.
  package func arguments(_ operation: String) throws(RecurraError) -> [String: JSONValue] {
    switch self["config"] {
    case .object(let members)?: return Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
    case nil, .null?: return [:]
    case let other?:
      throw RecurraError(.badArgument, operation: operation, expected: "an object", got: other.shortText)
    }
  }
}

/// The names that were asked for; copies of the arguments share them.
private final class ReadNames: Sendable {
  private let names = Guarded<Set<String>>([])

  var all: Set<String> { names.withLock { $0 } }

  func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
}

/// An argument that Keras writes for its layers and whose usual value changes nothing.
private struct NeutralArgument {
  let description: String
  let accepts: @Sendable (JSONValue) -> Bool

  init?(_ name: String) {
    switch name {
    case "name", "seed", "implementation", "unroll", "use_cudnn", "input_length", "batch_input_shape":
      self.init("anything") { _ in true }
    case "trainable": self.init("true") { $0 == .bool(true) }
    case "dtype": self.init("float32") { ($0["config"]?["name"] ?? $0) == .string("float32") }
    case "stateful", "time_major", "sparse", "rms_scaling", "zero_output_for_mask":
      self.init("false") { $0 == .bool(false) }
    case "dropout", "recurrent_dropout": self.init("0") { $0.double == 0 }
    case "data_format": self.init("channels_last") { $0 == .string("channels_last") }
    case "noise_shape", "quantization_config", "lora_rank", "input_axes", "output_axes":
      self.init("null") { $0 == .null }
    case _ where name.hasSuffix("_regularizer") || name.hasSuffix("_constraint"): self.init("null") { $0 == .null }
    default: return nil
    }
  }

  private init(_ description: String, accepts: @escaping @Sendable (JSONValue) -> Bool) {
    self.description = description
    self.accepts = { $0 == .null || accepts($0) }
  }
}
