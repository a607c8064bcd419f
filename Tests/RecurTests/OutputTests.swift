import Foundation
import RecurraLayers
import RecurraTensor
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct OutputTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  /// What stands in the `points` of every polyline of an SVG document, which must be well-formed.
  private func polylines(_ text: String) -> [[(x: Double, y: Double)]] {
    final class Reader: NSObject, XMLParserDelegate {
      var lines: [[(x: Double, y: Double)]] = []

      func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
      ) {
        guard name == "polyline", let points = attributes["points"] else { return }
        lines.append(
          points.split(separator: " ").map { point in
            let numbers = point.split(separator: ",").compactMap { Double($0) }
            return (numbers[0], numbers[1])
          })
      }
    }
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "well-formed SVG")
    return reader.lines
  }

  @Test func curveOfTheSigmoidIsThatOfTheLesson() throws {
    let result = try tool.run("plot", "sigmoid")
    #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    let lines = polylines(result.output)
    #expect(lines.count == 1)
    let curve = try #require(lines.first)
    #expect(curve.count == 100)
    // Two points fix the scale; all others must lie where 1 / (1 + exp(-x)) is, to a hundredth of a pixel or so.
    let value = { (index: Int) in 1 / (1 + exp(5 - Double(index) / 10)) }
    let scale = (curve[99].y - curve[0].y) / (value(99) - value(0))
    for index in curve.indices {
      #expect(abs(curve[index].y - (curve[0].y + scale * (value(index) - value(0)))) < 0.02, "point \(index)")
      #expect(
        abs(curve[index].x - (curve[0].x + (curve[99].x - curve[0].x) * Double(index) / 99)) < 0.02, "point \(index)")
    }
    #expect(scale < -200, "a curve as high as the picture")
  }

  @Test func historyIsDrawnWithTrainingAndValidation() throws {
    let history = #"{"history": {"loss": [3, 2, 1.5], "val_loss": [2.5, 2, 1.9], "a<b&c": [1, 2, 3]}}"#
    try tool.write(history, to: "h.json")
    let result = try tool.run("plot", "h.json", "--log-y", "-o", "h.svg")
    #expect(result.code == 0 && result.output.isEmpty && result.error.isEmpty, "\(result.error)")
    let picture = tool.text("h.svg")
    #expect(polylines(picture).filter { $0.count == 3 }.count == 3)
    for word in [">loss<", ">training<", ">validation<", "a&lt;b&amp;c"] { #expect(picture.contains(word), "\(word)") }
  }

  @Test(arguments: ["[]", "{}", #"{"loss": []}"#, #"{"loss": [1, "x"]}"#, #"{"loss": 1}"#, #"{"loss": [1,]}"#])
  func otherFilesAreNoHistory(_ text: String) throws {
    try tool.write(text, to: "h.json")
    try tool.expectFailure(65, "h.json", "expected", of: ["plot", "h.json"])
  }

  @Test func summaryGoesToStandardOutput() throws {
    let model = Sequential { LSTM(units: 100) }
    try model.build(inputShape: [nil, nil, 60])
    try model.save(to: tool.path("model.safetensors"))
    let result = try tool.run("summary", "model.safetensors")
    #expect(result.code == 0 && result.error.isEmpty)
    #expect(result.output == model.summary() + "\n")
    #expect(result.output.contains("64,400"))
  }

  @Test func versionHelpAndCompletions() throws {
    let version = try tool.run("--version")
    #expect(version.code == 0)
    #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    let help = try tool.run("--help")
    #expect(help.code == 0)
    for name in ["demo", "train", "evaluate", "predict", "summary", "plot"] {
      #expect(help.output.contains("  \(name) "))
    }
    for shell in ["bash", "zsh", "fish"] {
      let script = try tool.run("--generate-completion-script", shell)
      #expect(script.code == 0)
      #expect(script.output.contains("validation-split"))
    }
  }

  @Test func demonstrationTrainsSavesLoadsAndAnswers() throws {
    let trained = try tool.run(
      "demo", "Banana", "qqqq", "--cells", "rnn", "--epochs", "1", "--save", "best.safetensors")
    #expect(trained.code == 0, "\(trained.error)")
    for word in ["16,100", "val_accuracy", "SimpleRNN      18,796", "loaded it again", "Banana", "not in it"] {
      #expect(trained.output.contains(word), "\(word)")
    }
    #expect(trained.error.contains("1266/1266"))
    let asked = try tool.run("demo", "--model", "best.safetensors", "Banana", "qqqq")
    #expect(asked.code == 0, "\(asked.error)")
    #expect(trained.output.hasSuffix(asked.output))
    #expect(asked.output.contains("Banana"))
  }
}
