internal import RecurraLayers
internal import RecurraTensor

/// A loss or metric as it stands in a file: a name and settings.
struct NamedConfiguration {
  /// The name in Keras' small letters.
  let name: String
  /// Tells whether the file says that the name is one's own.
  let isOwn: Bool
  let arguments: LayerArguments

  /// Reads `{"class_name": …, "config": {…}}` or a name alone.
  ///
  /// - Throws: `badArgument` for anything else.
  init(_ configuration: JSONValue, _ kind: String) throws(RecurraError) {
    let className: String
    switch (configuration, configuration["class_name"]) {
    case (.string(let text), _), (_, .string(let text)?): className = text
    default:
      throw RecurraError(
        .badArgument, operation: kind, expected: "a name, or an object with a class_name",
        got: configuration.kind)
    }
    isOwn = configuration["registered_name"] == .string(className)
    name = isOwn ? className : Self.small(className)
    arguments = LayerArguments(typeName: name, values: try configuration.arguments("\(kind) config"))
  }

  /// A name of a class as that of a function: "MeanSquaredError" as "mean_squared_error".
  private static func small(_ name: String) -> String {
    guard name.first?.isUppercase == true else { return name }
    var result = ""
    for letter in name {
      if letter.isUppercase, !result.isEmpty { result += "_" }
      result += letter.lowercased()
    }
    return result
  }
}

extension JSONValue {
  /// The form of a loss or metric in a file; settings are in alphabetical order.
  static func named(_ name: String, _ settings: [String: JSONValue], isOwn: Bool) -> JSONValue {
    let members = settings.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    let own = isOwn ? [(name: "registered_name", value: JSONValue.string(name))] : []
    return .object([("class_name", .string(name)), ("config", .object(members))] + own)
  }
}
