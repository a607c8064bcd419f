import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

@Suite struct VocabularyTests {
  @Test("Ids follow the first appearance of each word and lead back to it")
  func labels() throws {
    let labels = Vocabulary(["red", "green", "red", "blue"])
    #expect(labels.words == ["red", "green", "blue"] && labels.count == 3)
    #expect(try labels.ids(["blue", "red", "green"]) == [2, 0, 1])
    #expect((0..<3).map(labels.word) == ["red", "green", "blue"])
    #expect(labels.word(-1) == nil && labels.word(3) == nil && labels.id("black") == nil)
    let error = #expect(throws: RecurraError.self) { try labels.ids(["red", "bl\u{1B}ack"]) }
    #expect(error?.description == "Vocabulary: expected one of 3 known words, got \"bl\\u{1B}ack\" at index 1")
  }

  @Test("Padding and unknown words come before the words", arguments: [(true, true), (true, false), (false, true)])
  func reserved(hasPadding: Bool, hasUnknown: Bool) throws {
    let words = Vocabulary(["a", "b"], hasPadding: hasPadding, hasUnknown: hasUnknown)
    let first = (hasPadding ? 1 : 0) + (hasUnknown ? 1 : 0)
    #expect(words.count == first + 2 && words.id("a") == first && words.word(first + 1) == "b")
    #expect(words.paddingID == (hasPadding ? 0 : nil))
    #expect(words.unknownID == (hasUnknown ? first - 1 : nil) && words.id("c") == words.unknownID)
    for id in 0..<first { #expect(words.word(id) == nil) }
    if hasUnknown { #expect(try words.ids(["b", "c"]) == [first + 1, first - 1]) }
    #expect(try Vocabulary(note: words.note) == words)
  }

  @Test("Texts that are no vocabulary are refused")
  func refusals() throws {
    for text in [
      "[]", "{\"words\": [\"a\"]}", "{\"has_padding\": true, \"has_unknown\": false, \"words\": [1]}",
      "{\"has_padding\": 1, \"has_unknown\": false, \"words\": []}",
      "{\"has_padding\": true, \"has_unknown\": false, \"words\": [\"a\", \"a\"]}",
    ] {
      let error = #expect(throws: RecurraError.self) { try Vocabulary(note: text) }
      #expect(error?.kind == .badData && error?.operation == "Vocabulary", "\(text)")
    }
    let eight = Vocabulary((1...8).map { "w\($0)" })
    #expect(eight.description.hasSuffix("\"w7\", \"w8\")"))
    let many = Vocabulary((0..<20).map { "w\($0)" })
    #expect(
      many.description
        == "Vocabulary(20 words: \"w0\", \"w1\", \"w2\", \"w3\", \"w4\", \"w5\", \"w6\", \"w7\", …)")
  }
}
