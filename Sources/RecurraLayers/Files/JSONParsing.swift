public import RecurraTensor

extension JSONValue {
  /// Bounds what a text may ask of the reader.
  public struct Limits: Sendable {
    /// The bytes of the whole text.
    public var byteCount: Int
    /// Lists and objects inside each other.
    public var depth: Int
    /// Values of every kind, together.
    public var valueCount: Int

    /// Makes limits.
    public init(byteCount: Int = 1 << 24, depth: Int = 64, valueCount: Int = 1 << 22) {
      self.byteCount = byteCount
      self.depth = depth
      self.valueCount = valueCount
    }
  }

  /// Reads a JSON text (RFC 8259), strictly: UTF-8, one value, no member name twice in an object, no number that `Int`
  /// or `Double` cannot hold.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - operation: What is being read, for errors.
  ///   - offset: Where the text starts in its file, for errors.
  ///   - limits: What the text may ask of the reader.
  /// - Throws: `badFile` with the offset of the first byte that is wrong.
  /// - Complexity: O(bytes).
  public init(
    parsing bytes: [UInt8], operation: String = "JSON", offset: Int = 0, limits: Limits = Limits()
  ) throws(RecurraError) {
    guard bytes.count <= limits.byteCount else {
      throw RecurraError(
        .badFile, operation: operation, expected: "at most \(limits.byteCount) bytes of JSON", got: "\(bytes.count)")
    }
    var parser = JSONParser(bytes: bytes, operation: operation, offset: offset, limits: limits)
    self = try parser.parse()
  }

  /// Reads a JSON file.
  public init(contentsOf path: String, limits: Limits = Limits()) throws(RecurraError) {
    let file = try InputFile(path, maximumByteCount: limits.byteCount)
    try self.init(parsing: file.bytes(0..<file.byteCount), operation: file.operation, limits: limits)
  }

  /// The member of an object with this name; nil when there is none, or this is no object.
  public subscript(_ name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name.hasBytes(of: name) }?.value
  }

  /// What kind of value this is, for errors: "a number".
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
