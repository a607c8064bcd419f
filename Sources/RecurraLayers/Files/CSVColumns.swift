public import RecurraTensor

/// Says what becomes of a missing number in a column.
public enum MissingNumbers: Sendable, Equatable {
  /// It is an error that names line and column.
  case refused
  /// It becomes this number.
  case replaced(by: Double)
  /// It becomes the number of the row before; in the first row it is an error.
  case previous
}

extension CSVTable {
  /// Returns a column as numbers.
  ///
  /// A number is written as in Swift or Python: 1, -2.5, 6e-3; true and false count as 1 and 0, spaces around it are
  /// left out.
  ///
  /// - Parameters:
  ///   - name: the column.
  ///   - dtype: the type of the elements; ask for `.int32` to keep ids whole.
  ///   - missing: what becomes of a missing number.
  /// - Shapes: result [rows].
  /// - Throws: `badArgument` for a column that is not there; `badFile` with line and column for a field that is no
  ///   number, that `dtype` cannot hold, or that is missing.
  public func tensor(
    _ name: String, dtype: DType = .float32, missing: MissingNumbers = .refused
  ) throws(RecurraError) -> Tensor {
    try tensor([name], dtype: dtype, missing: missing).squeezed(1)
  }

  /// Returns columns side by side as numbers; see `tensor(_:dtype:missing:)` of one name.
  ///
  /// - Shapes: result [rows, names].
  public func tensor(
    _ names: [String], dtype: DType = .float32, missing: MissingNumbers = .refused
  ) throws(RecurraError) -> Tensor {
    var columns: [Int] = []
    for name in names { columns.append(try position(of: name)) }
    var numbers: [Double] = []
    numbers.reserveCapacity(rows.count * columns.count)
    for (index, row) in rows.enumerated() {
      for column in columns {
        let before = index == 0 ? nil : numbers[numbers.count - columns.count]
        numbers.append(try number(row, column, missing, before, dtype))
      }
    }
    return try Tensor(validating: numbers, shape: [rows.count, columns.count], dtype: dtype)
  }

  /// Returns a column as texts; what stands for a missing value is a text like any other.
  ///
  /// - Throws: `badArgument` for a column that is not there, `badFile` with line and column for a field that is not
  ///   UTF-8.
  public func texts(_ name: String) throws(RecurraError) -> [String] {
    let column = try position(of: name)
    var texts: [String] = []
    for row in rows { texts.append(try text(row, column)) }
    return texts
  }

  /// Returns the table without the rows in which one of some columns has no value; all columns when left out.
  ///
  /// - Throws: `badArgument` for a column that is not there, `badFile` with line and column for a field that is not
  ///   UTF-8.
  public func droppingMissing(_ names: [String]? = nil) throws(RecurraError) -> CSVTable {
    var columns: [Int] = []
    for name in names ?? columnNames { columns.append(try position(of: name)) }
    var kept: [Int] = []
    for row in rows {
      var isWhole = true
      for column in columns where isWhole { isWhole = try !missingTexts.contains(text(row, column).trimmed) }
      if isWhole { kept.append(row) }
    }
    return CSVTable(self, rows: kept)
  }

  private func text(_ row: Int, _ column: Int) throws(RecurraError) -> String {
    guard let text = cells.text(row: row, column) else {
      throw failure(row: row, column, expected: "text in UTF-8", got: "other bytes")
    }
    return text
  }

  private func number(
    _ row: Int, _ column: Int, _ missing: MissingNumbers, _ before: Double?, _ dtype: DType
  ) throws(RecurraError) -> Double {
    let text = try text(row, column).trimmed
    if missingTexts.contains(text) {
      if case .replaced(let value) = missing { return value }
      if missing == .previous, let before { return before }
      throw failure(
        row: row, column, expected: missing == .previous ? "a number in the first row" : "a number",
        got: text.isEmpty ? "an empty field" : "\(text.excerpt), a missing value")
    }
    guard let number = Self.number(text) else {
      throw failure(row: row, column, expected: "a number", got: text.excerpt)
    }
    let isHeld =
      dtype == .int32 ? Double.int32(number) != nil : dtype == .float64 || Double.float32(number) != nil
    guard isHeld else {
      throw failure(
        row: row, column, expected: dtype == .int32 ? "a whole number within int32" : "a number within float32",
        got: text.excerpt)
    }
    return number
  }

  /// Reads a number; nil for anything else, for hexadecimal digits, and for digits beyond `Double`.
  private static func number(_ text: String) -> Double? {
    switch text {
    case "true", "True", "TRUE": return 1
    case "false", "False", "FALSE": return 0
    default: break
    }
    guard let number = Double(text) else { return nil }
    let isDecimal = text.utf8.allSatisfy { ("0"..."9").contains(Unicode.Scalar($0)) || "+-.eE".utf8.contains($0) }
    return isDecimal == number.isFinite ? number : nil
  }
}
