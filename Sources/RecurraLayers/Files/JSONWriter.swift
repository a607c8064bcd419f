public import RecurraTensor

extension JSONValue {
  /// Returns the value as a JSON text in UTF-8 that `init(parsing:)` reads back unchanged.
  ///
  /// Numbers have the fewest digits that give them back exactly; NaN and infinity, for which JSON has no word, become
  /// null. Only quotes, backslashes and control characters are escaped.
  ///
  /// - Parameters:
  ///   - sortedMembers: Puts the members of every object in the order of their names' bytes.
  ///   - pretty: Puts members on lines of their own, indented by two spaces; lists without objects stay on one line.
  public func encoded(sortedMembers: Bool = false, pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(sortedMembers: sortedMembers, pretty: pretty)
    writer.write(self)
    return writer.bytes
  }

  /// The value as JSON in one line.
  package var text: String { String(decoding: encoded(), as: UTF8.self) }

  /// Writes the value as a JSON file, whole or not at all.
  public func write(to path: String, sortedMembers: Bool = false, pretty: Bool = true) throws(RecurraError) {
    try AtomicFile.write(encoded(sortedMembers: sortedMembers, pretty: pretty) + [UInt8(ascii: "\n")], to: path)
  }
}

private struct JSONWriter {
  let sortedMembers: Bool
  let pretty: Bool
  var bytes: [UInt8] = []
  private var depth = 0

  init(sortedMembers: Bool, pretty: Bool) {
    self.sortedMembers = sortedMembers
    self.pretty = pretty
  }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .bool(let truth): append(truth ? "true" : "false")
    case .integer(let integer): append(integer.description)
    case .number(let number): append(number.isFinite ? number.description : "null")
    case .string(let text): write(text)
    case .array(let elements):
      let isFlat = elements.allSatisfy { !$0.isContainer }
      list("[", "]", elements.count, onLines: !isFlat) { writer, index in writer.write(elements[index]) }
    case .object(let members):
      let members = sortedMembers ? members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } : members
      list("{", "}", members.count, onLines: true) { writer, index in
        writer.write(members[index].name)
        writer.append(writer.pretty ? ": " : ":")
        writer.write(members[index].value)
      }
    }
  }

  private mutating func list(
    _ opening: String, _ closing: String, _ count: Int, onLines: Bool,
    _ element: (inout JSONWriter, Int) -> Void
  ) {
    append(opening)
    depth += 1
    for index in 0..<count {
      if index > 0 { append(pretty && !onLines ? ", " : ",") }
      if onLines { newLine() }
      element(&self, index)
    }
    depth -= 1
    if onLines && count > 0 { newLine() }
    append(closing)
  }

  private mutating func newLine() {
    guard pretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }

  private mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0A: append("\\n")
      case 0x0C: append("\\f")
      case 0x0D: append("\\r")
      case ..<0x20: append(byte < 0x10 ? "\\u000" : "\\u00", String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(_ texts: String...) { for text in texts { bytes.append(contentsOf: text.utf8) } }
}

extension JSONValue {
  fileprivate var isContainer: Bool {
    switch self {
    case .array, .object: true
    default: false
    }
  }
}
