internal import RecurraTensor

/// A recursive descent over the bytes of one text.
struct JSONParser {
  let bytes: [UInt8]
  let operation: String
  let offset: Int
  let limits: JSONValue.Limits
  private var position = 0
  private var valueCount = 0

  init(bytes: [UInt8], operation: String, offset: Int, limits: JSONValue.Limits) {
    self.bytes = bytes
    self.operation = operation
    self.offset = offset
    self.limits = limits
  }

  mutating func parse() throws(RecurraError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw failure("the end of the text") }
    return value
  }

  private mutating func value(depth: Int) throws(RecurraError) -> JSONValue {
    skipSpace()
    valueCount += 1
    guard valueCount <= limits.valueCount else { throw failure("at most \(limits.valueCount) values", got: "more") }
    guard let byte = peek() else { throw failure("a value") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("a value")
    }
  }

  private mutating func object(depth: Int) throws(RecurraError) -> JSONValue {
    try enter(depth)
    var members: [(name: String, value: JSONValue)] = []
    var names: Set<[UInt8]> = []
    if take(UInt8(ascii: "}")) { return .object([]) }
    while true {
      skipSpace()
      let start = position
      guard peek() == UInt8(ascii: "\"") else { throw failure("a member name in quotes") }
      let name = try string()
      guard names.insert(Array(name.utf8)).inserted else {
        throw failure("every member name once", got: "\(name.excerpt) again", at: start)
      }
      guard take(UInt8(ascii: ":")) else { throw failure("a colon") }
      members.append((name, try value(depth: depth)))
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw failure("a comma or the end of the object") }
    }
  }

  private mutating func array(depth: Int) throws(RecurraError) -> JSONValue {
    try enter(depth)
    var elements: [JSONValue] = []
    if take(UInt8(ascii: "]")) { return .array([]) }
    while true {
      elements.append(try value(depth: depth))
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw failure("a comma or the end of the list") }
    }
  }

  private mutating func enter(_ depth: Int) throws(RecurraError) {
    guard depth <= limits.depth else { throw failure("at most \(limits.depth) levels of nesting", got: "more") }
    position += 1
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(RecurraError) -> JSONValue {
    for byte in text.description.utf8 {
      guard peek() == byte else { throw failure("\(text)") }
      position += 1
    }
    return value
  }

  private mutating func number() throws(RecurraError) -> JSONValue {
    let start = position
    let isNegative = peek() == UInt8(ascii: "-")
    if isNegative { position += 1 }
    if peek() == UInt8(ascii: "0") { position += 1 } else { try digits() }
    var isInteger = true
    if peek() == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try digits()
    }
    if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger && text != "-0" {
      guard let integer = Int(text) else { throw failure("an integer of 64 bits", got: text.excerpt, at: start) }
      return .integer(integer)
    }
    guard let number = Double(text), number.isFinite else {
      throw failure("a number within the range of Double", got: text.excerpt, at: start)
    }
    return .number(number)
  }

  private mutating func digits() throws(RecurraError) {
    let start = position
    while let byte = peek(), byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw failure("a digit") }
  }

  private mutating func string() throws(RecurraError) -> String {
    let start = position
    position += 1
    let content = position
    while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    guard peek() != UInt8(ascii: "\"") else {
      position += 1
      return try text(bytes[content..<(position - 1)], start)
    }
    var unescaped = Array(bytes[content..<position])
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try text(unescaped[...], start)
      case UInt8(ascii: "\\"): unescaped += try escape().utf8
      case ..<0x20: throw failure("an escaped control character")
      default:
        unescaped.append(byte)
        position += 1
      }
    }
    throw failure("a closing quote")
  }

  private func text(_ bytes: ArraySlice<UInt8>, _ start: Int) throws(RecurraError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure("text in UTF-8", got: "other bytes", at: start)
    }
    return text
  }

  private mutating func escape() throws(RecurraError) -> String {
    let start = position
    position += 1
    defer { position += 1 }
    switch peek() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw failure("an escape")
    }
    var code = try codeUnit()
    if code >= 0xD800 && code < 0xDC00, bytes[(position + 1)...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
      position += 2
      let low = try codeUnit()
      guard low >= 0xDC00 && low < 0xE000 else { throw failure("a pair of surrogates", got: "half", at: start) }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw failure("a pair of surrogates", got: "half", at: start) }
    return String(Character(scalar))
  }

  /// Reads the four digits behind a "u", and stays on the last one.
  private mutating func codeUnit() throws(RecurraError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let digit = peek().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw failure("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
    }
    return code
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private func failure(_ expected: String, got: String? = nil, at place: Int? = nil) -> RecurraError {
    let place = place ?? min(position, bytes.count)
    let found = place < bytes.count ? String(decoding: [bytes[place]], as: UTF8.self).excerpt : "the end"
    return RecurraError(
      .badFile, operation: "\(operation), offset \(offset + place)", expected: expected, got: got ?? found)
  }
}
