import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// The demonstration of sequences of different lengths, with the accuracies that it is there to show.
@Suite struct DemoVowelsTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  /// The numbers of a line, in the order they stand.
  private func numbers(_ line: Substring) -> [Double] { line.split(separator: " ").compactMap { Double($0) } }

  /// The lines between one that begins with a word and the next empty one, heads left out.
  private func table(_ word: String, in text: String) -> [Substring] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return Array(lines.drop { !$0.hasPrefix(word) }.dropFirst(2).prefix { !$0.isEmpty })
  }

  @Test("Three beginnings: the median of the test accuracies is at least 95 %, none is below 93 %")
  func beginnings() throws {
    let result = try tool.expectSuccess(["demo", "vowels", "--seeds", "3"])
    let output = result.output
    for word in [
      "92,209", "270 utterances to learn from, of 7 to 26 timesteps",
      "370 utterances to be asked about, of 7 to 29 timesteps",
    ] { #expect(output.contains(word), "\(word)") }
    let rows = table("seed", in: output).map(numbers)
    #expect(rows.map { $0[0] } == [1, 2, 3])
    let accuracies = rows.map { $0[1] }.sorted()
    #expect(accuracies.allSatisfy { $0 >= 93 && $0 < 100 }, "\(output)")
    #expect(accuracies[1] >= 95, "\(output)")
    #expect(output.contains("median \(String(format: "%.2f", accuracies[1])) %"))
    #expect(output.contains("lowest \(String(format: "%.2f", accuracies[0])) %"))
    // Every speaker's row has three times his utterances of UCI's test part, most of them on the diagonal.
    let utterances = [31, 35, 88, 44, 29, 24, 40, 50, 29]
    let confusions = table("taken for", in: output)
    #expect(confusions.count == 9)
    var right = 0
    for (speaker, line) in confusions.enumerated() {
      let counts = line.split(separator: " ").dropFirst(2).map { Int($0) ?? 0 }
      #expect(counts.count == 9 && counts.reduce(0, +) == 3 * utterances[speaker], "\(line)")
      right += counts[speaker]
    }
    #expect(abs(Double(right) / 1_110 - accuracies.reduce(0, +) / 300) < 1e-4)
  }

  @Test func theSameSeedGivesTheSameNumbersOnAnyNumberOfThreads() throws {
    let runs = try ["1", "2"].map { threads in
      try tool.expectSuccess(["demo", "vowels", "--seed", "7", "--epochs", "3", "--threads", threads])
    }
    #expect(runs[0].error == runs[1].error && runs[0].error.hasPrefix("seed 7: "), "\(runs[0].error)")
    #expect(runs[0].output.contains("taken for"))
    #expect(
      table("seed", in: runs[0].output).map { numbers($0).prefix(3) }
        == table("seed", in: runs[1].output).map { numbers($0).prefix(3) })
  }

  @Test func theShortFormIsOneBeginning() throws {
    let output = try tool.expectSuccess(["demo", "vowels", "--short"]).output
    let rows = table("seed", in: output).map(numbers)
    #expect(rows.count == 1 && rows[0][0] == 1 && rows[0][1] > 90, "\(output)")
  }

  @Test func numbersOutsideTheirRangeAreRefused() throws {
    try tool.expectFailure(64, "--seeds in 1...100", of: ["demo", "vowels", "--seeds", "0"])
    try tool.expectFailure(64, "--seeds in 1...100", of: ["demo", "vowels", "--seeds", "101"])
    try tool.expectFailure(64, "both", of: ["demo", "vowels", "--seeds", "2", "--seed", "3"])
    try tool.expectFailure(64, "--epochs of 1 or more", of: ["demo", "vowels", "--epochs", "0"])
  }

  /// The fixed numbers stand in UCI's file: the first and last timestep of both parts.
  @Test func theUtterancesAreThoseOfUCI() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/recur/Resources")
    let file = try SafeTensors(contentsOf: path.appending(path: "vowels.safetensors").path)
    let training = try #require(file.tensors["training.steps"])
    let test = try #require(file.tensors["test.steps"])
    #expect(training.shape == [4_274, 12] && test.shape == [5_687, 12])
    func ends(_ tensor: Tensor) -> [Float] {
      let values = tensor.scalars(as: Float.self)
      return [values[0], values[1], values[12], values[values.count - 1]]
    }
    #expect(ends(training) == [1.860936, -0.207383, 1.891651, 0.173642])
    #expect(ends(test) == [1.635533, 0.024848, 1.547694, 0.224688])
    #expect(file.metadata["citation"]?.contains("10.24432/C5NS47") == true)
  }
}
