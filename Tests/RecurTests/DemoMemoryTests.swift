import Foundation
import RecurraLayers
import Testing

/// The short form of the demonstration of memory, with the accuracies that it is there to show.
@Suite struct DemoMemoryTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  @Test("A SimpleRNN forgets over 50 words what an LSTM keeps, and only a BiLSTM knows what stands behind the question")
  func short() throws {
    try tool.expectSuccess(["demo", "memory", "--short", "--output", "made"])
    let results = try JSONValue(parsing: Array(tool.bytes("made/results.json")))
    func numbers(_ value: JSONValue?) -> [Double] {
      guard case .array(let items)? = value else { return [] }
      return items.compactMap { item in
        if case .number(let number) = item { return number }
        if case .integer(let number) = item { return Double(number) }
        return nil
      }
    }
    #expect(results["chance"] == .number(0.125))
    let accuracy = results["accuracy"]
    for cell in ["rnn", "lstm", "gru", "bilstm"] { #expect(numbers(accuracy?[cell]?["10"])[0] >= 0.95, "\(cell)") }
    #expect(numbers(accuracy?["rnn"]?["50"])[0] < 0.2)
    for cell in ["lstm", "gru", "bilstm"] { #expect(numbers(accuracy?[cell]?["50"])[0] >= 0.95, "\(cell)") }
    #expect(numbers(results["cue_behind_the_question"]?["bilstm"])[0] >= 0.95)
    #expect(numbers(results["cue_behind_the_question"]?["lstm"])[0] < 0.2)
    #expect(numbers(results["lstm_with_plain_forget_bias"]).count == 1)
    #expect(numbers(results["rnn_with_words_alike"])[0] >= 0.95)
    let gradients = ["rnn", "lstm", "gru"].map { numbers(results["gradients_before_training"]?[$0]) }
    // One for each step back, the state before the first word included.
    #expect(gradients.allSatisfy { $0.count == 53 && abs($0[0] - 1) < 1e-6 })
    #expect(gradients[0][52] < 1e-4 && gradients[1][52] > 1e-3 && gradients[2][52] > 1e-3)
    #expect(numbers(results["gradients"]?["bilstm"]).count == 53)

    let page = String(decoding: try tool.bytes("made/memory.html"), as: UTF8.self)
    #expect(page.contains("<svg") && page.contains("lang=\"zh\"") && page.contains("lang=\"en\""))
    for outside in ["http:", "https:", "src=", "@import", "<script"] {
      #expect(!page.replacing("http://www.w3.org/2000/svg", with: "").contains(outside), "\(outside)")
    }
    for picture in ["accuracy.svg", "gradients.svg"] {
      #expect(String(decoding: try tool.bytes("made/\(picture)"), as: UTF8.self).hasPrefix("<svg"))
    }
  }

  @Test func aFolderThatCannotBeMadeIsRefusedBeforeAnythingIsTrained() throws {
    try tool.expectFailure(73, "no/such", of: ["demo", "memory", "--output", "no/such"])
    try Data().write(to: URL(fileURLWithPath: tool.path("file")))
    try tool.expectFailure(73, "file", of: ["demo", "memory", "--output", "file"])
    try tool.expectFailure(64, "--seeds", of: ["demo", "memory", "--output", "x", "--seeds", "0"])
  }
}
