import Foundation
import RecurraTensor
import Testing

@Suite struct PlotTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func curveOfTheSigmoidIsThatOfTheLesson() throws {
    let result = try tool.run("plot", "sigmoid")
    #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
    let lines = Picture(result.output).polylines
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
    let picture = Picture(tool.text("h.svg"))
    #expect(picture.polylines.filter { $0.count == 3 }.count == 3)
    for word in ["loss", "training", "validation", "a<b&c"] {
      #expect(picture.texts.contains { $0.content == word }, "\(word)")
    }
  }

  /// A tick's number as digits and a power of ten, because some numbers beside an axis are beyond a `Double`.
  private func number(_ label: String) throws -> (digits: Double, exponent: Int) {
    let text = label.replacing("−", with: "-")
    let parts = text.split(separator: "·")
    guard let power = parts.last, power.hasPrefix("10") || power.hasPrefix("-10"), power.contains(where: isRaised)
    else { return (try #require(Double(text), "\(label)"), 0) }
    let raised = power.filter(isRaised).map { character -> Character in
      let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
      return digits.firstIndex(of: character).map { Character("\($0)") } ?? "-"
    }
    let digits = parts.count == 2 ? try #require(Double(parts[0]), "\(label)") : power.hasPrefix("-") ? -1 : 1
    return (digits, try #require(Int(String(raised)), "\(label)"))
  }

  private func isRaised(_ character: Character) -> Bool { "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".contains(character) }

  /// Plots losses and holds every dot against the numbers beside the axis.
  private func expectTrueAxis(_ losses: String, _ options: String..., dots: [Double], numbers: Int = 2) throws {
    try tool.write(#"{"loss": \#(losses)}"#, to: "h.json")
    let result = tool.end(try tool.start(["plot", "h.json"] + options))
    #expect(result.code == 0 && result.error.isEmpty, "\(losses): \(result.error)")
    let picture = Picture(result.output)
    for text in picture.texts {
      #expect(!text.content.contains("inf") && !text.content.contains("nan"), "\(losses): \(text)")
    }
    let ticks = picture.verticalTicks
    #expect(ticks.count >= numbers, "\(losses): \(ticks)")
    #expect(Set(ticks.map(\.content)).count == ticks.count, "\(losses): \(ticks)")
    #expect(picture.dots.count == dots.count, "\(losses)")
    guard let first = ticks.first, let last = ticks.last, picture.dots.count == dots.count else { return }
    let isLogarithmic = options.contains("--log-y")
    let unit = try ticks.map { try number($0.content) }.map { log10($0.digits.magnitude) + Double($0.exponent) }.max()
    func place(_ digits: Double, _ exponent: Int) -> Double {
      if isLogarithmic { return log10(digits) + Double(exponent) }
      return digits == 0 ? 0 : (digits < 0 ? -1 : 1) * pow(10, log10(digits.magnitude) + Double(exponent) - (unit ?? 0))
    }
    let (from, to) = (try number(first.content), try number(last.content))
    let (low, high) = (place(from.digits, from.exponent), place(to.digits, to.exponent))
    for (dot, value) in zip(picture.dots, dots) {
      let expected = first.y + (last.y - first.y) * (place(value, 0) - low) / (high - low) - 4
      #expect(abs(dot.y - expected) < 0.1, "\(losses): \(value) at \(dot.y), \(expected) by \(ticks)")
      #expect((40...360).contains(dot.y), "\(losses): \(value) outside the chart")
    }
  }

  static let largest = Double.greatestFiniteMagnitude
  static let smallest = Double.leastNonzeroMagnitude

  @Test(
    arguments: [
      [3, 2, 1.5, 1.25], [1, -1], [0.1, 0.2, 0.3], [12_345_678, 12_345_999], [1e9, 3e9], [2e-9, -3e-9], [1000, 0],
      [largest, -largest], [largest, 0], [largest, 1], [largest, smallest], [-largest, 1e300], [1e308, 1.1e308],
      [1e308, -1e-308], [smallest, 0], [smallest, 10 * smallest], [-smallest, smallest],
      [3e-308, 2_000_000 * smallest], [5e-300, 1],
      [2_000 * smallest, 20 * smallest], [1e301, 1.000000001e301], [1e-301, 2e-301], [1e90, 2e91, 3e90], [1, 1 + 1e-8],
      [1e15, 1e15 + 1e7],
    ] as [[Double]]) func linearAxisTellsEveryFiniteRange(_ losses: [Double]) throws
  {
    try expectTrueAxis("\(losses)", dots: losses)
  }

  @Test(
    arguments: [
      [3, 2, 1.5, 1.25], [1e-3, 2e4], [largest, smallest], [largest, 1], [1, smallest],
      [2_000 * smallest, 20 * smallest],
      [1e301, 1e308], [1e-9, 3e-9],
    ] as [[Double]]) func logarithmicAxisTellsEveryFiniteRange(_ losses: [Double]) throws
  {
    try expectTrueAxis("\(losses)", "--log-y", dots: losses)
  }

  @Test(arguments: [0, 1, -2.5, 1e-7, 1e9, smallest, -smallest, largest, -largest, 1e300, 1e-300] as [Double])
  func equalValuesHaveARangeAroundThem(_ value: Double) throws {
    try expectTrueAxis("[\(value)]", dots: [value])
    try expectTrueAxis("[\(value), \(value), \(value)]", dots: [value, value, value])
    if value > 0 { try expectTrueAxis("[\(value), \(value)]", "--log-y", dots: [value, value]) }
  }

  @Test func valuesThatAreNotFiniteAreGaps() throws {
    try expectTrueAxis("[3, null, 2, 1, null]", dots: [3, 2, 1])
    try tool.write(#"{"loss": [3, 2, null, 1, 0.5], "val_loss": [null, null, null, null, null]}"#, to: "h.json")
    let picture = Picture(try tool.run("plot", "h.json").output)
    // Two lines of the legend, and the two runs of two values each.
    #expect(picture.polylines.map(\.count) == [2, 2, 2, 2])
  }

  @Test func nothingToShowIsSaid() throws {
    for (losses, options) in [("[null]", []), ("[0, -1]", ["--log-y"]), ("[null, null]", ["--log-x"])] {
      try tool.write(#"{"loss": \#(losses)}"#, to: "h.json")
      let result = tool.end(try tool.start(["plot", "h.json"] + options))
      #expect(result.code == 0, "\(result.error)")
      let picture = Picture(result.output)
      #expect(picture.dots.isEmpty && picture.polylines.isEmpty)
      #expect(picture.texts.contains { $0.content == "no value to show" })
    }
    let picture = Picture(try tool.run("plot", "tanh").output)
    #expect(!picture.texts.contains { $0.content == "no value to show" })
  }

  @Test func thousandEpochsHaveRoundNumbers() throws {
    try tool.write(#"{"loss": [\#((0..<1_000).map { "\($0)" }.joined(separator: ", "))]}"#, to: "h.json")
    let picture = Picture(try tool.run("plot", "h.json").output)
    #expect(picture.verticalTicks.map(\.content) == ["0", "200", "400", "600", "800", "1000"])
    #expect(picture.texts.filter { $0.style == "tick below" }.map(\.content) == (0...10).map { "\(100 * $0)" })
  }

  @Test func numbersOfAnAxisHaveOneForm() throws {
    for (losses, labels) in [
      ("[0, 0.5]", ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
      ("[-2, 2]", ["−2.0", "−1.5", "−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5", "2.0"]),
      ("[0, 2e7]", ["0", "5·10⁶", "10⁷", "1.5·10⁷", "2·10⁷"]),
      ("[0, 5e6]", (0...5).map { $0 == 0 ? "0" : "\($0)000000" }),
      ("[1e-9, -1e-9]", ["−10⁻⁹", "−5·10⁻¹⁰", "0", "5·10⁻¹⁰", "10⁻⁹"]),
      (
        "[0, 1.7e308]",
        [
          "0", "2·10³⁰⁷", "4·10³⁰⁷", "6·10³⁰⁷", "8·10³⁰⁷", "10³⁰⁸", "1.2·10³⁰⁸",
          "1.4·10³⁰⁸", "1.6·10³⁰⁸",
        ]
      ),
    ] {
      try tool.write(#"{"loss": \#(losses)}"#, to: "h.json")
      #expect(Picture(try tool.run("plot", "h.json").output).verticalTicks.map(\.content) == labels, "\(losses)")
    }
  }

  @Test func namesThatXMLCannotWriteAreReplaced() throws {
    try tool.write("{\"a\\u0000b\\ufffec\\uffff\\u001b[31m<&>\\\"\": [1, 2]}", to: "h.json")
    let picture = Picture(try tool.run("plot", "h.json").output)
    #expect(picture.texts.contains { $0.content == "a b c  [31m<&>\"" })
  }
}
