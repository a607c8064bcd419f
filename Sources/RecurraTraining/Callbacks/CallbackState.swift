internal import RecurraLayers
internal import RecurraTensor

/// Reads what a callback remembered, member by member.
struct CallbackState {
  private let operation: String
  private let members: [String: JSONValue]

  /// - Parameters:
  ///   - tensors: what came with it; there must be none.
  ///   - names: the members that there must be, and no others.
  init(
    _ json: JSONValue, _ tensors: [String: Tensor] = [:], of callback: String, names: [String]
  ) throws(RecurraError) {
    operation = "\(callback) state"
    guard tensors.isEmpty else {
      throw RecurraError(.badFile, operation: operation, expected: "no tensors", got: "\(tensors.count)")
    }
    guard case .object(let pairs) = json else {
      throw RecurraError(.badFile, operation: operation, expected: "an object", got: json.kind)
    }
    members = Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
    guard Set(members.keys) == Set(names) else {
      throw RecurraError(
        .badFile, operation: operation, expected: names.joined(separator: ", "),
        got: members.keys.sorted().prefix(12).map(\.excerpt).joined(separator: ", "))
    }
  }

  /// Reads a count.
  func count(_ name: String) throws(RecurraError) -> Int {
    guard let count = try optionalCount(name) else { throw failure(name, expected: "a whole number", got: "null") }
    return count
  }

  /// Reads a count, or null.
  func optionalCount(_ name: String) throws(RecurraError) -> Int? {
    switch members[name] {
    case .null?: return nil
    case .integer(let integer)? where (0..<1 << 53).contains(integer): return integer
    case let other: throw failure(name, expected: "a whole number of 0 or more", got: other?.kind ?? "none")
    }
  }

  /// Reads a number, or null; one that is not finite stands as a text.
  func optionalNumber(_ name: String) throws(RecurraError) -> Double? {
    guard let value = members[name], value != .null else { return nil }
    guard let number = value.exactNumber else { throw failure(name, expected: "a number", got: value.kind) }
    return number
  }

  /// Reads true or false.
  func bool(_ name: String) throws(RecurraError) -> Bool {
    guard case .bool(let bool)? = members[name] else {
      throw failure(name, expected: "true or false", got: members[name]?.kind ?? "none")
    }
    return bool
  }

  /// Reads numbers by name, or null.
  func optionalLogs(_ name: String) throws(RecurraError) -> Logs? {
    guard let value = members[name], value != .null else { return nil }
    guard case .object(let pairs) = value else { throw failure(name, expected: "an object", got: value.kind) }
    var logs = Logs()
    for (title, value) in pairs {
      guard let number = value.exactNumber else { throw failure(name, expected: "numbers", got: value.kind) }
      logs[title] = number
    }
    return logs
  }

  /// Reads a list of texts, or null.
  func optionalTexts(_ name: String) throws(RecurraError) -> [String]? {
    guard let value = members[name], value != .null else { return nil }
    guard case .array(let elements) = value else { throw failure(name, expected: "a list of texts", got: value.kind) }
    return try elements.map { (element) throws(RecurraError) -> String in
      guard case .string(let text) = element else { throw failure(name, expected: "texts", got: element.kind) }
      return text
    }
  }

  func failure(_ name: String, expected: String, got: String) -> RecurraError {
    RecurraError(.badFile, operation: "\(operation), \(name)", expected: expected, got: got)
  }
}
