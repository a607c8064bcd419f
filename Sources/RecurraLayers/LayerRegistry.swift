public import RecurraTensor

/// The layers that a file may name: nothing else in a file ever decides what is made.
public struct LayerRegistry: Sendable {
  private var types: [String: any Layer.Type] = [:]

  /// All layers of this package, by Keras' class names.
  public static let standard = LayerRegistry([
    Embedding.self, Dense.self, Dropout.self, ActivationLayer.self, Flatten.self, TimeDistributed.self,
    LayerNormalization.self, SimpleRNN.self, LSTM.self, GRU.self, Bidirectional.self, Sequential.self,
  ])

  private init(_ types: [any Layer.Type]) {
    for type in types { self.types[type.typeName] = type }
  }

  /// Returns a registry that also knows a layer of your own; it takes the place of one with the same name.
  public func adding(_ type: any Layer.Type) -> LayerRegistry {
    var result = self
    result.types[type.typeName] = type
    return result
  }

  /// Makes a layer from `{"class_name": …, "config": {…}}`, as Keras writes it.
  ///
  /// - Throws: `badArgument` for an unknown class, and for an argument that is unknown, wrong or not supported.
  public func layer(from json: JSONValue) throws(RecurraError) -> any Layer {
    guard case .string(let className)? = json["class_name"] else {
      throw RecurraError(.badArgument, operation: "layer", expected: "an object with a class_name", got: json.shortText)
    }
    guard let type = types[className] else {
      throw RecurraError(
        .badArgument, operation: "layer", expected: "one of \(types.keys.sorted().joined(separator: ", "))",
        got: "\"\(className)\"")
    }
    var values: [String: JSONValue] = [:]
    switch json["config"] {
    case .object(let members)?: for (name, value) in members { values[name] = value }
    case nil, .null?: break
    case let other?:
      throw RecurraError(.badArgument, operation: "\(className) config", expected: "an object", got: other.shortText)
    }
    let arguments = LayerArguments(typeName: className, values: values, registry: self)
    let layer = try type.init(configuration: arguments)
    try arguments.requireAllRead()
    return layer
  }
}

extension Layer {
  /// The layer in the form that `LayerRegistry` and Keras read: class name and arguments, these in alphabetical order.
  public var json: JSONValue { json(adding: [:]) }

  func json(adding extra: [String: JSONValue]) -> JSONValue {
    let arguments = configuration.merging(extra) { $1 }.sorted { $0.key < $1.key }.map {
      (name: $0.key, value: $0.value)
    }
    return .object([("class_name", .string(Self.typeName)), ("config", .object(arguments))])
  }
}

extension JSONValue {
  /// A number as `Double`.
  var double: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }

  /// A number without fraction as `Int`.
  var wholeNumber: Int? {
    switch self {
    case .integer(let integer): integer
    case .number(let number): Int(exactly: number)
    default: nil
    }
  }

  /// The value for an error message: whole when it is simple, else what kind of thing it is.
  var shortText: String {
    switch self {
    case .null: "null"
    case .bool(let bool): "\(bool)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .string(let string): "\"\(string.prefix(60))\""
    case .array(let elements): "a list of \(elements.count)"
    case .object(let members): "an object with \(members.prefix(6).map(\.name).joined(separator: ", "))"
    }
  }

  /// A shape: null for an extent that is not known.
  var shape: [Int?]? {
    guard case .array(let elements) = self else { return nil }
    var result: [Int?] = []
    for element in elements {
      if element == .null {
        result.append(nil)
      } else if let extent = element.wholeNumber, (0...Int(Int32.max)).contains(extent) {
        result.append(extent)
      } else {
        return nil
      }
    }
    return result
  }

  init(shape: [Int?]) { self = .array(shape.map { $0.map { .integer($0) } ?? .null }) }
}
