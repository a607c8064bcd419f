import RecurraLayers
import RecurraTensor
import Testing

@Suite struct CSVTableTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func rows(_ text: String, separator: Character = ",", hasHeader: Bool = true) throws -> [[String]] {
    let table = try CSVTable(parsing: text, separator: separator, hasHeader: hasHeader)
    let columns = try table.columnNames.map { try table.texts($0) }
    return [table.columnNames] + (0..<table.rowCount).map { row in columns.map { $0[row] } }
  }

  @Test(arguments: [
    ("a,b\n1,2\n", "LF"), ("a,b\r\n1,2\r\n", "CRLF"), ("a,b\r1,2\r", "CR"), ("a,b\n1,2", "no end behind the last line"),
    ("\u{FEFF}a,b\n1,2\n", "byte order mark"), ("\n\na,b\n\n1,2\n\r\n\n", "empty lines"),
    ("\"a\",\"b\"\n\"1\",\"2\"\n", "quotes"), (" a ,\tb\n1,2\n", "space around names"),
  ]) func linesOfEveryKind(_ text: String, _ reason: String) throws {
    #expect(try rows(text) == [["a", "b"], ["1", "2"]], "\(reason)")
  }

  @Test func quotesHoldSeparatorsLineEndsAndQuotes() throws {
    let text = "name,say\r\n\"Smith, J.\",\"he said \"\"no\"\"\"\r\n\"two\r\nlines\",\"\"\"\"\r\n\"\",猫\r\n"
    #expect(
      try rows(text) == [["name", "say"], ["Smith, J.", "he said \"no\""], ["two\r\nlines", "\""], ["", "猫"]])
    #expect(try rows("a,b,c\n,,\n") == [["a", "b", "c"], ["", "", ""]])
    #expect(
      try rows("a\n\"\"\n1\n") == [["a"], [""], ["1"]], "an empty field in quotes is a row, an empty line is none")
  }

  @Test func otherSeparatorsAndNoHeader() throws {
    #expect(try rows("a;b\n1,5;2\n", separator: ";") == [["a", "b"], ["1,5", "2"]])
    #expect(try rows("a\tb\n1\t2\n", separator: "\t") == [["a", "b"], ["1", "2"]])
    #expect(try rows("1,2\n3,4\n", hasHeader: false) == [["1", "2"], ["1", "2"], ["3", "4"]])
    for separator: Character in ["\"", "\n", "\r", "é", "\u{1}"] {
      expectError(.badArgument, "one ASCII character as separator") {
        _ = try CSVTable(parsing: "a", separator: separator)
      }
    }
  }

  @Test func columnsByNameAreNumbers() throws {
    let table = try CSVTable(parsing: "day,t,rain\nMon, 1.5 ,true\nTue,-2e1,False\nWed,+3,1\n")
    #expect(table.columnNames == ["day", "t", "rain"] && table.rowCount == 3)
    let both = try table.tensor(["rain", "t"])
    #expect(both.shape == [3, 2] && both.scalars(as: Float.self) == [1, 1.5, 0, -20, 1, 3])
    let ids = try table.tensor("rain", dtype: .int32)
    #expect(ids.shape == [3] && ids.scalars(as: Int32.self) == [1, 0, 1])
    #expect(try table.tensor("t", dtype: .float64).scalars(as: Double.self) == [1.5, -20, 3])
    #expect(try table.texts("day") == ["Mon", "Tue", "Wed"])
    expectError(.badArgument, "a column among \"day\", \"t\", \"rain\"", "got \"T\"") { _ = try table.tensor("T") }
    #expect(try CSVTable(parsing: "a,b\n").tensor(["a", "b"]).shape == [0, 2])
    #expect(table.description == "CSVTable(3 rows of 3 columns: \"day\", \"t\", \"rain\")")
  }

  @Test(arguments: [
    ("x\n1\nfive\n", "line 3, column 1 (\"x\")", "a number", "\"five\""),
    ("a,x\n1,2\n3,1.5.2\n", "line 3, column 2 (\"x\")", "a number", "\"1.5.2\""),
    ("x\n0x10\n", "line 2, column 1 (\"x\")", "a number", "\"0x10\""),
    ("x\n1e400\n", "line 2, column 1 (\"x\")", "a number", "\"1e400\""),
    ("x\n1,5\n", "line 2", "1 fields, as in the first line", "2"),
    ("x\n\n\n-1e39\n", "line 4, column 1 (\"x\")", "a number within float32", "\"-1e39\""),
    ("t,x\n\"two\nlines\",1\n\"a\",b\n", "line 4, column 2 (\"x\")", "a number", "\"b\""),
    ("x\n1\n\u{1B}[31m\n", "line 3, column 1 (\"x\")", "a number", "\"\\u{1B}[31m\""),
  ]) func wrongNumbersAreNamedByLineAndColumn(_ text: String, _ place: String, _ expected: String, _ got: String) {
    expectError(.badFile, "CSV, \(place): expected \(expected), got \(got)") {
      _ = try CSVTable(parsing: text).tensor("x")
    }
  }

  @Test(arguments: ["0.5", "2147483648", "-2147483649", "inf"]) func idsAreWholeAndWithinInt32(_ text: String) {
    expectError(.badFile, "line 2, column 1 (\"x\")", "a whole number within int32", "\"\(text)\"") {
      _ = try CSVTable(parsing: "x\n\(text)\n").tensor("x", dtype: .int32)
    }
  }

  @Test func infinityPassesWhereItIsWritten() throws {
    let values = try CSVTable(parsing: "x\ninf\n-Infinity\n").tensor("x").scalars(as: Float.self)
    #expect(values == [.infinity, -.infinity])
  }

  @Test func missingNumbersAreRefusedReplacedOrCarriedOn() throws {
    let table = try CSVTable(parsing: "a,b\n1,2\nNA,3\n,  \n4,nan\n")
    expectError(.badFile, "line 3, column 1 (\"a\"): expected a number, got \"NA\", a missing value") {
      _ = try table.tensor("a")
    }
    expectError(.badFile, "line 4, column 2 (\"b\"): expected a number, got an empty field") {
      _ = try table.tensor("b")
    }
    let replaced = try table.tensor(["a", "b"], missing: .replaced(by: -1))
    #expect(replaced.scalars(as: Float.self) == [1, 2, -1, 3, -1, -1, 4, -1])
    let previous = try table.tensor(["a", "b"], missing: .previous)
    #expect(previous.scalars(as: Float.self) == [1, 2, 1, 3, 1, 3, 4, 3])
    #expect(try table.tensor("a", missing: .replaced(by: .nan)).scalars(as: Float.self)[1].isNaN)
    let first = try CSVTable(parsing: "a\nNA\n1\n")
    expectError(.badFile, "line 2", "a number in the first row") { _ = try first.tensor("a", missing: .previous) }
    let own = try CSVTable(parsing: "a\n?\n1\n", missingTexts: ["?"])
    #expect(try own.tensor("a", missing: .replaced(by: 5)).scalars(as: Float.self) == [5, 1])
    expectError(.badFile, "\"NA\"") {
      _ = try CSVTable(parsing: "a\nNA\n", missingTexts: ["?"]).tensor("a", missing: .replaced(by: 5))
    }
  }

  @Test func rowsWithoutAValueCanBeDropped() throws {
    let table = try CSVTable(parsing: "a,b\n1,2\n NA\t,3\n5, \n4,wrong\n")
    let whole = try table.droppingMissing()
    #expect(try whole.rowCount == 2 && whole.texts("a") == ["1", "4"])
    #expect(try table.droppingMissing(["a"]).texts("a") == ["1", "5", "4"])
    expectError(.badFile, "line 5, column 2") { _ = try whole.tensor("b") }
    expectError(.badArgument, "\"c\"") { _ = try table.droppingMissing(["c"]) }
  }

  @Test func namesAreShownUpToALimit() throws {
    func table(_ count: Int) throws -> CSVTable {
      try CSVTable(parsing: (1...count).map { "c\($0)" }.joined(separator: ",") + "\n")
    }
    #expect(try table(8).description.hasSuffix("\"c8\")") && table(9).description.hasSuffix("\"c8\", …)"))
    expectError(.badArgument, "\"c19\", \"c20\", got \"x\"") { _ = try table(20).tensor("x") }
    expectError(.badArgument, "\"c20\", …, got \"x\"") { _ = try table(21).tensor("x") }
  }

  @Test(arguments: [
    ("a,b\n1\n", "line 2", "2 fields, as in the first line", "1"), ("a,b\n1,2,3\n", "line 2", "2 fields", "3"),
    ("a,b\n1,2,\n", "line 2", "2 fields", "3"), ("a,b\n\"1\",\"2\n", "line 2, column 2", "a closing quote", "the end"),
    ("a,b\n\"1\" ,2\n", "line 2, column 1", "a separator or the end of the line behind a closing quote", "\" \""),
    ("a,b\n1,x\"y\"\n", "line 2, column 2", "quotes around a whole field", "a quote within it"),
    ("a,b\n1,\0\n", "line 2, column 2", "a text", "a zero byte"),
    ("a,b,a\n", "line 1, column 3", "every column name once", "\"a\" again, as in column 1"),
    ("", "CSV", "at least one line", "none"),
    ("\n\n", "CSV", "at least one line", "none"),
  ]) func brokenTablesAreNamedByLineAndColumn(_ text: String, _ place: String, _ expected: String, _ got: String) {
    expectError(.badFile, place, "expected \(expected)", "got \(got)") { _ = try CSVTable(parsing: text) }
  }

  @Test func filesAreNamedAndLimited() throws {
    let path = try folder.add("t.csv", Array("x\n1\nno\n".utf8))
    expectError(.badFile, "read \(path), line 3, column 1") { _ = try CSVTable(contentsOf: path).tensor("x") }
    #expect(try CSVTable(contentsOf: path).texts("x") == ["1", "no"])
    expectError(.badFile, "at most 4 bytes") { _ = try CSVTable(contentsOf: path, maximumByteCount: 4) }
    expectError(.noInput, folder("none.csv")) { _ = try CSVTable(contentsOf: folder("none.csv")) }
    let wide = try folder.add("utf16.csv", [0xFF, 0xFE, 0x78, 0])
    expectError(.badFile, "text in UTF-8", "UTF-16") { _ = try CSVTable(contentsOf: wide) }
    let swapped = try folder.add("utf16be.csv", [0xFE, 0xFF, 0, 0x78])
    expectError(.badFile, "text in UTF-8", "UTF-16") { _ = try CSVTable(contentsOf: swapped) }
    let broken = try folder.add("latin1.csv", Array("x,y\n1,".utf8) + [0xE9, 0x0A])
    #expect(try CSVTable(contentsOf: broken).tensor("x").doubleValues == [1])
    expectError(.badFile, "line 2, column 2 (\"y\")", "UTF-8") { _ = try CSVTable(contentsOf: broken).texts("y") }
    let header = try folder.add("header.csv", [0x61, 0x2C, 0xE9, 0x0A])
    expectError(.badFile, "line 1, column 2", "UTF-8") { _ = try CSVTable(contentsOf: header) }
    let columns = try folder.add("columns.csv", [UInt8](repeating: UInt8(ascii: ","), count: 1 << 16))
    expectError(.badFile, "at most 65536 columns") { _ = try CSVTable(contentsOf: columns) }
  }

  @Test func everyTruncationReadsOrThrows() throws {
    let whole = Array("a,b\r\n\"1\n\",\"\"\"2\"\r\n3,é\r\n".utf8)
    for count in whole.indices {
      let path = try folder.add("cut.csv", Array(whole.prefix(count)))
      do throws(RecurraError) {
        let table = try CSVTable(contentsOf: path)
        for name in table.columnNames { _ = try? table.texts(name) }
      } catch {
        #expect(error.operation.contains(path))
      }
    }
  }
}

extension Tensor {
  fileprivate var doubleValues: [Double] { converted(to: .float64).scalars() }
}
