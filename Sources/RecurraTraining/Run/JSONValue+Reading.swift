internal import RecurraLayers
internal import RecurraTensor

/// Reads of a state that was saved; whatever is missing or of another kind is a damaged file.
extension JSONValue {
  /// The most that anything is counted to: far from where adding to it would overflow.
  static var largestCount: Int { 1 << 53 }

  init(_ seed: UInt64) { self = Int(exactly: seed).map { .integer($0) } ?? .string("\(seed)") }

  static func misfit(_ expected: String, _ got: JSONValue) -> RecurraError {
    RecurraError(.badFile, operation: "training state", expected: expected, got: got.kind)
  }

  func member(_ name: String) throws(RecurraError) -> JSONValue {
    guard let value = self[name] else {
      throw RecurraError(.badFile, operation: "training state", expected: "a member \(name)", got: "none")
    }
    return value
  }

  var members: [(name: String, value: JSONValue)] {
    get throws(RecurraError) {
      guard case .object(let members) = self else { throw Self.misfit("an object", self) }
      return members
    }
  }

  var elements: [JSONValue] {
    get throws(RecurraError) {
      guard case .array(let elements) = self else { throw Self.misfit("a list", self) }
      return elements
    }
  }

  var plainText: String {
    get throws(RecurraError) {
      guard case .string(let text) = self else { throw Self.misfit("a text", self) }
      return text
    }
  }

  var truth: Bool {
    get throws(RecurraError) {
      guard case .bool(let truth) = self else { throw Self.misfit("true or false", self) }
      return truth
    }
  }

  var count: Int {
    get throws(RecurraError) {
      guard case .integer(let integer) = self, (0...Self.largestCount).contains(integer) else {
        throw Self.misfit("a count", self)
      }
      return integer
    }
  }

  var seed: UInt64 {
    get throws(RecurraError) {
      switch self {
      case .integer(let integer): if let seed = UInt64(exactly: integer) { return seed }
      case .string(let text): if let seed = UInt64(text) { return seed }
      default: break
      }
      throw Self.misfit("a seed", self)
    }
  }

  var real: Double {
    get throws(RecurraError) {
      guard let number = exactNumber else { throw Self.misfit("a number", self) }
      return number
    }
  }
}
