import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// Every option of `recur train` against the same run by the library, byte by byte.
@Suite struct TrainOptionTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try Line.write(to: tool)
  }

  private func expectSameBytes(
    _ options: [String], of training: [String] = Lesson.training, as run: LibraryRun = LibraryRun(),
    at location: SourceLocation = #_sourceLocation,
    _ fit: (_ trainer: Trainer, _ x: Tensor, _ y: Tensor) throws -> Void
  ) throws {
    let result = tool.end(try tool.start(training + options))
    #expect(result.code == 0, "\(options): \(result.error)", sourceLocation: location)
    let (saved, own) = (try tool.bytes("out.safetensors"), try run.bytes(tool, fit))
    #expect(saved == own, "\(options)", sourceLocation: location)
  }

  @Test func defaults() throws {
    try expectSameBytes([]) { try $0.fit($1, $2, batchSize: 32, epochs: 1) }
  }

  @Test func epochsBatchSizeAndSeed() throws {
    try expectSameBytes(["--epochs", "3"]) { try $0.fit($1, $2, epochs: 3) }
    try expectSameBytes(["--batch-size", "10"]) { try $0.fit($1, $2, batchSize: 10) }
    try expectSameBytes(["--seed", "5"], as: LibraryRun(seed: 5)) { try $0.fit($1, $2, seed: 5) }
  }

  @Test func orderOfRows() throws {
    try expectSameBytes(["--batch-size", "10", "--no-shuffle"]) { try $0.fit($1, $2, batchSize: 10, shuffle: false) }
    try expectSameBytes(["--batch-size", "10"]) { try $0.fit($1, $2, batchSize: 10, shuffle: true) }
  }

  @Test(arguments: [
    ("sgd", Optimizer.sgd()), ("rmsprop", .rmsprop()), ("adam", .adam()), ("adamw", .adamW()),
    ("adagrad", .adagrad()), ("AdamW", .adamW()),
  ]) func optimizers(_ name: String, _ optimizer: Optimizer) throws {
    try expectSameBytes(["--optimizer", name, "--epochs", "2"], as: LibraryRun(optimizer: optimizer)) {
      try $0.fit($1, $2, epochs: 2)
    }
  }

  @Test func learningRate() throws {
    let options = ["--optimizer", "sgd", "--learning-rate", "0.25"]
    try expectSameBytes(options, as: LibraryRun(optimizer: .sgd(learningRate: 0.25))) { try $0.fit($1, $2) }
  }

  @Test(arguments: [
    ("mean_squared_error", Loss.meanSquaredError), ("mse", .meanSquaredError), ("MSE", .meanSquaredError),
    ("mae", .meanAbsoluteError),
    ("mean_absolute_error", .meanAbsoluteError), ("huber", .huber()), ("binary_crossentropy", .binaryCrossEntropy),
    ("categorical_crossentropy", .categoricalCrossEntropy),
  ]) func losses(_ name: String, _ loss: Loss) throws {
    let run = LibraryRun(architecture: Line.architecture, data: ["u.npy", "v.npy"], loss: loss)
    try expectSameBytes(["--loss", name, "--epochs", "2"], of: Line.training, as: run) {
      try $0.fit($1, $2, epochs: 2)
    }
  }

  @Test func lengths() throws {
    let lengths = try Tensor(contentsOfNumPy: tool.path("lengths.npy")).scalars(as: Int32.self).map(Int.init)
    try expectSameBytes(["--lengths", "lengths.npy"]) { try $0.fit($1, $2, lengths: lengths) }
  }

  @Test func rowsKeptBackForValidation() throws {
    try expectSameBytes(["--validation-split", "0.25"]) { try $0.fit($1, $2, validationSplit: 0.25) }
  }

  @Test func threads() throws {
    for threads in ["1", "2", "3"] {
      try expectSameBytes(["--threads", threads, "--epochs", "2"]) { try $0.fit($1, $2, epochs: 2) }
    }
  }

  /// Rows of their own to validate with, whose classes are others, so that their loss has its least value early.
  private func writeHeldOut() throws -> Examples {
    let x = try Tensor(contentsOfNumPy: tool.path("x.npy"))[0..<40]
    let y = Tensor((0..<40).map { Int32(($0 * 7 + 1) % 3) })
    try x.writeNumPy(to: tool.path("held_x.npy"))
    try y.writeNumPy(to: tool.path("held_y.npy"))
    return Examples(x, y)
  }

  static let heldOut = ["--validation-data", "held_x.npy", "--validation-labels", "held_y.npy"]

  private func numbers(_ name: String) throws -> [Double] {
    guard case .array(let values)? = try JSONValue(contentsOf: tool.path("h.json"))["history"]?[name] else {
      Issue.record("expected \(name), got \(tool.text("h.json"))")
      return []
    }
    return values.compactMap { if case .number(let number) = $0 { number } else { nil } }
  }

  @Test func otherDataToValidateWith() throws {
    let validation = try writeHeldOut()
    let options = ["--epochs", "2", "--history", "h.json"] + Self.heldOut
    var logs: [Double] = []
    try expectSameBytes(options) { trainer, x, y in
      logs = try trainer.fit(x, y, epochs: 2, validationData: validation)["val_loss"] ?? []
    }
    #expect(logs.count == 2)
    #expect(try numbers("val_loss") == logs)
  }

  @Test func lengthsOfOtherDataToValidateWith() throws {
    var validation = try writeHeldOut()
    try Tensor((0..<40).map { Int32($0 % 7 + 1) }).writeNumPy(to: tool.path("held_lengths.npy"))
    validation.lengths = (0..<40).map { $0 % 7 + 1 }
    let options = ["--history", "h.json", "--validation-lengths", "held_lengths.npy"] + Self.heldOut
    var logs: [Double] = []
    try expectSameBytes(options) { trainer, x, y in
      logs = try trainer.fit(x, y, validationData: validation)["val_loss"] ?? []
    }
    #expect(try numbers("val_loss") == logs)
  }

  @Test func earlyStoppingAndBestWeights() throws {
    let validation = try writeHeldOut()
    let common = ["--epochs", "30", "--learning-rate", "0.05", "--history", "h.json"] + Self.heldOut
    let run = LibraryRun(optimizer: .adam(learningRate: 0.05))
    let cases: [(options: [String], patience: Int, isBestOnly: Bool)] = [
      (["--early-stopping", "3"], 3, false), (["--early-stopping", "2", "--best-only"], 2, true),
      (["--best-only"], .max, true),
    ]
    for (options, patience, isBestOnly) in cases {
      var epochs = 0
      try expectSameBytes(common + options, as: run) { trainer, x, y in
        let stopper = EarlyStopping(patience: patience, restoreBestWeights: isBestOnly, verbose: true)
        epochs = try trainer.fit(x, y, epochs: 30, validationData: validation, callbacks: [stopper]).epoch.count
      }
      let losses = try numbers("val_loss")
      #expect(losses.count == epochs)
      #expect(epochs == 30 ? patience == .max : losses.dropLast(patience).last == losses.min(), "\(losses)")
    }
  }

  @Test func withoutValidationTheLossIsWatched() throws {
    let run = LibraryRun(optimizer: .sgd(learningRate: 30))
    let options = [
      "--epochs", "12", "--learning-rate", "30", "--optimizer", "sgd", "--early-stopping", "1", "--best-only",
    ]
    try expectSameBytes(options, as: run) { trainer, x, y in
      let stopper = EarlyStopping(monitor: "loss", patience: 1, restoreBestWeights: true, verbose: true)
      try trainer.fit(x, y, epochs: 12, callbacks: [stopper])
      #expect(stopper.stoppedEpoch != nil)
    }
  }

  @Test func weightsOfRowsAndClasses() throws {
    let weights = Tensor((0..<Lesson.rows).map { Float($0 % 4) })
    try weights.writeNumPy(to: tool.path("w.npy"))
    try expectSameBytes(["--sample-weights", "w.npy"]) { try $0.fit($1, $2, sampleWeights: weights) }
    try expectSameBytes(["--class-weights", "0:2,2:0.25"]) { try $0.fit($1, $2, classWeights: [0: 2, 2: 0.25]) }
  }

  @Test func blocks() throws {
    try expectSameBytes(["--batch-size", "48", "--block-size", "10"]) {
      try $0.fit($1, $2, batchSize: 48, blockSize: 10)
    }
  }

  @Test func aBackupLeavesTheBytesOfTheLibrarys() throws {
    let options = ["--epochs", "2", "--backup", "b", "--backup-batches", "1"]
    let backup = Backup(tool.path("own-b"), everyBatches: 1)
    try expectSameBytes(options) { try $0.fit($1, $2, epochs: 2, backup: backup) }
    // As often, too: each state has its number.
    for name in ["state-0.safetensors", "state-1.safetensors"] {
      #expect(try tool.bytes("b/\(name)") == tool.bytes("own-b/\(name)"))
    }
    // The same command again finds nothing left to do, and saves the same.
    try expectSameBytes(options) { try $0.fit($1, $2, epochs: 2, backup: backup) }
    try tool.expectFailure(65, "batch size", "the run it holds", of: Lesson.training + options + ["--batch-size", "7"])
  }

  @Test func aSavedModelGoesOn() throws {
    try expectSameBytes(["--seed", "3", "--epochs", "2"], as: LibraryRun(seed: 3)) {
      try $0.fit($1, $2, epochs: 2, seed: 3)
    }
    let training = ["train", "out.safetensors"] + Lesson.training.dropFirst(2)
    try expectSameBytes(["--epochs", "1"], of: training, as: LibraryRun(seed: 3)) {
      try $0.fit($1, $2, epochs: 2, seed: 3)
      try $0.fit($1, $2)
    }
    try expectSameBytes(["--learning-rate", "0.25"], of: training, as: LibraryRun(seed: 3)) {
      try $0.fit($1, $2, epochs: 2, seed: 3)
      try $0.fit($1, $2)
      $0.learningRate = 0.25
      try $0.fit($1, $2)
    }
    for options in [["--loss", "huber"], ["--optimizer", "sgd"]] {
      try tool.expectFailure(64, "--fresh", of: training + options)
    }
    #expect(tool.end(try tool.start(training + ["--fresh", "--optimizer", "sgd"])).code == 0)
  }

  @Test(arguments: [
    ["--validation-data", "held_x.npy"], ["--validation-labels", "held_y.npy"],
    heldOut + ["--validation-split", "0.5"], ["--validation-lengths", "lengths.npy"], ["--early-stopping", "-1"],
    ["--class-weights", "0:1,0:2"], ["--class-weights", "a:1"], ["--class-weights", "0:-1"], ["--block-size", "0"],
    ["--backup-batches", "3"], ["--backup", "b", "--backup-batches", "0"],
  ]) func optionsThatDoNotGoTogether(_ options: [String]) throws {
    try tool.expectFailure(64, "Expected", "got", of: Lesson.training + options)
  }
}
