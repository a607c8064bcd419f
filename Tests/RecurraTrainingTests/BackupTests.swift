import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// A backup lets a run go on after its process has ended, and is never taken for that of another run.
@Suite struct BackupTests {
  let directory: String
  var backup: Backup { Backup(directory + "/b", everyBatches: 2) }

  init() throws { directory = try ResumeTests.directory() }

  /// Trains, and stops dead after some batches, as if the process had been killed there.
  @discardableResult
  func run(
    batches: Int? = nil, x: Tensor = ResumeTests.x, y: Tensor = ResumeTests.y, seed: UInt64 = 2, epochs: Int = 3,
    batchSize: Int = 10, blockSize: Int? = nil, loss: Loss = .sparseCategoricalCrossEntropy, backup: Backup?
  ) throws -> Trainer {
    var seen = 0
    let killing = LambdaCallback(onTrainBatchEnd: { _, _, _ throws(RecurraError) in
      seen += 1
      if seen == batches { throw RecurraError(.badArgument, operation: "kill", expected: "", got: "") }
    })
    let trainer = try BlockTests.trainer(loss: loss)
    do throws(RecurraError) {
      try trainer.fit(
        x, y, batchSize: batchSize, blockSize: blockSize, epochs: epochs, validationSplit: 0.1,
        callbacks: [EarlyStopping(patience: 9, restoreBestWeights: true), killing], backup: backup, verbose: .silent,
        seed: seed)
    } catch  where error.operation == "kill" {}
    return trainer
  }

  func bytes(_ trainer: Trainer) throws -> Data {
    try trainer.save(to: directory + "/saved.safetensors")
    return try Data(contentsOf: URL(filePath: directory + "/saved.safetensors"))
  }

  @Test(arguments: [1, 2, 3, 5, 6, 7, 11, 12, 17, 18])
  func aKilledRunGoesOnToTheSameBytes(batches: Int) throws {
    try run(batches: batches, backup: backup)
    let again = try run(backup: backup)
    #expect(again.state.epoch == 3 && again.state.step == 18)
    for (one, other) in zip(try run(backup: nil).weights, again.weights) { expectIdentical(one, other) }
    // A third run finds nothing left to do, and ends with the same.
    let third = try run(batches: 1, backup: backup)
    #expect(try bytes(third) == bytes(again))
  }

  @Test func anUndisturbedRunWithABackupLeavesTheSameBytes() throws {
    let whole = try bytes(run(backup: Backup(directory + "/whole")))
    #expect(try bytes(run(backup: nil)) == whole)
    for batches in [1, 4, 9, 13] { try run(batches: batches, backup: backup) }
    #expect(try bytes(run(backup: backup)) == whole)
  }

  @Test func theOlderStateServesWhenTheNewerIsDamaged() throws {
    let whole = try bytes(run(backup: Backup(directory + "/whole")))
    try run(batches: 9, backup: backup)
    let states = [0, 1].map { directory + "/b/state-\($0).safetensors" }
    let path = try generation(states[0]) > generation(states[1]) ? states[0] : states[1]
    let good = try Data(contentsOf: URL(filePath: path))
    for damaged in [good.prefix(good.count / 2), Data(), Data(good.map { $0 ^ 1 })] {
      try damaged.write(to: URL(filePath: path))
      let recorder = Recorder()
      let trainer = try BlockTests.trainer()
      trainer.output = recorder.output()
      try trainer.fit(
        ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: 3, validationSplit: 0.1,
        callbacks: [EarlyStopping(patience: 9, restoreBestWeights: true), LambdaCallback()], backup: backup,
        verbose: .silent, seed: 2)
      #expect(recorder.text.contains("going on from the state before"))
      #expect(try bytes(trainer) == whole)
    }
    for path in states { try Data("nothing".utf8).write(to: URL(filePath: path)) }
    let error = #expect(throws: RecurraError.self) { try run(backup: backup) }
    #expect(error?.kind == .badFile)
  }

  private func generation(_ path: String) throws -> Int {
    let text = String(decoding: try Data(contentsOf: URL(filePath: path)).prefix(20_000), as: UTF8.self)
    let match = try #require(text.firstMatch(of: /generation[^0-9]*([0-9]+)/))
    return try #require(Int(match.1))
  }

  @Test func aBackupOfAnotherRunIsRefusedByTheDifference() throws {
    try run(batches: 9, backup: backup)
    let before = try [0, 1].map { try Data(contentsOf: URL(filePath: directory + "/b/state-\($0).safetensors")) }
    var other = ResumeTests.x.scalars(as: Int32.self)
    other[30] = other[30] % 10 + 1
    let x = Tensor(other, shape: ResumeTests.x.shape)
    let cases: [(String, () throws -> Trainer)] = [
      ("data", { try run(x: x, backup: backup) }),
      ("data", { try run(x: ResumeTests.x[0..<50], y: ResumeTests.y[0..<50], backup: backup) }),
      ("seed", { try run(seed: 3, backup: backup) }),
      ("batch size", { try run(batchSize: 9, backup: backup) }),
      ("block size", { try run(blockSize: 5, backup: backup) }),
      ("loss", { try run(loss: .sparseCategoricalCrossEntropy(fromLogits: true), backup: backup) }),
    ]
    for (name, body) in cases {
      let error = #expect(throws: RecurraError.self) { try body() }
      #expect(error?.kind == .badData && error?.expected.contains("the \(name) of the run") == true, "\(error as Any)")
    }
    let after = try [0, 1].map { try Data(contentsOf: URL(filePath: directory + "/b/state-\($0).safetensors")) }
    #expect(before == after)
    #expect(try run(epochs: 4, backup: backup).state.epoch == 4, "a run may be made longer")
  }

  @Test func eachSettingOfARunIsKnown() throws {
    struct Settings {
      var metrics = [Metric.accuracy]
      var rate = 0.4
      var optimizer = Optimizer.adam(learningRate: 0.01)
      var callbacks: [any Callback] = [EarlyStopping(patience: 9), CSVLogger("/dev/null", separator: ";")]
      var validation = Examples(ResumeTests.x[50..<64], ResumeTests.y[50..<64])
      var shuffle = true
      var classWeights: [Int: Double]?
      var lengths = [Int](repeating: 7, count: 50)
      var sampleWeights = Tensor.ones([50])
      var batchesBefore = 0
    }
    func fit(_ settings: Settings) throws {
      // A model whose first weights do not tell its dropout.
      let model = Sequential(
        [
          Embedding(inputDim: 11, outputDim: 5, maskZero: true), GRU(units: 3), Dropout(rate: settings.rate),
          Dense(units: 3, activation: .softmax),
        ], seed: 3)
      let trainer = try model.compile(
        loss: .sparseCategoricalCrossEntropy, optimizer: settings.optimizer, metrics: settings.metrics)
      // Batches that leave the weights as they are, but not the numbers of dropout that follow.
      try model.build(inputShape: [nil, 7])
      _ = trainer.state
      trainer.learningRate = 0
      for _ in 0..<settings.batchesBefore { try trainer.trainBatch(ResumeTests.x[0..<2], ResumeTests.y[0..<2]) }
      trainer.learningRate = settings.optimizer.learningRate
      try trainer.fit(
        ResumeTests.x[0..<50], ResumeTests.y[0..<50], lengths: settings.lengths, sampleWeights: settings.sampleWeights,
        classWeights: settings.classWeights, batchSize: 10,
        validationData: settings.validation, shuffle: settings.shuffle, callbacks: settings.callbacks, backup: backup,
        verbose: .silent)
    }
    func expectRefusal(_ name: String, _ change: (inout Settings) -> Void) {
      var settings = Settings()
      change(&settings)
      let error = #expect(throws: RecurraError.self) { try fit(settings) }
      #expect(error?.kind == .badData && error?.expected.contains("the \(name) of the run") == true, "\(error as Any)")
    }
    try fit(Settings())
    expectRefusal("metrics") { $0.metrics = [.sparseCategoricalAccuracy] }
    expectRefusal("model") { $0.rate = 0.3 }
    expectRefusal("optimizer") { $0.optimizer = .adam(learningRate: 0.02) }
    expectRefusal("callbacks") { $0.callbacks[0] = EarlyStopping(patience: 8) }
    expectRefusal("callbacks") { $0.callbacks[1] = CSVLogger("/dev/null") }
    expectRefusal("callbacks") { $0.callbacks.removeLast() }
    expectRefusal("contents of the validation data") {
      $0.validation = Examples(ResumeTests.x[49..<63], ResumeTests.y[49..<63])
    }
    expectRefusal("validation data") { $0.validation = Examples(ResumeTests.x[51..<64], ResumeTests.y[51..<64]) }
    expectRefusal("shuffle") { $0.shuffle = false }
    expectRefusal("contents of the data") { $0.lengths[7] = 6 }
    expectRefusal("contents of the data") {
      $0.sampleWeights = Tensor((0..<50).map { $0 == 49 ? 2 : 1 } as [Float])
    }
    expectRefusal("first weights") { $0.batchesBefore = 1 }
    expectRefusal("class weights") { $0.classWeights = [1: 2] }
    // Another path is no other run, and neither is a function.
    var settings = Settings()
    settings.callbacks = [EarlyStopping(patience: 9), LambdaCallback(), CSVLogger("/dev/zero", separator: ";")]
    try fit(settings)
  }

  @Test func aStateIsWrittenEverySoManyBatches() throws {
    func firstBatch(afterBatches batches: Int) throws -> (epoch: Int, batch: Int) {
      try? FileManager.default.removeItem(atPath: directory + "/b")
      try run(batches: batches, backup: backup)
      var (epoch, first) = (0, Int?.none)
      let noting = LambdaCallback(onTrainBatchBegin: { batch, trainer in
        if first == nil { (epoch, first) = (trainer.state.epoch, batch) }
      })
      try BlockTests.trainer().fit(
        ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: 3, validationSplit: 0.1,
        callbacks: [EarlyStopping(patience: 9, restoreBestWeights: true), noting], backup: backup, verbose: .silent,
        seed: 2)
      return (epoch, try #require(first))
    }
    // Six batches to an epoch; what follows the last even one, and the last whole epoch, is done again.
    for (batches, epoch, batch) in [(1, 0, 0), (2, 0, 0), (3, 0, 2), (4, 0, 2), (6, 0, 4), (7, 1, 0), (9, 1, 2)] {
      let found = try firstBatch(afterBatches: batches)
      #expect(found.epoch == epoch && found.batch == batch, "killed in batch \(batches)")
    }
  }

  @Test func aCancelledRunIsWrittenWhereItStands() async throws {
    let backup = Backup(directory + "/b")
    try await Task {
      let cancelling = LambdaCallback(onTrainBatchEnd: { batch, _, _ in
        if batch == 3 { withUnsafeCurrentTask { $0?.cancel() } }
      })
      let trainer = try BlockTests.trainer()
      try trainer.fit(
        ResumeTests.x, ResumeTests.y, batchSize: 10, callbacks: [cancelling], backup: backup, verbose: .silent)
    }.value
    var first: Int?
    let noting = LambdaCallback(onTrainBatchBegin: { batch, _ in first = first ?? batch })
    try BlockTests.trainer().fit(
      ResumeTests.x, ResumeTests.y, batchSize: 10, callbacks: [noting], backup: backup, verbose: .silent)
    #expect(first == 4)
  }

  @Test func generationsGoOnCounting() throws {
    func newest() throws -> Int {
      try [0, 1].map { directory + "/b/state-\($0).safetensors" }.filter { FileManager.default.fileExists(atPath: $0) }
        .map(generation).max() ?? 0
    }
    var former = 0
    for _ in 0..<4 {
      try run(batches: 4, backup: backup)
      #expect(try newest() > former)
      former = try newest()
    }
  }

  @Test func otherFirstWeightsAreAnotherRun() throws {
    try run(batches: 9, backup: backup)
    let trainer = try BlockTests.trainer()
    try trainer.model.build(inputShape: [nil, 7])
    var weights = trainer.weights
    weights[0] = weights[0] * 2
    trainer.weights = weights
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(
        ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: 3, validationSplit: 0.1,
        callbacks: [EarlyStopping(patience: 9, restoreBestWeights: true), LambdaCallback()], backup: backup,
        verbose: .silent, seed: 2)
    }
    #expect(error?.expected.contains("first weights") == true)
    for (one, other) in zip(weights, trainer.weights) { expectIdentical(one, other) }
  }

  /// Goes on with a trainer out of a file, as `recur train SAVED --save SAVED --backup` does.
  private func goOn(_ path: String, killedAfter batches: Int? = nil) throws -> Trainer {
    let trainer = try Trainer(contentsOf: path)
    var seen = 0
    let killing = LambdaCallback(onTrainBatchEnd: { _, _, _ throws(RecurraError) in
      seen += 1
      if seen == batches { throw RecurraError(.badArgument, operation: "kill", expected: "", got: "") }
    })
    do throws(RecurraError) {
      try trainer.fit(
        ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: 2, callbacks: [killing], backup: backup, verbose: .silent)
    } catch  where error.operation == "kill" {}
    return trainer
  }

  @Test func aRunFromAFileGoesOnWhateverItHasLeftThere() throws {
    let (start, result) = (directory + "/start.safetensors", directory + "/result.safetensors")
    try run(epochs: 1, backup: nil).save(to: start)
    let whole = try bytes(goOn(start))
    try FileManager.default.removeItem(atPath: directory + "/b")
    _ = try goOn(start, killedAfter: 7)
    // The file is as it was, is what the run was saved as in the middle, or is its result.
    try goOn(start, killedAfter: 2).save(to: result)
    try goOn(result).save(to: result)
    #expect(try Data(contentsOf: URL(filePath: result)) == whole)
    #expect(try bytes(goOn(result)) == whole)
    // Another beginning of the same first weights, one epoch further, is another run.
    try run(epochs: 2, backup: nil).save(to: start)
    let error = #expect(throws: RecurraError.self) { try goOn(start) }
    #expect(error?.expected.contains("first weights") == true)
  }

  @Test func twoProcessesAtATimeAreRefused() throws {
    let lock = try DirectoryLock(directory + "/b")
    let error = #expect(throws: RecurraError.self) { try run(backup: backup) }
    #expect(error?.kind == .cannotCreate && error?.got == "one that is in use")
    withExtendedLifetime(lock) {}
  }

  @Test func aBackupThatCannotBeMadeSaysSo() throws {
    try Data().write(to: URL(filePath: directory + "/file"))
    for path in [directory + "/file", directory + "/file/below", ""] {
      let error = #expect(throws: RecurraError.self) { try run(backup: Backup(path)) }
      #expect(error?.kind == (path.isEmpty ? .badArgument : .cannotCreate))
    }
    #expect(throws: RecurraError.self) { try run(backup: Backup(directory + "/b", everyBatches: 0)) }
  }

  @Test func aRunThatWasStoppedStaysStopped() throws {
    func fit(_ trainer: Trainer, _ killing: Bool) throws {
      let killing = LambdaCallback(onTrainEnd: { _, _ throws(RecurraError) in
        if killing { throw RecurraError(.badArgument, operation: "kill", expected: "", got: "") }
      })
      do throws(RecurraError) {
        try trainer.fit(
          ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: 9,
          callbacks: [EarlyStopping(monitor: "loss", minDelta: 9, patience: 2, restoreBestWeights: true), killing],
          backup: backup, verbose: .silent)
      } catch  where error.operation == "kill" {}
    }
    try fit(BlockTests.trainer(), true)
    let again = try BlockTests.trainer()
    try fit(again, false)
    #expect(again.state.epoch == 3 && again.history?.stop == .requested)
  }
}
