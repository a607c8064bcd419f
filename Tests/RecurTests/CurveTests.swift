import Foundation
import Testing

/// Every function that `recur plot` draws, against its formula.
@Suite struct CurveTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  static let curves: [(name: String, formula: String, value: @Sendable (Double) -> Double)] = [
    ("elu", "elu(x) = x where x > 0, exp(x) − 1 elsewhere", { $0 > 0 ? $0 : exp($0) - 1 }),
    ("hard_sigmoid", "hard_sigmoid(x) = min(max(x/6 + 1/2, 0), 1)", { min(max($0 / 6 + 0.5, 0), 1) }),
    ("linear", "linear(x)", { $0 }), ("relu", "relu(x) = max(x, 0)", { max($0, 0) }),
    ("sigmoid", "sigmoid(x) = 1 / (1 + exp(−x))", { 1 / (1 + exp(-$0)) }),
    ("softplus", "softplus(x) = log(1 + exp(x))", { log(1 + exp($0)) }),
    ("softsign", "softsign(x) = x / (1 + |x|)", { $0 / (1 + abs($0)) }),
    ("tanh", "tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))", { tanh($0) }),
  ]

  private func expectCurve(
    _ points: [(x: Double, y: Double)], from: Double, step: Double, _ name: String, _ value: (Double) -> Double
  ) {
    let wanted = points.indices.map { value(from + step * Double($0)) }
    // The ends fix the scale; all others must lie where the formula is, to a hundredth of a pixel or so.
    let (first, last) = (points[0], points[points.count - 1])
    let scale = (last.y - first.y) / (wanted[wanted.count - 1] - wanted[0])
    #expect(scale < -10, "\(name) goes up")
    for (index, point) in points.enumerated() {
      let x = first.x + (last.x - first.x) * Double(index) / Double(points.count - 1)
      #expect(abs(point.y - (first.y + scale * (wanted[index] - wanted[0]))) < 0.02, "\(name), point \(index)")
      #expect(abs(point.x - x) < 0.02, "\(name), point \(index)")
    }
  }

  @Test(arguments: curves.indices) func isItsFormula(index: Int) throws {
    let (name, formula, value) = Self.curves[index]
    let picture = Picture(try tool.output(["plot", name, "--from", "-4", "--to", "7", "--step", "0.25"]))
    #expect(picture.polylines.count == 1 && picture.polylines[0].count == 44, "the end itself is left out")
    expectCurve(picture.polylines[0], from: -4, step: 0.25, name, value)
    #expect(picture.texts.contains { $0.content == formula })
  }

  @Test func severalShareAChart() throws {
    let picture = Picture(try tool.output(["plot", "tanh", "sigmoid", "--title", "Both"]))
    // The lines of the legend have two points.
    let lines = picture.polylines.filter { $0.count > 2 }
    #expect(lines.count == 2 && lines.allSatisfy { $0.count == 100 })
    for (points, name) in zip(lines, ["tanh", "sigmoid"]) {
      let curve = try #require(Self.curves.first { $0.name == name })
      expectCurve(points, from: -5, step: 0.1, name, curve.value)
      #expect(picture.texts.contains { $0.content == name })
    }
    #expect(picture.texts.contains { $0.content == "Both" })
    // One scale for both: where tanh is at −1, sigmoid is at 0.
    #expect(lines[0][0].y - lines[1][0].y > 50)
  }
}
