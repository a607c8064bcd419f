internal import RecurraTensor

/// Reads the one Python literal that a NumPy header is: a dictionary of a text, a truth value and a tuple of integers.
struct PythonLiteral {
  let bytes: [UInt8]
  let file: InputFile
  /// Where the literal starts in the file.
  let offset: Int
  private var position = 0

  init(bytes: [UInt8], file: InputFile, offset: Int) {
    self.bytes = bytes
    self.file = file
    self.offset = offset
  }

  mutating func header() throws(RecurraError) -> (type: String, isFortranOrder: Bool, shape: [Int]) {
    var type: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try text()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try text()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truth()
      case "shape" where shape == nil: shape = try tuple()
      default: throw failure("descr, fortran_order and shape, once each", got: key.excerpt)
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.count else { throw failure("the end of the header") }
    guard let type, let isFortranOrder, let shape else {
      throw failure("descr, fortran_order and shape", got: "fewer")
    }
    return (type, isFortranOrder, shape)
  }

  private mutating func text() throws(RecurraError) -> String {
    skipSpace()
    // Python 2 marked its Unicode texts.
    if peek() == UInt8(ascii: "u") || peek() == UInt8(ascii: "U") { position += 1 }
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw failure("a text in quotes")
    }
    position += 1
    let start = position
    while let byte = peek(), byte != quote, byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") { position += 1 }
    guard peek() == quote else { throw failure("plain ASCII and a closing quote") }
    position += 1
    return String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
  }

  private mutating func truth() throws(RecurraError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw failure("True or False")
  }

  private mutating func tuple() throws(RecurraError) -> [Int] {
    try expect("(")
    var extents: [Int] = []
    while !take(")") {
      extents.append(try extent())
      let hasComma = take(",")
      if !hasComma {
        // One number in brackets without a comma is a number in Python, not a tuple.
        guard extents.count > 1 else { throw failure("a comma") }
        try expect(")")
        break
      }
    }
    return extents
  }

  private mutating func extent() throws(RecurraError) -> Int {
    skipSpace()
    let start = position
    while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    // Python 2 wrote long integers with an L behind them.
    let digits = String(decoding: bytes[start..<position], as: UTF8.self)
    if position > start, peek() == UInt8(ascii: "L") { position += 1 }
    guard let extent = Int(digits) else { throw failure("an extent of 64 bits", got: digits.excerpt) }
    return extent
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(RecurraError) {
    guard take(character) else { throw failure("\"\(character)\"") }
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x09 { position += 1 }
  }

  private func failure(_ expected: String, got: String? = nil) -> RecurraError {
    let byte = peek().map { $0 >= 0x20 && $0 < 0x7F ? "\"\(Unicode.Scalar($0))\"" : "byte \($0)" }
    return RecurraError(
      .badFile, operation: "\(file.operation), offset \(offset + position)", expected: expected,
      got: got ?? byte ?? "the end of the header")
  }
}
