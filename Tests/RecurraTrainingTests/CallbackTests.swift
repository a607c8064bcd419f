import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct CallbackTests {
  /// Puts numbers of one's choice in the place of an epoch's loss, for the callbacks behind it.
  static func script(_ losses: [Double], _ name: String = "loss") -> LambdaCallback {
    LambdaCallback(onEpochEnd: { epoch, logs, _ in logs[name] = losses[epoch] })
  }

  @discardableResult
  static func fit(_ trainer: Trainer, _ epochs: Int, _ callbacks: [any Callback]) throws -> History {
    try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 8, epochs: epochs, callbacks: callbacks, verbose: .silent, initialEpoch: 0)
  }

  @Test(arguments: [
    ([5, 4, 4, 4, 3, 3, 3, 3], 2, 0.0, 0, 3),  // two epochs no better than 4
    ([5, 4, 4, 3, 3, 3, 3, 3], 2, 0.0, 0, 5),  // 3 came in time
    ([5, 4.9, 4.8, 4.7, 4, 4, 4, 4], 2, 0.5, 0, 2),  // too small to count
    ([5, 4, 4, 3, 3, 3, 3, 3], 0, 0.0, 0, 2),  // no patience
    ([5, 6, 7, 4, 4, 4, 4, 4], 1, 0.0, 3, 4),  // the first three epochs are not watched
  ]) func earlyStopping(losses: [Double], patience: Int, minDelta: Double, start: Int, stopped: Int) throws {
    let stopping = EarlyStopping(monitor: "loss", minDelta: minDelta, patience: patience, startFromEpoch: start)
    let history = try Self.fit(try ToyData.trainer(), 8, [Self.script(losses), stopping])
    #expect(history.epoch.last == stopped && stopping.stoppedEpoch == stopped && history.stop == .requested)
  }

  @Test func earlyStoppingNeedsToBeatItsBaseline() throws {
    let stopping = EarlyStopping(monitor: "loss", patience: 3, baseline: 2)
    let history = try Self.fit(try ToyData.trainer(), 8, [Self.script([8, 7, 6, 5, 4, 3, 1, 1]), stopping])
    // Improvements do not count until 2 is beaten, but an epoch that improves never stops the run.
    #expect(history.epoch.last == 7 && stopping.bestEpoch == 6)
  }

  @Test func theNameTellsWhichWayIsBetter() throws {
    let stopping = EarlyStopping(monitor: "accuracy", patience: 1)
    let rising = try Self.fit(try ToyData.trainer(), 4, [Self.script([0.1, 0.2, 0.3, 0.4], "accuracy"), stopping])
    #expect(rising.epoch.count == 4)
    let other = EarlyStopping(monitor: "accuracy", patience: 1, mode: .min)
    let stopped = try Self.fit(try ToyData.trainer(), 4, [Self.script([0.1, 0.2, 0.3, 0.4], "accuracy"), other])
    #expect(stopped.epoch.count == 2)
  }

  @Test func theBestWeightsComeBack() throws {
    let trainer = try ToyData.trainer()
    var weights: [[Tensor]] = []
    let noting = LambdaCallback(onEpochEnd: { _, _, trainer in weights.append(trainer.weights) })
    let recorder = Recorder()
    trainer.output = recorder.output()
    let stopping = EarlyStopping(monitor: "loss", patience: 2, restoreBestWeights: true, verbose: true)
    try Self.fit(trainer, 8, [Self.script([5, 3, 4, 4, 1, 1, 1, 1]), noting, stopping])
    #expect(weights.count == 4 && stopping.bestEpoch == 1)
    for (one, other) in zip(trainer.weights, weights[1]) { expectIdentical(one, other) }
    #expect(trainer.weights[0].doubles != weights[3][0].doubles)
    #expect(
      recorder.text == """
        Epoch 4: early stopping
        Restoring model weights from the end of the best epoch: 2.

        """)
  }

  @Test func aScheduleSetsTheRateOfEachEpoch() throws {
    let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 0.5))
    var steps: [Double] = []
    let noting = LambdaCallback(onTrainBatchEnd: { _, _, trainer in steps.append(trainer.learningRate) })
    let schedule = LearningRateScheduler { epoch, rate in epoch < 2 ? rate : rate / 2 }
    let history = try Self.fit(trainer, 4, [schedule, noting])
    #expect(history["learning_rate"] == [0.5, 0.5, 0.25, 0.125])
    #expect(steps == [0.5, 0.5, 0.25, 0.125].flatMap { [$0, $0, $0] })
    #expect(throws: RecurraError.self) { try Self.fit(trainer, 1, [LearningRateScheduler { _, _ in .nan }]) }
  }

  @Test func aPlateauMakesTheRateSmaller() throws {
    let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 1))
    let recorder = Recorder()
    trainer.output = recorder.output()
    let reducing = ReduceLROnPlateau(
      monitor: "loss", factor: 0.25, patience: 2, cooldown: 1, minLR: 0.1, verbose: true)
    let losses = [5.0, 5, 5, 5, 5, 5, 5, 5, 5]
    let history = try Self.fit(trainer, 9, [Self.script(losses), reducing])
    // Two epochs without improvement, one of rest, whose epoch counts again, two more …; never below 0.1.
    #expect(history["learning_rate"] == [1, 1, 1, 0.25, 0.25, 0.1, 0.1, 0.1, 0.1])
    #expect(
      recorder.text == """

        Epoch 3: ReduceLROnPlateau reducing learning rate to 0.25.

        Epoch 5: ReduceLROnPlateau reducing learning rate to 0.1.

        """)
    #expect(throws: RecurraError.self) { try Self.fit(trainer, 1, [ReduceLROnPlateau(monitor: "loss", factor: 1)]) }
  }

  @Test func epochsOfRestDoNotCount() throws {
    let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 1))
    let reducing = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, cooldown: 3)
    let history = try Self.fit(trainer, 9, [Self.script([Double](repeating: 5, count: 9)), reducing])
    // Reduced behind epoch 3; rest in 4 and 5, and 6 and 7 are the next two that count.
    #expect(history["learning_rate"] == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
  }

  @Test func theFirstEpochAloneNeverStops() throws {
    let stopping = EarlyStopping(monitor: "loss", patience: 0)
    let history = try Self.fit(try ToyData.trainer(), 4, [Self.script([.nan, 2, 2, 2]), stopping])
    #expect(history.epoch == [0, 1, 2] && stopping.stoppedEpoch == 2)
  }

  @Test(arguments: [-1, .infinity, .nan]) func aRateThatIsNoneIsRefused(rate: Double) throws {
    let trainer = try ToyData.trainer()
    let error = #expect(throws: RecurraError.self) {
      try Self.fit(trainer, 1, [LearningRateScheduler { _, _ in rate }])
    }
    #expect(error?.kind == .badArgument && error?.got == "\(rate)" && error?.operation == "LearningRateScheduler")
    try Self.fit(trainer, 1, [LearningRateScheduler { _, _ in 0 }])
  }

  @Test func aFileThatIsAppendedToHasItsHeaderOnce() throws {
    let names = try CheckpointTests.files { folder in
      let path = folder + "/log.csv"
      for run in 1...2 {
        try Self.fit(try ToyData.trainer(), 1, [Self.script([0.5]), CSVLogger(path, append: true)])
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\r\n")
        #expect(lines.count == 1 + run && lines[0].hasPrefix("epoch,accuracy") && lines[run].hasPrefix("0,"))
      }
    }
    #expect(names == ["log.csv"])
  }

  @Test func linesOfAFile() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try ToyData.trainer()
    let numbers = Self.script([0.5, 1e-7])
    let accuracy = Self.script([0.25, 1], "accuracy")
    try Self.fit(trainer, 2, [numbers, accuracy, CSVLogger(path)])
    let header = "epoch,accuracy,loss,val_accuracy,val_loss\r\n"
    let lines = "0,0.25,0.5,NA,NA\r\n1,1.0,1e-07,NA,NA\r\n"
    #expect(try String(contentsOfFile: path, encoding: .utf8) == header + lines)
    try Self.fit(trainer, 2, [numbers, accuracy, CSVLogger(path, append: true)])
    #expect(try String(contentsOfFile: path, encoding: .utf8) == header + lines + lines)
    let error = #expect(throws: RecurraError.self) { try Self.fit(trainer, 1, [CSVLogger(path + "/missing/a.csv")]) }
    #expect(error?.kind == .cannotCreate && error?.description.contains("missing/a.csv") == true)
  }

  @Test func callsComeInOrder() throws {
    var calls: [String] = []
    let noting = LambdaCallback(
      onTrainBegin: { _ in calls.append("begin") }, onEpochBegin: { epoch, _ in calls.append("epoch \(epoch)") },
      onTrainBatchBegin: { batch, _ in calls.append("batch \(batch)") },
      onTrainBatchEnd: { batch, logs, _ in calls.append("end \(batch) \(logs.names)") },
      onEpochEnd: { epoch, logs, _ in calls.append("epoch end \(epoch) \(logs.names)") },
      onTrainEnd: { logs, _ in calls.append("end \(logs.names)") })
    try ToyData.trainer().fit(
      ToyData.x, ToyData.labels, batchSize: 12, validationSplit: 0.1, callbacks: [noting], verbose: .silent)
    let names = #"["accuracy", "loss"]"#
    let all = #"["accuracy", "loss", "val_accuracy", "val_loss"]"#
    #expect(
      calls == [
        "begin", "epoch 0", "batch 0", "end 0 \(names)", "batch 1", "end 1 \(names)", "epoch end 0 \(all)",
        "end \(all)",
      ])
  }

  @Test func aNaNIsNeverTheBest() throws {
    let losses = [Double.nan, 3, .nan, 2, .nan, .nan, .nan]
    let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 1))
    var weights: [[Tensor]] = []
    let noting = LambdaCallback(onEpochEnd: { _, _, trainer in weights.append(trainer.weights) })
    let stopping = EarlyStopping(monitor: "loss", patience: 3, restoreBestWeights: true)
    let reducing = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, minDelta: 0)
    let history = try Self.fit(trainer, 7, [Self.script(losses), noting, stopping, reducing])
    #expect(stopping.bestEpoch == 3 && stopping.stoppedEpoch == 6)
    for (one, other) in zip(trainer.weights, weights[3]) { expectIdentical(one, other) }
    #expect(history["learning_rate"] == [1, 1, 1, 1, 1, 1, 0.5])
  }

  @Test func withoutAnyNumberNothingIsRestored() throws {
    let trainer = try ToyData.trainer()
    var last: [Tensor] = []
    let noting = LambdaCallback(onEpochEnd: { _, _, trainer in last = trainer.weights })
    let stopping = EarlyStopping(monitor: "loss", patience: 2, restoreBestWeights: true)
    let history = try Self.fit(trainer, 9, [Self.script([Double](repeating: .nan, count: 9)), noting, stopping])
    #expect(history.epoch.count == 2)
    for (one, other) in zip(trainer.weights, last) { expectIdentical(one, other) }
  }

  @Test func whatIsNotFiniteTerminates() throws {
    for (losses, epochs) in [([3, 2, .nan, 1], 3), ([3, 2, .infinity, 1], 3), ([3, 2, 1, 1], 4)] as [([Double], Int)] {
      let trainer = try ToyData.trainer()
      let recorder = Recorder()
      trainer.output = recorder.output()
      let history = try Self.fit(trainer, 4, [Self.script(losses, "val_loss"), TerminateOnNaN()])
      #expect(history.epoch.count == epochs && (history.stop == .requested) == (epochs < 4))
      #expect(recorder.text.hasPrefix("\nEpoch 3: val_loss is ") == (epochs < 4))
    }
    // In the middle of an epoch: the second of its three batches.
    let trainer = try ToyData.trainer()
    let recorder = Recorder()
    trainer.output = recorder.output()
    var logs = Logs()
    logs["accuracy"] = .nan
    let callback = TerminateOnNaN()
    callback.onTrainBatchEnd(1, logs, trainer)
    #expect(recorder.text == "\nBatch 2: accuracy is nan, terminating training.\n")
  }
}
