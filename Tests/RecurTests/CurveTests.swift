import Foundation
import RecurraTensor
import Testing

/// What `recur plot` draws of functions, against the formulas in Double.
@Suite struct CurveTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  typealias Curve = @Sendable (_ x: Double) -> Double

  static let curves: [(name: String, formula: String, value: Curve)] = [
    ("elu", "elu(x) = x where x > 0, exp(x) − 1 elsewhere", { $0 > 0 ? $0 : exp($0) - 1 }),
    ("hard_sigmoid", "hard_sigmoid(x) = min(max(x/6 + 1/2, 0), 1)", { min(max($0 / 6 + 0.5, 0), 1) }),
    ("linear", "linear(x)", { $0 }),
    ("relu", "relu(x) = max(x, 0)", { max($0, 0) }),
    ("sigmoid", "sigmoid(x) = 1 / (1 + exp(−x))", { 1 / (1 + exp(-$0)) }),
    ("silu", "silu(x) = x / (1 + exp(−x))", { $0 / (1 + exp(-$0)) }),
    ("softplus", "softplus(x) = log(1 + exp(x))", { log(1 + exp($0)) }),
    ("softsign", "softsign(x) = x / (1 + |x|)", { $0 / (1 + abs($0)) }),
    ("tanh", "tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))", { tanh($0) }),
  ]

  /// Expects each value at its place between those of the first and the last numbers, which must differ most.
  private func expectLine(_ places: [Double], through values: [Double], _ comment: String) throws {
    #expect(places.count == values.count, "\(comment)")
    let low = try #require(values.indices.min { values[$0] < values[$1] })
    let high = try #require(values.indices.max { values[$0] < values[$1] })
    guard places.count == values.count, high < places.count else { return }
    let scale = (places[high] - places[low]) / (values[high] - values[low])
    #expect(abs(places[high] - places[low]) > 200, "\(comment): as large as the picture")
    for index in values.indices {
      let expected = places[low] + scale * (values[index] - values[low])
      #expect(abs(places[index] - expected) < 0.02, "\(comment), point \(index)")
    }
  }

  @Test(arguments: curves) func curveIsThatOfItsFormula(_ name: String, _ formula: String, _ value: Curve) throws {
    // Neither range nor step is the usual one, and every corner lies inside.
    let picture = Picture(try tool.output(["plot", name, "--from", "-4.5", "--to", "5", "--step", "0.25"]))
    let x = (0..<38).map { -4.5 + Double($0) / 4 }
    let line = try #require(picture.polylines.first)
    #expect(picture.polylines.count == 1)
    try expectLine(line.map(\.x), through: x, name)
    try expectLine(line.map { -$0.y }, through: x.map(value), name)
    #expect(picture.texts.contains { $0.content == formula }, "\(picture.texts.map(\.content))")
    try expectNumbers(of: picture, beside: line, x, x.map(value))
  }

  /// Holds the first point against the numbers beside both axes.
  private func expectNumbers(
    of picture: Picture, beside line: [(x: Double, y: Double)], _ x: [Double], _ y: [Double]
  ) throws {
    let below = picture.texts.filter { $0.style == "tick below" }
    for (ticks, isBelow) in [(below, true), (picture.verticalTicks, false)] {
      let places = ticks.map { isBelow ? $0.x : $0.y - 4 }
      let numbers = ticks.compactMap { Double($0.content.replacing("−", with: "-")) }
      let (first, last) = (try #require(numbers.first), try #require(numbers.last))
      #expect(numbers.count == ticks.count && numbers.count > 2, "\(ticks)")
      let value = isBelow ? x[0] : y[0]
      let expected = places[0] + (places[places.count - 1] - places[0]) * (value - first) / (last - first)
      #expect(abs((isBelow ? line[0].x : line[0].y) - expected) < 0.1, "\(value) by \(ticks)")
    }
  }

  @Test func usualRangeAndStep() throws {
    let lines = Picture(try tool.output(["plot", "tanh"])).polylines
    #expect(lines.map(\.count) == [100])
    let given = try tool.output(["plot", "tanh", "--from", "-5", "--to", "5", "--step", "0.1"])
    #expect(try tool.output(["plot", "tanh"]) == given)
    #expect(try Picture(tool.output(["plot", "tanh", "--step", "0.5"])).polylines.map(\.count) == [20])
  }

  @Test func severalCurvesShareTheirAxes() throws {
    let picture = Picture(try tool.output(["plot", "tanh", "sigmoid", "--title", "Gates <&>"]))
    let lines = picture.polylines.filter { $0.count == 100 }
    #expect(lines.count == 2)
    guard lines.count == 2 else { return }
    for index in [0, 37, 99] {
      let x = -5 + Double(index) / 10
      let expected = (tanh(x) - 1 / (1 + exp(-x))) / (tanh(4.9) - tanh(-5))
      let height = (lines[0][0].y - lines[0][99].y)
      #expect(abs((lines[1][index].y - lines[0][index].y) / height - expected) < 1e-3, "\(x)")
    }
    for word in ["tanh", "sigmoid", "Gates <&>"] { #expect(picture.texts.contains { $0.content == word }, "\(word)") }
  }

  @Test func logarithmicAxesOfCurves() throws {
    let range = ["--from", "0.125", "--to", "8", "--step", "0.125"]
    let x = (1..<64).map { Double($0) / 8 }
    let y = x.map { log(1 + exp($0)) }
    for (options, places, heights) in [
      (["--log-x"], x.map(log10), y), (["--log-y"], x, y.map(log10)),
      (["--log-x", "--log-y"], x.map(log10), y.map(log10)),
    ] {
      let line = try #require(Picture(tool.output(["plot", "softplus"] + range + options)).polylines.first)
      try expectLine(line.map(\.x), through: places, "\(options)")
      try expectLine(line.map { -$0.y }, through: heights, "\(options)")
    }
    // What has no logarithm is left out.
    let line = try #require(Picture(tool.output(["plot", "linear", "--log-y"])).polylines.first)
    #expect((48...50).contains(line.count))
  }
}
