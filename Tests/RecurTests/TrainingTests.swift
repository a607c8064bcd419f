import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct TrainingTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
  }

  private func train(_ more: String...) throws -> Tool.Result { tool.end(try tool.start(Lesson.training + more)) }

  @Test func trainedModelIsEvaluatedAndPredictsWhatTheLibraryPredicts() throws {
    let trained = try train("--epochs", "60", "--learning-rate", "0.02", "--batch-size", "16", "--history", "h.json")
    #expect(trained.code == 0, "\(trained.error)")
    #expect(trained.output.isEmpty)
    #expect(trained.error.contains("Epoch 60/60\n6/6 - "))

    let evaluated = try tool.run("evaluate", "out.safetensors", "--data", "x.npy", "--labels", "y.npy")
    #expect(evaluated.code == 0, "\(evaluated.error)")
    let measures = try JSONValue(parsing: Array(evaluated.output.utf8))
    guard case .number(let accuracy) = measures["accuracy"], case .number(let loss) = measures["loss"] else {
      Issue.record("expected accuracy and loss, got \(evaluated.output)")
      return
    }
    #expect(accuracy > 0.95)
    #expect(loss > 0)

    let predicted = try tool.run("predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy")
    #expect(predicted.code == 0 && predicted.output.isEmpty && predicted.error.isEmpty, "\(predicted.error)")
    let outputs = try Tensor(contentsOfNumPy: tool.path("p.npy"))
    #expect(outputs.shape == [Lesson.rows, 3])
    let model = try Sequential.load(from: tool.path("out.safetensors"))
    let own = try model(Tensor(contentsOfNumPy: tool.path("x.npy")))
    #expect(outputs.scalars(as: Float.self) == own.scalars(as: Float.self))
    let labels = try Tensor(contentsOfNumPy: tool.path("y.npy")).scalars(as: Int32.self)
    let classes = outputs.argMax(axis: 1).scalars(as: Int32.self)
    let right = zip(classes, labels).count { $0 == $1 }
    #expect(abs(Double(right) / Double(Lesson.rows) - accuracy) < 1e-6)

    let history = try JSONValue(contentsOf: tool.path("h.json"))
    guard case .array(let losses) = history["history"]?["loss"] else {
      Issue.record("expected losses, got \(tool.text("h.json"))")
      return
    }
    #expect(losses.count == 60)
    #expect(history["params"]?["batch_size"] == .integer(16))
    #expect(history["params"]?["optimizer"] == .string("adam"))
  }

  @Test func sameSeedGivesTheSameBytesOnAnyNumberOfThreads() throws {
    var files: [Data] = []
    for (seed, threads) in [("3", "1"), ("3", "2"), ("3", "3"), ("4", "1")] {
      let result = try train("--seed", seed, "--threads", threads, "--epochs", "2", "--validation-split", "0.25")
      #expect(result.code == 0, "\(result.error)")
      #expect(result.error.contains("val_accuracy"))
      files.append(try tool.bytes("out.safetensors"))
    }
    #expect(files[0] == files[1])
    #expect(files[0] == files[2])
    #expect(files[0] != files[3])
  }

  @Test func savedModelIsTrainedOn() throws {
    #expect(try train("--epochs", "3").code == 0)
    let first = try tool.bytes("out.safetensors")
    let arguments = ["train", "out.safetensors"] + Lesson.training.dropFirst(2)
    #expect(tool.end(try tool.start(arguments)).code == 0)
    #expect(try tool.bytes("out.safetensors") != first)
  }

  @Test func lengthsChangeWhatIsPredicted() throws {
    #expect(try train("--lengths", "lengths.npy").code == 0)
    let predict = ["predict", "out.safetensors", "--input", "x.npy", "--output"]
    try tool.expectSuccess(predict + ["a.npy", "--lengths", "lengths.npy"])
    try tool.expectSuccess(predict + ["b.npy"])
    let (short, full) = (
      try Tensor(contentsOfNumPy: tool.path("a.npy")).scalars(as: Float.self),
      try Tensor(contentsOfNumPy: tool.path("b.npy")).scalars(as: Float.self)
    )
    // Row 6 has all its timesteps, row 0 only the first.
    #expect(short[18..<21] == full[18..<21])
    #expect(short[0..<3] != full[0..<3])
  }

  @Test func lossOfTrainingIsRememberedForEvaluation() throws {
    try tool.write(#"[{"class_name": "Dense", "config": {"units": 1}}]"#, to: "line.json")
    try Tensor((0..<20).map { Double($0) / 10 }, shape: [10, 2]).writeNumPy(to: tool.path("u.npy"))
    try Tensor((0..<10).map { Double($0) }, shape: [10, 1]).writeNumPy(to: tool.path("v.npy"))
    let arguments = ["train", "line.json", "--data", "u.npy", "--labels", "v.npy", "--save", "line.safetensors"]
    let result = tool.end(try tool.start(arguments + ["--loss", "mse", "--optimizer", "sgd"]))
    #expect(result.code == 0, "\(result.error)")
    let evaluated = try tool.run("evaluate", "line.safetensors", "--data", "u.npy", "--labels", "v.npy")
    #expect(evaluated.code == 0, "\(evaluated.error)")
    #expect(evaluated.output.contains("mean_absolute_error"))
  }
}
