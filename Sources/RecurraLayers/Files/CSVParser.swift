internal import RecurraTensor

/// The fields of a table, row by row, as bytes one behind the other.
struct CSVCells: Sendable {
  /// What positions of 32 bits reach.
  static let maximumByteCount = Int(UInt32.max)
  static let maximumColumnCount = 1 << 16

  fileprivate(set) var columnCount = 0
  fileprivate var bytes: [UInt8] = []
  /// Where each field ends in `bytes`.
  fileprivate var ends: [UInt32] = []
  /// The line on which each row starts, counted from 1.
  fileprivate var lines: [UInt32] = []

  var rowCount: Int { lines.count }

  func line(ofRow row: Int) -> Int { row < lines.count ? Int(lines[row]) : 1 }

  /// The text of a field; nil when it is not UTF-8.
  func text(row: Int, _ column: Int) -> String? {
    let field = row * columnCount + column
    let start = field == 0 ? 0 : Int(ends[field - 1])
    return String(validating: bytes[start..<Int(ends[field])], as: UTF8.self)
  }
}

/// Cuts the bytes of a file of comma-separated values into fields.
///
/// - Source: RFC 4180; line ends of every kind as in Python's csv.
struct CSVParser {
  private let bytes: [UInt8]
  private let separator: UInt8
  private let operation: String
  private var position = 0
  private var line = 1
  private var result = CSVCells()

  private static let quote = UInt8(ascii: "\"")

  init(bytes: [UInt8], separator: UInt8, operation: String) {
    self.bytes = bytes
    self.separator = separator
    self.operation = operation
  }

  /// Reads everything.
  mutating func cells() throws(RecurraError) -> CSVCells {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw failure(column: 0, expected: "text in UTF-8", got: "UTF-16")
    }
    result.bytes.reserveCapacity(bytes.count)
    while position < bytes.count {
      if isLineEnd(bytes[position]) { passLineEnd() } else { try row() }
    }
    guard result.rowCount > 0 else {
      throw RecurraError(.badFile, operation: operation, expected: "at least one line", got: "none")
    }
    return result
  }

  private mutating func row() throws(RecurraError) {
    let start = line
    result.lines.append(UInt32(truncatingIfNeeded: line))
    var count = 0
    while true {
      guard count < CSVCells.maximumColumnCount else {
        throw failure(column: count, expected: "at most \(CSVCells.maximumColumnCount) columns", got: "more")
      }
      try field(count)
      result.ends.append(UInt32(truncatingIfNeeded: result.bytes.count))
      count += 1
      guard position < bytes.count, bytes[position] == separator else { break }
      position += 1
    }
    if result.rowCount == 1 { result.columnCount = count }
    guard count == result.columnCount else {
      throw RecurraError(
        .badFile, operation: "\(operation), line \(start)",
        expected: "\(result.columnCount) fields, as in the first line",
        got: "\(count)")
    }
    if position < bytes.count { passLineEnd() }
  }

  /// Reads a field and stops at the separator, line end or end of the file behind it.
  private mutating func field(_ column: Int) throws(RecurraError) {
    if position < bytes.count, bytes[position] == Self.quote { return try quotedField(column) }
    let start = position
    while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) {
      if bytes[position] == Self.quote {
        throw failure(
          column: column, expected: "quotes around a whole field, with two for each one inside",
          got: "a quote within it")
      }
      if bytes[position] == 0 { throw failure(column: column, expected: "a text", got: "a zero byte") }
      position += 1
    }
    result.bytes.append(contentsOf: bytes[start..<position])
  }

  private mutating func quotedField(_ column: Int) throws(RecurraError) {
    let first = line
    position += 1
    while true {
      let start = position
      while position < bytes.count, bytes[position] != Self.quote {
        // The line end itself belongs to the field.
        if isLineEnd(bytes[position]) { passLineEnd() } else { position += 1 }
      }
      result.bytes.append(contentsOf: bytes[start..<position])
      guard position < bytes.count else {
        throw failure(line: first, column: column, expected: "a closing quote", got: "the end of the file")
      }
      position += 1
      guard position < bytes.count, bytes[position] == Self.quote else { break }
      result.bytes.append(Self.quote)
      position += 1
    }
    guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
      throw failure(
        column: column, expected: "a separator or the end of the line behind a closing quote",
        got: bytes[position] < 0x20 || bytes[position] > 0x7E
          ? "byte \(bytes[position])" : "\"\(Unicode.Scalar(bytes[position]))\"")
    }
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  /// Goes on behind LF, CR or both.
  private mutating func passLineEnd() {
    let isReturn = bytes[position] == 0x0D
    position += 1
    if isReturn, position < bytes.count, bytes[position] == 0x0A { position += 1 }
    line += 1
  }

  private func failure(line: Int? = nil, column: Int, expected: String, got: String) -> RecurraError {
    RecurraError(
      .badFile, operation: "\(operation), line \(line ?? self.line), column \(column + 1)", expected: expected, got: got
    )
  }
}
