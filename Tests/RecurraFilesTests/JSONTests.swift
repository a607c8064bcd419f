import RecurraLayers
import RecurraTensor
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String, _ limits: JSONValue.Limits = .init()) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), operation: "read x", offset: 100, limits: limits)
  }

  @Test func readsEveryKindOfValue() throws {
    let value = try parse(#" {"a": [1, -2.5e3, true, false, null], "b": {"c": "d"}, "e": {}, "f": []} "#)
    #expect(value["a"] == .array([.integer(1), .number(-2500), .bool(true), .bool(false), .null]))
    #expect(value["b"]?["c"] == .string("d"))
    #expect(value["e"] == .object([]))
    #expect(value["f"] == .array([]))
    #expect(value["g"] == nil)
  }

  @Test(arguments: [
    ("0", JSONValue.integer(0)), ("-7", .integer(-7)), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)), ("9007199254740993", .integer(9_007_199_254_740_993)),
    ("1.0", .number(1)), ("1e2", .number(100)), ("1E5", .number(100_000)), ("1E+2", .number(100)),
    ("25E-1", .number(2.5)),
    ("-1.5E03", .number(-1500)), ("5e-324", .number(.leastNonzeroMagnitude)), ("0.1", .number(0.1)),
    ("-0", .number(-0.0)),
  ]) func integersAreExactAndApartFromOtherNumbers(_ text: String, _ value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(arguments: ["\r\n", "\n", "\r", "\t", " ", ""]) func spaceOfEveryKindMayStandBetweenTokens(_ space: String)
    throws
  {
    let tokens = ["", "{", "\"a\"", ":", "[", "1", ",", "true", "]", ",", "\"b\"", ":", "{", "}", "}", ""]
    let value = try parse(tokens.joined(separator: space))
    #expect(value["a"] == .array([.integer(1), .bool(true)]) && value["b"] == .object([]))
  }

  @Test func spaceOfNoOtherKindMay() {
    for space in ["\u{B}", "\u{C}", "\u{A0}", "\u{2028}", "\u{FEFF}"] {
      expectError(.badFile, "offset") { _ = try parse("[1,\(space)2]") }
    }
  }

  @Test func namesAreApartWhenTheirBytesAre() throws {
    let value = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    #expect(value["\u{E9}"] == .integer(1) && value["e\u{301}"] == .integer(2))
    #expect(value != (try parse("{\"e\u{301}\": 1, \"\u{E9}\": 2}")))
    #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    #expect(try JSONValue(parsing: value.encoded()) == value)
  }

  @Test(arguments: [
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u732b""#, "Aé猫"),
    (#""\ud83d\udc08!""#, "🐈!"),
    (#""é猫🐈""#, "é猫🐈"), (#""""#, ""), (#""a\u0000b""#, "a\0b"),
  ]) func readsEscapes(_ text: String, _ value: String) throws {
    #expect(try parse(text) == .string(value))
  }

  @Test(arguments: [
    ("", 0), ("[1,]", 3), ("[1 2]", 3), ("{\"a\":1,}", 7), ("{\"a\" 1}", 5), ("{a:1}", 1), ("[1", 2), ("{\"a\":1", 6),
    ("01", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2), ("-", 1), ("tru", 3), ("nul!", 3), ("NaN", 0),
    ("Infinity", 0),
    ("\"a", 2), ("\"a\nb\"", 2), (#""\x""#, 2), (#""\u12g4""#, 5), (#""\ud800""#, 1), (#""\ud800\u0041""#, 1),
    (#""\udc00""#, 1), ("1 1", 2), ("[1]]", 3), ("'a'", 0), ("//\n1", 0), ("\u{FEFF}1", 0), ("{\"a\":1,\"a\":2}", 7),
    (#"{"a":1,"\u0061":2}"#, 7), ("9223372036854775808", 0), ("1e400", 0),
  ]) func refusesWhatIsNotJSONAndSaysWhere(_ text: String, _ offset: Int) {
    expectError(.badFile, "read x, offset \(100 + offset):") { _ = try parse(text) }
  }

  @Test func refusesBytesThatAreNotUTF8() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE7, 0x8C, 0x22],
    ] {
      expectError(.badFile, "UTF-8") { _ = try JSONValue(parsing: bytes) }
    }
  }

  @Test func limitsBoundWhatATextMayAskFor() throws {
    let nested = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
    #expect(throws: Never.self) { try parse(nested(64)) }
    expectError(.badFile, "64 levels") { _ = try parse(nested(65)) }
    expectError(.badFile, "64 levels") { _ = try parse(nested(1_000_000)) }
    expectError(.badFile, "10 values") { _ = try parse("[1,2,3,4,5,6,7,8,9,10]", .init(valueCount: 10)) }
    expectError(.badFile, "at most 5 bytes") { _ = try parse("123456", .init(byteCount: 5)) }
  }

  @Test func writtenTextIsReadBackUnchanged() throws {
    let value = JSONValue.object([
      (
        name: "z",
        value: .array([.integer(.min), .number(1e-7), .number(1e300), .number(-0.0), .number(0.1), .number(3)])
      ),
      (name: "a \"\\\u{1}\n猫", value: .string("\u{7F}🐈\t\u{1F}")),
      (name: "e", value: .array([.object([]), .array([])])),
      (name: "n", value: .null), (name: "t", value: .bool(true)),
    ])
    for pretty in [false, true] {
      #expect(try JSONValue(parsing: value.encoded(pretty: pretty)) == value)
    }
  }

  @Test func membersKeepTheirOrderOrAreSorted() throws {
    let value = try parse(#"{"b":[1,2],"a":{"d":1,"c":"x\/"}}"#)
    #expect(String(decoding: value.encoded(), as: UTF8.self) == #"{"b":[1,2],"a":{"d":1,"c":"x/"}}"#)
    #expect(
      String(decoding: value.encoded(sortedMembers: true), as: UTF8.self) == #"{"a":{"c":"x/","d":1},"b":[1,2]}"#)
    let pretty = "{\n  \"b\": [1, 2],\n  \"a\": {\n    \"d\": 1,\n    \"c\": \"x/\"\n  }\n}"
    #expect(String(decoding: value.encoded(pretty: true), as: UTF8.self) == pretty)
  }

  @Test func numbersThatJSONHasNoWordForBecomeNull() throws {
    let numbers: [Double] = [
      .nan, .signalingNaN, .infinity, -.infinity, .greatestFiniteMagnitude, -.leastNonzeroMagnitude,
    ]
    let value = JSONValue.object([(name: "a", value: .array(numbers.map { .number($0) })), ("b", .number(.nan))])
    for pretty in [false, true] {
      let read = try JSONValue(parsing: value.encoded(pretty: pretty))
      #expect(
        read["a"]
          == .array([.null, .null, .null, .null, .number(.greatestFiniteMagnitude), .number(-.leastNonzeroMagnitude)]))
      #expect(read["b"] == .null)
    }
  }

  @Test func everyTruncationThrows() throws {
    let text = Array(#"{"a":[1.5e3,"b\u732b\n"],"c":{"d":null}}"#.utf8)
    for count in text.indices {
      #expect(throws: RecurraError.self, "\(count) bytes") { try JSONValue(parsing: Array(text[..<count])) }
    }
  }
}
