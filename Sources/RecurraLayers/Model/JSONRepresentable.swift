public import RecurraTensor

/// What can be kept as JSON: in a file of its own, or among the notes of a saved model.
public protocol JSONRepresentable {
  /// The value as JSON; `init(json:)` reads it back unchanged.
  var json: JSONValue { get }
  /// Reads a value.
  ///
  /// - Throws: `badData` for JSON that is no such value.
  init(json: JSONValue) throws(RecurraError)
}

extension JSONRepresentable {
  /// The value as a line of JSON, for the notes of `Sequential.save(to:notes:)`.
  ///
  /// - Throws: `notFinite` for a number that JSON has no word for.
  public var note: String {
    String(decoding: json.encoded(), as: UTF8.self)
  }

  /// Reads a value from a line that `note` gave.
  ///
  /// - Throws: `badData` for a text that is no such value, with the offset of what is wrong.
  public init(note: String) throws(RecurraError) {
    do {
      try self.init(json: JSONValue(parsing: Array(note.utf8), operation: "\(Self.self)"))
    } catch {
      throw RecurraError(.badData, operation: error.operation, expected: error.expected, got: error.got)
    }
  }

  /// Writes a JSON file, whole or not at all: an error leaves a file of that name as it was.
  ///
  /// - Throws: `cannotCreate` when the file cannot be made, `inputOutput` when writing fails.
  public func save(to path: String) throws(RecurraError) { try json.write(to: path) }

  /// Reads a file that `save(to:)` wrote.
  ///
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged or holds something else.
  public static func load(from path: String) throws(RecurraError) -> Self {
    let json = try JSONValue(contentsOf: path)
    do {
      return try Self(json: json)
    } catch {
      throw RecurraError(
        .badFile, operation: "read \(path), \(error.operation)", expected: error.expected, got: error.got)
    }
  }
}
