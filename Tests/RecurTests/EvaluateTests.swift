import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// Every option of `recur evaluate` and `recur predict` against the library's own numbers.
@Suite struct EvaluateTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try Line.write(to: tool)
    try tool.expectSuccess(Lesson.training + ["--epochs", "4", "--learning-rate", "0.05"])
  }

  private func x() throws -> Tensor { try Tensor(contentsOfNumPy: tool.path("x.npy")) }
  private func lengths() throws -> [Int] {
    try Tensor(contentsOfNumPy: tool.path("lengths.npy")).scalars(as: Int32.self).map(Int.init)
  }

  private func expectNumbers(
    _ options: [String], loss: Loss? = nil, data: [String] = ["x.npy", "y.npy"],
    at location: SourceLocation = #_sourceLocation,
    _ evaluate: (_ trainer: Trainer, _ x: Tensor, _ y: Tensor) throws -> Logs
  ) throws {
    let command = ["evaluate", "out.safetensors", "--data", data[0], "--labels", data[1]] + options
    let result = tool.end(try tool.start(command))
    #expect(result.code == 0, "\(options): \(result.error)", sourceLocation: location)
    let trainer: Trainer
    if let loss {
      let metric: Metric = loss.name.hasSuffix("crossentropy") ? .accuracy : .meanAbsoluteError
      trainer = try Sequential.load(from: tool.path("out.safetensors")).compile(loss: loss, metrics: [metric])
    } else {
      trainer = try Trainer(contentsOf: tool.path("out.safetensors"))
    }
    trainer.output = ProgressOutput(isTerminal: false, usesColor: false) { _ in }
    let own = try evaluate(
      trainer, Tensor(contentsOfNumPy: tool.path(data[0])), Tensor(contentsOfNumPy: tool.path(data[1])))
    let members = own.map { (name: $0.0, value: JSONValue.number($0.1)) }
    #expect(members.count == 2 && members.contains { $0.name == "loss" }, sourceLocation: location)
    #expect(
      try JSONValue(parsing: Array(result.output.utf8)) == .object(members), "\(options)", sourceLocation: location)
  }

  @Test func lossAndMetricsOfTheTraining() throws {
    try expectNumbers([]) { try $0.evaluate($1, $2) }
    try expectNumbers(["--threads", "1"]) { try $0.evaluate($1, $2) }
  }

  @Test func lengthsWeightsAndBatchSize() throws {
    let weights = Tensor((0..<Lesson.rows).map { Float($0 % 4) })
    try weights.writeNumPy(to: tool.path("w.npy"))
    let own = try lengths()
    try expectNumbers(["--lengths", "lengths.npy"]) { try $0.evaluate($1, $2, lengths: own) }
    try expectNumbers(["--sample-weights", "w.npy"]) { try $0.evaluate($1, $2, sampleWeights: weights) }
    try expectNumbers(["--batch-size", "7"]) { try $0.evaluate($1, $2, batchSize: 7) }
    // The numbers are the same whatever it is, so the count of the batches tells.
    #expect(tool.text(".error").contains("14/14 - "), "\(tool.text(".error"))")
    let trainer = try Trainer(contentsOf: tool.path("out.safetensors"))
    trainer.output = ProgressOutput(isTerminal: false, usesColor: false) { _ in }
    let y = try Tensor(contentsOfNumPy: tool.path("y.npy"))
    let losses = try [
      trainer.evaluate(x(), y), trainer.evaluate(x(), y, lengths: own),
      trainer.evaluate(x(), y, sampleWeights: weights),
    ].map { $0["loss"] ?? 0 }
    #expect(Set(losses).count == 3, "each option tells")
  }

  @Test(arguments: [
    ("mean_squared_error", Loss.meanSquaredError), ("mae", .meanAbsoluteError), ("huber", .huber()),
    ("binary_crossentropy", .binaryCrossEntropy), ("categorical_crossentropy", .categoricalCrossEntropy),
  ]) func otherLosses(_ name: String, _ loss: Loss) throws {
    try tool.expectSuccess(Line.training + ["--loss", "mse"])
    try expectNumbers(["--loss", name], loss: loss, data: ["u.npy", "v.npy"]) { try $0.evaluate($1, $2) }
  }

  @Test func modelSavedAloneTakesTheUsualLoss() throws {
    try Sequential.load(from: tool.path("out.safetensors")).save(to: tool.path("out.safetensors"))
    try expectNumbers([], loss: .sparseCategoricalCrossEntropy) { try $0.evaluate($1, $2) }
  }

  @Test func predictions() throws {
    let model = try Sequential.load(from: tool.path("out.safetensors"))
    let own = try lengths()
    for (options, expected) in [
      ([], try model.predict(x())), (["--lengths", "lengths.npy"], try model.predict(x(), lengths: own)),
      (["--batch-size", "5"], try model.predict(x(), batchSize: 5)), (["--threads", "1"], try model.predict(x())),
    ] {
      try tool.output(["predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy"] + options)
      let outputs = try Tensor(contentsOfNumPy: tool.path("p.npy"))
      #expect(outputs.shape == [Lesson.rows, 3])
      #expect(outputs.scalars(as: Float.self) == expected.scalars(as: Float.self), "\(options)")
    }
  }
}
