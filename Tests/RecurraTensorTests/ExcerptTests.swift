import RecurraTensor
import Testing

/// Text from outside in messages.
@Suite struct ExcerptTests {
  @Test(arguments: [
    ("units", "\"units\""), ("", "\"\""), ("猫 é 🐈", "\"猫 é 🐈\""), ("a\"b\\c", #""a\"b\\c""#),
    ("a\nb\r\t\0", #""a\nb\r\t\0""#), ("\u{1B}[2J", #""\u{1B}[2J""#), ("\u{202E}x\u{200D}", #""\u{202E}x\u{200D}""#),
    ("\u{9B}\u{2028}\u{2029}", #""\u{9B}\u{2028}\u{2029}""#), ("\u{10FFE9}", #""\xE9""#), ("\u{E000}", #""\u{E000}""#),
  ]) func anExcerptIsQuotedAndEscaped(_ text: String, _ shown: String) {
    #expect(text.excerpt == shown)
  }

  @Test func anExcerptIsCut() {
    #expect(String(repeating: "x", count: 60).excerpt == "\"" + String(repeating: "x", count: 60) + "\"")
    #expect(String(repeating: "x", count: 61).excerpt == "\"" + String(repeating: "x", count: 60) + "\"…")
    // One character of a million marks is long too.
    #expect(("e" + String(repeating: "\u{301}", count: 100)).excerpt.unicodeScalars.count == 63)
  }

  @Test func partsOfErrorsAreLinesOfBoundedLength() {
    let error = RecurraError(
      .badData, operation: "read a\nb", expected: String(repeating: "é", count: 1_001), got: "\u{1B}c")
    #expect(error.operation == #"read a\nb"#)
    #expect(
      error.expected == String(repeating: "é", count: 700) + "…" + String(repeating: "é", count: 300))
    #expect(error.got == #"\u{1B}c"#)
    let plain = RecurraError(.badData, operation: "a", expected: String(repeating: "é", count: 1_000), got: #"\ " '"#)
    #expect(plain.expected == String(repeating: "é", count: 1_000) && plain.got == #"\ " '"#)
  }
}
