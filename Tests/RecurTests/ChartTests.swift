import Foundation
import Testing

/// How the charts of histories are told apart, and where they stand.
@Suite struct ChartTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  private func plot(_ arguments: String...) throws -> String { try tool.output(["plot"] + arguments) }

  @Test func fewEpochsAreShownOneByOne() throws {
    for (count, dots) in [(2, 2), (30, 30), (31, 0)] {
      try tool.write(#"{"loss": \#((1...count).map { 1 / Double($0) })}"#, to: "h.json")
      let picture = Picture(try plot("h.json"))
      #expect(picture.dots.count == dots && picture.polylines.map(\.count) == [count], "\(count) epochs")
    }
  }

  @Test func validationIsDashedInAColourOfItsOwn() throws {
    try tool.write(#"{"loss": [3, 2, 1], "val_loss": [4, 3, 2]}"#, to: "h.json")
    let lines = try plot("h.json").split(separator: "\n").filter { $0.hasPrefix("<polyline") }
    // Each has a key in the legend, and its line.
    #expect(lines.count == 4)
    #expect(lines.map { $0.contains("stroke-dasharray") } == [false, true, false, true])
    #expect(lines.map { $0.contains("#0072b2") } == [true, false, true, false])
    #expect(lines.map { $0.contains("#d55e00") } == [false, true, false, true])
  }

  @Test func runsHaveAColourEachAndTheNamesOfTheirFiles() throws {
    try FileManager.default.createDirectory(atPath: tool.path("runs"), withIntermediateDirectories: false)
    try tool.write(#"{"loss": [3, 2, 1], "val_loss": [4, 3, 2]}"#, to: "runs/first.json")
    try tool.write(#"{"loss": [2, 1, 1]}"#, to: "second")
    let text = try plot("runs/first.json", "second")
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("<polyline") }.suffix(3)
    #expect(lines.map { $0.contains("#0072b2") } == [true, true, false])
    #expect(lines.map { $0.contains("stroke-dasharray") } == [false, true, false])
    let texts = Picture(text).texts.map(\.content)
    for name in ["first training", "first validation", "second training"] {
      #expect(texts.filter { $0 == name }.count == 1, "\(texts)")
    }
  }

  @Test func chartsStandInRowsOfTwo() throws {
    try tool.write(#"{"a": [1], "b_c": [1], "val_d": [1]}"#, to: "h.json")
    let text = try plot("h.json", "--title", "Run")
    #expect(text.contains(#"viewBox="0 0 1120 800""#))
    for place in ["translate(0 0)", "translate(560 0)", "translate(0 400)"] {
      #expect(text.components(separatedBy: place).count == 2, "\(place)")
    }
    // The heading is that of the first chart alone; the others have the names of their metrics.
    let titles = Picture(text).texts.filter { $0.style == "title" }.map(\.content)
    #expect(titles == ["Run", "b c", "val d"])
    #expect(Picture(text).texts.filter { $0.content == "epoch" }.count == 3)
    try tool.write(#"{"a": [1]}"#, to: "h.json")
    #expect(try plot("h.json").contains(#"viewBox="0 0 560 400""#))
  }
}
