import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// Every option of `recur evaluate` against the library's numbers.
@Suite struct EvaluateTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try tool.expectSuccess(Lesson.training + ["--epochs", "2", "--learning-rate", "0.02"])
  }

  private func measures(
    _ options: [String], labels: String = "y.npy", batches: Int = 3
  ) throws -> [String: Double] {
    let result = try tool.expectSuccess(
      ["evaluate", "out.safetensors", "--data", "x.npy", "--labels", labels] + options)
    #expect(result.error.contains("\(batches)/\(batches) - "), "\(result.error)")
    guard case .object(let members) = try JSONValue(parsing: Array(result.output.utf8)) else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: members.compactMap { name, value in
        if case .number(let number) = value { (name, number) } else { nil }
      })
  }

  private func own(_ evaluate: (Trainer, Tensor, Tensor) throws -> Logs) throws -> [String: Double] {
    let trainer = try Trainer(contentsOf: tool.path("out.safetensors"))
    let (x, y) = try (Tensor(contentsOfNumPy: tool.path("x.npy")), Tensor(contentsOfNumPy: tool.path("y.npy")))
    return Dictionary(uniqueKeysWithValues: try evaluate(trainer, x, y).map { ($0, $1) })
  }

  @Test func eachOptionGivesTheLibrarysNumbers() throws {
    let lengths = (0..<Lesson.rows).map { $0 % Lesson.timesteps + 1 }
    let weights = Tensor((0..<Lesson.rows).map { Float($0 % 4) })
    try weights.writeNumPy(to: tool.path("w.npy"))
    let plain = try own { try $0.evaluate($1, $2, verbose: .silent) }
    #expect(try measures([]) == plain && plain.keys.sorted() == ["accuracy", "loss"])
    let byLength = try own { try $0.evaluate($1, $2, lengths: lengths, verbose: .silent) }
    #expect(try measures(["--lengths", "lengths.npy"]) == byLength && byLength != plain)
    let weighted = try own { try $0.evaluate($1, $2, sampleWeights: weights, verbose: .silent) }
    #expect(try measures(["--sample-weights", "w.npy"]) == weighted && weighted != plain)
    let small = try own { try $0.evaluate($1, $2, batchSize: 7, verbose: .silent) }
    #expect(try measures(["--batch-size", "7"], batches: 14) == small)
    let oneHot = try Tensor.identity(3).gathered(Tensor(contentsOfNumPy: tool.path("y.npy")))
    try oneHot.writeNumPy(to: tool.path("hot.npy"))
    let other = try own { trainer, x, _ in
      try trainer.model.compile(loss: .meanSquaredError, metrics: [.meanAbsoluteError]).evaluate(
        x, oneHot, verbose: .silent)
    }
    #expect(try measures(["--loss", "mse"], labels: "hot.npy") == other)
  }
}
