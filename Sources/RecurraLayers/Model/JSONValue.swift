internal import RecurraTensor

/// A JSON value. Integers are kept apart from other numbers, and members keep their order.
public enum JSONValue: Sendable, Equatable {
  /// null.
  case null
  /// true or false.
  case bool(Bool)
  /// A number without fraction or exponent that fits in `Int`.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Names and values, in the order of the file; names are unique.
  case object([(name: String, value: JSONValue)])

  /// Compares by kind and content, texts by their bytes; members of objects in their order.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.hasBytes(of: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.name.hasBytes(of: $1.name) && $0.value == $1.value }
    default: false
    }
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
    case .string(let string): string.excerpt
    case .array(let elements): "a list of \(elements.count)"
    case .object(let members): "an object with \(members.prefix(6).map(\.name.excerpt).joined(separator: ", "))"
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

extension String {
  /// Tells whether two texts are the same byte for byte; Swift's == takes "é" in its two Unicode forms for one.
  func hasBytes(of other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
