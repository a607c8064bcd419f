public import RecurraTensor

/// A table from a file of comma-separated values: columns by name, as numbers or texts.
///
/// ```swift
/// let table = try CSVTable(contentsOf: "weather.csv")
/// let x = try table.tensor(["temperature", "wind"], missing: .previous)   // [rows, 2]
/// let y = try table.tensor("rain", dtype: .int32)                         // [rows]
/// ```
///
/// The format is RFC 4180: fields in quotes may hold separators, line ends and doubled quotes. Lines end in LF, CRLF or
/// CR; a byte order mark and empty lines are passed over. A file is read whole, so its size is limited.
public struct CSVTable: Sendable {
  /// The names of the columns, from the first line; "1", "2", … where a file has none.
  public let columnNames: [String]
  /// The texts that stand for a missing value.
  public let missingTexts: Set<String>
  /// What is read, for errors: "read weather.csv".
  let operation: String
  let cells: CSVCells
  /// The rows of the file that the table shows.
  let rows: [Int]
  private let positions: [String: Int]

  /// The texts that stand for a missing value unless said otherwise.
  public static let usualMissingTexts: Set<String> = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file, in UTF-8.
  ///   - separator: what stands between two fields: one ASCII character, such as ";" or a tab.
  ///   - hasHeader: whether the first line holds the names of the columns.
  ///   - missingTexts: what stands for a missing value, spaces around it left out.
  ///   - maximumByteCount: the largest file to accept.
  /// - Throws: `noInput` when there is no such file; `badFile` with line and column for what breaks the format, such as
  ///   a line with another number of fields than the first; `badArgument` for a separator that cannot be one.
  /// - Complexity: one pass; besides the file's bytes about four bytes a field.
  public init(
    contentsOf path: String, separator: Character = ",", hasHeader: Bool = true,
    missingTexts: Set<String> = CSVTable.usualMissingTexts, maximumByteCount: Int = 1 << 28
  ) throws(RecurraError) {
    let file = try InputFile(path, maximumByteCount: min(maximumByteCount, CSVCells.maximumByteCount))
    try self.init(
      bytes: file.bytes(0..<file.byteCount), operation: file.operation, separator, hasHeader, missingTexts)
  }

  /// Reads a text, such as the body of a request; see `init(contentsOf:)` for the arguments and errors.
  public init(
    parsing text: String, separator: Character = ",", hasHeader: Bool = true,
    missingTexts: Set<String> = CSVTable.usualMissingTexts
  ) throws(RecurraError) {
    try self.init(bytes: Array(text.utf8), operation: "CSV", separator, hasHeader, missingTexts)
  }

  init(
    bytes: [UInt8], operation: String, _ separator: Character, _ hasHeader: Bool, _ missingTexts: Set<String>
  ) throws(RecurraError) {
    guard let byte = separator.asciiValue, byte >= 0x20 || byte == 0x09, byte != UInt8(ascii: "\""), byte != 0x7F else {
      throw RecurraError(
        .badArgument, operation: operation, expected: "one ASCII character as separator, no quote or line end",
        got: String(separator).excerpt)
    }
    var parser = CSVParser(bytes: bytes, separator: byte, operation: operation)
    let cells = try parser.cells()
    var names = (0..<cells.columnCount).map { "\($0 + 1)" }
    if hasHeader {
      for column in names.indices {
        guard let name = cells.text(row: 0, column) else {
          throw Self.failure(
            operation, cells.line(ofRow: 0), column, nil, expected: "text in UTF-8", got: "other bytes")
        }
        names[column] = name.trimmed
      }
    }
    var positions: [String: Int] = [:]
    for (column, name) in names.enumerated() {
      if let first = positions.updateValue(column, forKey: name) {
        throw Self.failure(
          operation, cells.line(ofRow: 0), column, nil, expected: "every column name once",
          got: "\(name.excerpt) again, as in column \(first + 1)")
      }
    }
    self.operation = operation
    self.cells = cells
    self.missingTexts = missingTexts
    self.positions = positions
    columnNames = names
    rows = Array((hasHeader ? 1 : 0)..<cells.rowCount)
  }

  init(_ table: CSVTable, rows: [Int]) {
    columnNames = table.columnNames
    missingTexts = table.missingTexts
    operation = table.operation
    cells = table.cells
    positions = table.positions
    self.rows = rows
  }

  /// The number of rows, the names not counted.
  public var rowCount: Int { rows.count }

  /// Returns where a column stands.
  func position(of name: String) throws(RecurraError) -> Int {
    if let position = positions[name] { return position }
    let known = columnNames.prefix(20).map { $0.excerpt }.joined(separator: ", ")
    throw RecurraError(
      .badArgument, operation: operation,
      expected: "a column among \(known)\(columnNames.count > 20 ? ", …" : "")",
      got: name.excerpt)
  }

  /// An error about a field.
  func failure(row: Int, _ column: Int, expected: String, got: String) -> RecurraError {
    Self.failure(operation, cells.line(ofRow: row), column, columnNames[column], expected: expected, got: got)
  }

  private static func failure(
    _ operation: String, _ line: Int, _ column: Int, _ name: String?, expected: String, got: String
  ) -> RecurraError {
    let title = name.map { " (\($0.excerpt))" } ?? ""
    return RecurraError(
      .badFile, operation: "\(operation), line \(line), column \(column + 1)\(title)", expected: expected, got: got)
  }
}

extension CSVTable: CustomStringConvertible {
  /// The number of rows and the names of the first columns.
  public var description: String {
    let names = columnNames.prefix(8).map { $0.excerpt }.joined(separator: ", ")
    return "CSVTable(\(rowCount) rows of \(columnNames.count) columns: \(names)\(columnNames.count > 8 ? ", …" : ""))"
  }
}

extension String {
  /// The text without spaces and tabs at its ends.
  var trimmed: String {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(self[first...last])
  }
}
