import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining

/// The character model as it lies in the repository, and the same in plain loops in Double.
struct GateModel {
  /// What plain loops come to at one symbol.
  struct Step {
    var gates: [String: [Double]]
    var memory: [Double]
    var hidden: [Double]
    var probabilities: [Double]
  }

  let model: any Network
  let vocabulary: Vocabulary

  init(_ path: String = Self.resource("characters.safetensors")) throws {
    let file = try ModelFile(contentsOf: path)
    model = file.model
    vocabulary = try Vocabulary(json: JSONValue(parsing: Array((file.notes["vocabulary"] ?? "").utf8)))
  }

  static func resource(_ name: String) -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appending(path: "Sources/recur/Resources/\(name)").path
  }

  func ids(_ text: String) throws -> [Int] { try vocabulary.ids(text.map { $0.lowercased() }) }

  /// Reads symbols from a blank memory on.
  func naive(_ ids: [Int]) -> [Step] {
    let parameters = model.layers.flatMap(\.parameters).map(\.value)
    func rows(_ tensor: Tensor) -> [[Double]] {
      let (values, width) = (tensor.scalars(as: Float.self).map { Double($0) }, tensor.shape[tensor.rank - 1])
      return (0..<values.count / width).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
    let (table, weights, bias) = (rows(parameters[0]), rows(parameters[1]), rows(parameters[2])[0])
    let (answer, answerBias) = (rows(parameters[3]), rows(parameters[4])[0])
    let units = bias.count / 4
    var (memory, hidden) = ([Double](repeating: 0, count: units), [Double](repeating: 0, count: units))
    return ids.map { id in
      let input = table[id] + hidden
      let sums = bias.indices.map { column in
        input.indices.reduce(bias[column]) { $0 + input[$1] * weights[$1][column] }
      }
      func gate(_ number: Int) -> [Double] { sums[number * units..<(number + 1) * units].map { 1 / (1 + exp(-$0)) } }
      let (enter, keep, candidate, out) = (gate(0), gate(1), sums[2 * units..<3 * units].map { tanh($0) }, gate(3))
      memory = memory.indices.map { keep[$0] * memory[$0] + enter[$0] * candidate[$0] }
      hidden = memory.indices.map { out[$0] * tanh(memory[$0]) }
      let scores = answerBias.indices.map { column in
        hidden.indices.reduce(answerBias[column]) { $0 + hidden[$1] * answer[$1][column] }
      }
      let largest = scores.max() ?? 0
      let total = scores.reduce(0) { $0 + exp($1 - largest) }
      return Step(
        gates: ["input": enter, "forget": keep, "candidate": candidate, "output": out], memory: memory,
        hidden: hidden, probabilities: scores.map { exp($0 - largest) / total })
    }
  }
}
