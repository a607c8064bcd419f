import Foundation
import RecurraLayers
import Testing

/// What `recur demo gates` takes, and what it refuses.
@Suite struct DemoGatesInputTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  @Test(
    "Texts that cannot be shown or read are refused with what was expected",
    arguments: [
      ([""], "a word or a sentence"), ([], "a word or a sentence"),
      ([String(repeating: "鱼", count: 49)], "at most 48 symbols, got 49"), (["a\u{7}b"], "U+0007 as symbol 2"),
      (["\u{202E}abc"], "U+202E as symbol 1"), (["ab\u{FFFE}"], "U+FFFE as symbol 3"), (["a\tb"], "U+0009 as symbol 2"),
      (["e" + String(repeating: "\u{301}", count: 16)], "at most 16 code points, got 17 in symbol 1"),
      (["a", "--threshold", "0"], "--threshold"), (["a", "--threshold", "1"], "--threshold"),
      (["a", "--threshold", "nan"], "--threshold"), (["a", "--save", "x"], "--train"),
      (["a", "--epochs", "2"], "--train"),
      (["--train"], "--save"), (["a", "--train", "--save", "x"], "both"),
      (["--train", "--save", "x", "--epochs", "0"], "--epochs"), (["--train", "--save", "x", "--output", "y"], "both"),
    ]) func refused(arguments: [String], word: String) throws
  {
    try tool.expectFailure(64, word, of: ["demo", "gates"] + arguments)
    #expect(!FileManager.default.fileExists(atPath: tool.path("x")))
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    let result = try tool.shell(#"recur demo gates $'a\xff'"#)
    #expect(result.code == 64 && result.output.isEmpty && result.error.contains("as symbol 2"), "\(result.error)")
  }

  @Test func placesThatCannotBeWrittenAreRefusedBeforeAnything() throws {
    try tool.expectFailure(73, "no/such", of: ["demo", "gates", "鱼", "--output", "no/such"])
    try Data().write(to: URL(fileURLWithPath: tool.path("file")))
    try tool.expectFailure(73, "file", of: ["demo", "gates", "鱼", "--output", "file"])
    try tool.expectFailure(73, "no/such", of: ["demo", "gates", "--train", "--save", "no/such"])
  }

  @Test("What a person counts as one symbol is one, and what XML has signs of its own for is escaped")
  func symbols() throws {
    let text = "<i>&\"'👨‍👩‍👧e\u{301}貓\r\nb"
    let output = try tool.output(["demo", "gates", text, "--output", "made"])
    #expect(output.hasPrefix("<i>&\"'👨‍👩‍👧e\u{301}貓⏎b: 11 symbols"), "\(output)")
    #expect(output.contains("does not know <, >, &, 👨‍👩‍👧, e\u{301}, 貓."), "\(output)")
    #expect(output.contains("\n< ?") && output.contains("\ni  ") && output.contains("\n⏎  "))
    let results = try JSONValue(parsing: Array(tool.bytes("made/results.json")))
    let symbols = ["<", "i", ">", "&", "\"", "'", "👨‍👩‍👧", "e\u{301}", "貓", "\n", "b"]
    #expect(results["symbols"] == .array(symbols.map(JSONValue.string)))
    let known = [false, true, false, false, true, true, false, false, false, true, true]
    #expect(results["known"] == .array(known.map(JSONValue.bool)))
    for name in ["gates.svg", "actions.svg"] {
      let labels = Picture(tool.text("made/\(name)")).texts.filter { $0.style == "symbol" }
      #expect(labels.prefix(11).map(\.content) == symbols.map { $0 == "\n" ? "⏎" : $0 })
    }
    let page = tool.text("made/gates.html")
    #expect(page.contains("“&lt;i&gt;&amp;&quot;'👨‍👩‍👧") && !page.contains("<i>"))
  }

  @Test("Words without quotes are one text, capitals change nothing but what is shown, and 48 symbols are not too many")
  func words() throws {
    let quoted = try tool.output(["demo", "gates", "the cat"])
    #expect(try tool.output(["demo", "gates", "the", "cat"]) == quoted)
    let capitals = try tool.output(["demo", "gates", "THE CAT"])
    #expect(capitals != quoted && capitals.lowercased() == quoted.lowercased())
    try tool.output(["demo", "gates", String(repeating: "鱼", count: 48), "--output", "made"])
    #expect(Picture(tool.text("made/gates.svg")).panels.allSatisfy { $0.count == 48 * 64 + 41 })
    #expect(try tool.output(["demo", "gates", "--", "-"]).hasPrefix("-: 1 symbol,"))
  }

  @Test("Columns of the table stand below each other, where a terminal takes two for a Chinese character")
  func columns() throws {
    let lines = try tool.output(["demo", "gates", "鱼a"]).split(separator: "\n")
    let places = lines[1...4].map { line in
      line.reduce(into: (width: 0, last: 0)) { place, character in
        place.width += character.unicodeScalars.allSatisfy { $0.value < 0x2E80 } ? 1 : 2
        if character == "%", place.last == 0 { place.last = place.width }
      }.last
    }
    #expect(places[2] == places[3] && places[2] > 0)
  }
}
