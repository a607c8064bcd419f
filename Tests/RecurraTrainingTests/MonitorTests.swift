import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What counts as better, for each callback that watches a number.
@Suite struct MonitorTests {
  static func stopping(
    _ losses: [Double], minDelta: Double = 0, patience: Int = 2, mode: MonitorMode, baseline: Double? = nil
  ) throws -> EarlyStopping {
    let stopping = EarlyStopping(
      monitor: "loss", minDelta: minDelta, patience: patience, mode: mode, baseline: baseline)
    try CallbackStateTests.run(stopping, CallbackStateTests.trainer(), losses, 0..<losses.count)
    return stopping
  }

  static let bests: [(losses: [Double], minDelta: Double, mode: MonitorMode, best: Int)] = [
    // Just enough, not quite, and the other way; the larger ones are better.
    ([1, 1.5, 1.5, 1.5], 0.25, MonitorMode.max, 1), ([1, 1.25, 1, 1], 0.25, .max, 0), ([1, 0.5, 1, 1], 0.25, .max, 0),
    ([1, 1.25, 1.5, 1], 0.25, .max, 2), ([1, 1.25, 1, 1], -0.5, .max, 0), ([1, 1.25, 1, 1], 0, .max, 1),
    // The smaller ones are better.
    ([1, 0.5, 0.5, 0.5], 0.25, .min, 1), ([1, 0.75, 1, 1], 0.25, .min, 0), ([1, 1.5, 1, 1], 0.25, .min, 0),
    ([1, 0.75, 0.5, 1], 0.25, .min, 2), ([1, 0.75, 1, 1], -0.5, .min, 0), ([1, 0.75, 1, 1], 0, .auto, 1),
    // Neither equal nor infinite steps lead away from the best.
    ([2, 2, 2, 2], 0, .max, 0), ([2, .infinity, 5, 5], 0, .max, 1), ([2, -.infinity, 1, 1], 0, .min, 1),
  ]

  @Test(arguments: bests.indices) func theBestEpoch(index: Int) throws {
    let (losses, minDelta, mode, best) = Self.bests[index]
    #expect(try Self.stopping(losses, minDelta: minDelta, mode: mode).bestEpoch == best)
    // A checkpoint takes every improvement, however small.
    guard minDelta == 0, losses.allSatisfy(\.isFinite) else { return }
    let names = try CheckpointTests.files { folder in
      let checkpoint = ModelCheckpoint(folder + "/{epoch}", monitor: "loss", saveBestOnly: true, mode: mode)
      try CallbackStateTests.run(checkpoint, CallbackStateTests.trainer(), losses, 0..<losses.count)
      #expect(checkpoint.best == losses[best])
    }
    #expect(names.last == "\(best + 1)")
  }

  /// Adds a number of its own to the logs, and says so or not.
  final class Counting: Callback {
    let addedLogNames: [String]
    init(says names: [String]) { addedLogNames = names }
    func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) { logs["score"] = Double(min(epoch, 2)) }
  }

  @Test func whatACallbackAddsMayBeWatched() throws {
    let stopping = EarlyStopping(monitor: "score", patience: 1, mode: .max)
    let trainer = try ToyData.trainer()
    let history = try CallbackTests.fit(trainer, 9, [Counting(says: ["score", "loss", "score"]), stopping])
    #expect(history.epoch.count == 4 && stopping.bestEpoch == 2)
    #expect(trainer.logNames == ["accuracy", "loss", "score"])
    let scheduler = LearningRateScheduler { epoch, _ in epoch < 2 ? 0.01 : 0.02 }
    let rates = EarlyStopping(monitor: "learning_rate", patience: 1, mode: .min)
    #expect(try CallbackTests.fit(trainer, 9, [scheduler, rates]).epoch.count == 2)
    // Who does not say what he adds is not believed, and behind a batch nothing has been added yet.
    for (counting, watching) in [
      (Counting(says: []), EarlyStopping(monitor: "score") as any Callback),
      (Counting(says: ["score"]), ModelCheckpoint("x", monitor: "score", saveBestOnly: true, frequency: .batches(1))),
    ] {
      let error = #expect(throws: RecurraError.self) { try CallbackTests.fit(trainer, 1, [counting, watching]) }
      #expect(error?.kind == .badArgument && error?.got == "score")
    }
  }

  @Test func namesThatCountUpwards() throws {
    for (name, best) in [("accuracy", 1), ("val_acc", 1), ("auc", 1), ("loss", 0), ("mean_absolute_error", 0)] {
      let trainer = try CallbackStateTests.trainer()
      let stopping = EarlyStopping(monitor: name, patience: 9)
      trainer.logNames = [name]
      try stopping.onTrainBegin(trainer)
      for (epoch, value) in [1.0, 2].enumerated() {
        var logs = Logs()
        logs[name] = value
        stopping.onEpochEnd(epoch, &logs, trainer)
      }
      #expect(stopping.bestEpoch == best, "\(name)")
    }
  }

  @Test func aBaselineHoldsThePatienceUntilItIsBeaten() throws {
    // Improvements all the time, but above 2 until epoch 3: the patience of 2 is used up as soon as one fails.
    #expect(try Self.stopping([6, 5, 4, 1, 1, 1, 1], mode: .min, baseline: 2).stoppedEpoch == 5)
    #expect(try Self.stopping([6, 5, 4, 4.5, 1, 1, 1], mode: .min, baseline: 2).stoppedEpoch == 3)
    #expect(try Self.stopping([1, 2, 3, 2.5, 9, 9, 9], mode: .max, baseline: 5).stoppedEpoch == 3)
  }

  @Test func everyNumberBeatsANaN() throws {
    #expect(try Self.stopping([3, 4, 5], patience: 2, mode: .min, baseline: .nan).bestEpoch == 0)
    #expect(try Self.stopping([3, 2, 1, 5], patience: 2, mode: .min, baseline: .nan).stoppedEpoch == nil)
    let names = try CheckpointTests.files { folder in
      let checkpoint = ModelCheckpoint(
        folder + "/{epoch}", monitor: "loss", saveBestOnly: true, initialValueThreshold: .nan)
      try CallbackStateTests.run(checkpoint, CallbackStateTests.trainer(), [.nan, 7, 8], 0..<3)
    }
    #expect(names == ["2"])
  }

  @Test func aRunThatGoesToItsEndGetsItsBestWeightsToo() throws {
    let trainer = try CallbackStateTests.trainer()
    let stopping = EarlyStopping(monitor: "loss", patience: 9, restoreBestWeights: true)
    try CallbackStateTests.run(stopping, trainer, [3, 1, 2], 0..<3)
    stopping.onTrainEnd(Logs(), trainer)
    #expect(stopping.stoppedEpoch == nil)
    for weight in trainer.weights { expectIdentical(weight, .full(weight.shape, 1)) }
    let keeping = EarlyStopping(monitor: "loss", patience: 9)
    try CallbackStateTests.run(keeping, trainer, [3, 1, 2], 0..<3)
    keeping.onTrainEnd(Logs(), trainer)
    for weight in trainer.weights { expectIdentical(weight, .full(weight.shape, 2)) }
  }

  @Test func aSecondRunBeginsAnew() throws {
    let trainer = try CallbackStateTests.trainer()
    let stopping = EarlyStopping(monitor: "loss", patience: 2, restoreBestWeights: true)
    try CallbackStateTests.run(stopping, trainer, [1, 2, 2], 0..<3)
    #expect(stopping.stoppedEpoch == 2)
    try CallbackStateTests.run(stopping, trainer, [9, 8, 9], 0..<3)
    #expect(stopping.bestEpoch == 1 && stopping.stoppedEpoch == nil)
    stopping.onTrainEnd(Logs(), trainer)
    for weight in trainer.weights { expectIdentical(weight, .full(weight.shape, 1)) }

    // One epoch without improvement, and one of rest, must not be left from the first run.
    let reducing = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, cooldown: 9)
    try CallbackStateTests.run(reducing, trainer, [1, 1, 1, 1], 0..<4)
    #expect(trainer.learningRate == 0.5)
    try CallbackStateTests.run(reducing, trainer, [9, 9, 9], 0..<3)
    #expect(trainer.learningRate == 0.25)
    try CallbackStateTests.run(reducing, trainer, [9, 9, 8, 8], 0..<4)
    try CallbackStateTests.run(reducing, trainer, [9, 9], 0..<2)
    #expect(trainer.learningRate == 0.25)

    let names = try CheckpointTests.files { folder in
      let best = ModelCheckpoint(
        folder + "/best-{loss:.0f}", monitor: "loss", saveBestOnly: true, initialValueThreshold: 8)
      try CallbackStateTests.run(best, trainer, [9, 2, 3], 0..<3)
      #expect(best.best == 2 && best.lastPath == folder + "/best-2")
      try CallbackStateTests.run(best, trainer, [9], 0..<1)
      #expect(best.best == 8 && best.lastPath == nil)
      try CallbackStateTests.run(best, trainer, [7], 0..<1)
      let batches = ModelCheckpoint(folder + "/batch-{epoch}", frequency: .batches(2))
      try CallbackStateTests.run(batches, trainer, [1, 1, 1], 0..<3)
      try CallbackStateTests.run(batches, trainer, [1], 0..<1)
    }
    #expect(names == ["batch-2", "best-2", "best-7"])
  }

  @Test func anImprovementEndsAPlateau() throws {
    let trainer = try CallbackStateTests.trainer()
    let reducing = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, minDelta: 0.5)
    var rates: [Double] = []
    for (losses, wanted) in [
      ([5, 5, 4, 4, 3, 3], 1), ([5, 5, 4.5, 4], 0.5), ([5, 5, 4.75, 4], 0.25), ([5, 6, 4, 4, 4], 0.125),
    ] as [([Double], Double)] {
      try CallbackStateTests.run(reducing, trainer, losses, 0..<losses.count)
      rates.append(trainer.learningRate)
      #expect(trainer.learningRate == wanted)
    }
    let rising = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, mode: .max)
    try CallbackStateTests.run(rising, trainer, [1, 2, 3, 4, 5], 0..<5)
    #expect(trainer.learningRate == 0.125)
    try CallbackStateTests.run(rising, trainer, [5, 4, 3], 0..<3)
    #expect(trainer.learningRate == 0.0625)
  }

  @Test func namesThatHoldTheSeparatorStandInQuotes() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    for (separator, comma, semicolon) in [(",", "\"x,y\"", "z;w"), (";", "x,y", "\"z;w\""), ("\t", "x,y", "z;w")] {
      let trainer = try CallbackStateTests.trainer()
      let logger = CSVLogger(path, separator: separator)
      try logger.onTrainBegin(trainer)
      var logs = Logs()
      for (index, name) in ["z;w", "x,y", "a \"b\"", "one\r\ntwo"].enumerated() { logs[name] = Double(index) }
      logs["val_z"] = -.infinity
      try logger.onEpochEnd(0, &logs, trainer)
      let header = ["epoch", "\"a \"\"b\"\"\"", "\"one\r\ntwo\"", "val_z", comma, semicolon]
      let row = ["0", "2.0", "3.0", "-inf", "1.0", "0.0"]
      let lines = [header, row].map { $0.joined(separator: separator) + "\r\n" }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == lines.joined())
    }
  }
}
