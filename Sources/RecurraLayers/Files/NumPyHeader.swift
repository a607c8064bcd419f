internal import RecurraTensor

/// What a NumPy file says about its array before the data.
struct NumPyHeader {
  let format: ElementFormat
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: [Int]
  /// Where the data start in the file.
  let dataOffset: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own limit.
  private static let maximumByteCount = 10_000

  init(_ file: InputFile) throws(RecurraError) {
    guard file.byteCount >= 10, try file.bytes(0..<6) == Self.magic else {
      throw file.damaged(expected: "a NumPy file", got: "other bytes at its start")
    }
    let version = try file.bytes(6..<8)
    guard (1...3).contains(version[0]), version[1] == 0 else {
      throw file.damaged(expected: "format version 1.0, 2.0 or 3.0", got: "\(version[0]).\(version[1])")
    }
    let start = version[0] == 1 ? 10 : 12
    let length = try file.bytes(8..<start).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumByteCount else {
      throw file.damaged(expected: "a header of at most \(Self.maximumByteCount) bytes", got: "\(length)")
    }
    var literal = PythonLiteral(bytes: try file.bytes(start..<(start + length)), file: file, offset: start)
    let fields = try literal.header()
    (format, isBigEndian) = try Self.type(fields.type, file)
    isFortranOrder = fields.isFortranOrder
    shape = fields.shape
    dataOffset = start + length
    guard let byteCount = shape.reduce(format.byteCount, Self.multiply), byteCount <= .max - dataOffset else {
      throw file.damaged(expected: "a size that fits in 64 bits", got: "shape \(shape)")
    }
    guard file.byteCount - dataOffset == byteCount else {
      throw file.damaged(
        expected: "\(byteCount) bytes of data for \(fields.type) of shape \(shape)",
        got: "\(file.byteCount - dataOffset)")
    }
  }

  private static func multiply(_ left: Int?, _ right: Int) -> Int? {
    guard let (product, overflow) = left?.multipliedReportingOverflow(by: right), !overflow else { return nil }
    return product
  }

  private static func type(_ type: String, _ file: InputFile) throws(RecurraError) -> (ElementFormat, Bool) {
    let format: ElementFormat? =
      switch type.dropFirst() {
      case "b1": .bool
      case "u1": .uint8
      case "i1": .int8
      case "u2": .uint16
      case "i2": .int16
      case "f2": .float16
      case "u4": .uint32
      case "i4": .int32
      case "f4": .float32
      case "u8": .uint64
      case "i8": .int64
      case "f8": .float64
      default: nil
      }
    guard let format, let order = type.utf8.first, "<>|=".utf8.contains(order),
      format.byteCount == 1 || order != UInt8(ascii: "|")
    else {
      throw file.damaged(expected: "numbers: b1, i1 to i8, u1 to u8, f2 to f8 with < > or |", got: "'\(type)'")
    }
    return (format, order == UInt8(ascii: ">"))
  }

  /// The bytes before the data, as NumPy writes them: padded so that the data start at a multiple of 64.
  static func bytes(dtype: DType, shape: [Int]) -> [UInt8] {
    let type =
      switch dtype {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int32: "<i4"
      }
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
    // NumPy leaves room for the first extent to grow to 21 digits in place; it is lost in the padding to 64 bytes or adds to it.
    text += repeatElement(UInt8(ascii: " "), count: shape.first.map { 21 - String($0).utf8.count } ?? 0)
    text += repeatElement(UInt8(ascii: " "), count: 64 - (10 + text.count + 1) % 64) + [UInt8(ascii: "\n")]
    return magic + [1, 0, UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)] + text
  }
}

/// Reads the one Python literal that a NumPy header is: a dictionary of a text, a truth value and a tuple of integers.
private struct PythonLiteral {
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
      default: throw failure("descr, fortran_order and shape, once each", got: "'\(key)'")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.count, bytes.last == UInt8(ascii: "\n") else { throw failure("a line end, and no more") }
    guard let type, let isFortranOrder, let shape else {
      throw failure("descr, fortran_order and shape", got: "fewer")
    }
    return (type, isFortranOrder, shape)
  }

  private mutating func text() throws(RecurraError) -> String {
    skipSpace()
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
    guard let extent = Int(digits) else { throw failure("an extent of 64 bits", got: "\"\(digits)\"") }
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
