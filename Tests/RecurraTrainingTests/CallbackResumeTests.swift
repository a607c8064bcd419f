import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// A trainer that a callback saves in the middle of a run goes on from its file to the bits, decisions and files of
/// that run.
@Suite struct CallbackResumeTests {
  static let losses = [5, 3, 4, 2, 4, 4.5, 4, 4.0]
  static var registry: Registry {
    var registry = Registry.standard
    registry.register(OwnAdam.self)
    registry.register(BatchCounter.self)
    return registry
  }

  static func trainer() throws -> Trainer {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: 11, outputDim: 5, maskZero: true)
      LSTM(units: 6)
      Dropout(rate: 0.4)
      Dense(units: 3, activation: .softmax)
    }
    return try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: Optimizer(OwnAdam(beta: 0.8), learningRate: 0.01),
      metrics: [.accuracy])
  }

  /// Those that a file brings back, and those that are given again.
  static func callbacks(_ folder: String) -> [any Callback] {
    [
      CallbackTests.script(losses), BatchCounter(every: 4), BatchCounter(every: 9),
      LearningRateScheduler { epoch, rate in epoch % 2 == 1 ? rate * 0.75 : rate },
      EarlyStopping(monitor: "loss", patience: 3, restoreBestWeights: true),
      ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, minDelta: 0.25, cooldown: 1),
      ModelCheckpoint(folder + "/best-{epoch}", monitor: "loss", saveBestOnly: true),
      ModelCheckpoint(folder + "/batch-{epoch}-{batch}", frequency: .batches(4)),
      CSVLogger(folder + "/log.csv", separator: ";"), TerminateOnNaN(),
    ]
  }

  static func fit(_ trainer: Trainer, _ callbacks: [any Callback]?, epochs: Int = 8) throws {
    try trainer.fit(
      ResumeTests.x, ResumeTests.y, batchSize: 10, epochs: epochs, validationSplit: 0.1, callbacks: callbacks,
      verbose: .silent, seed: 2)
  }

  static func contents(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(filePath: "\(folder)/\($0)"))) })
  }

  static func bytes(_ trainer: Trainer, _ path: String) throws -> Data {
    try trainer.save(to: path)
    return try Data(contentsOf: URL(filePath: path))
  }

  @Test(arguments: [
    SavingPoint.epochBegin(0), .epochBegin(3), .batchEnd(epoch: 0, 0), .batchEnd(epoch: 1, 5), .batchEnd(epoch: 4, 2),
    .epochEnd(0), .epochEnd(2), .epochEnd(3), .epochEnd(4), .epochEnd(6), .trainEnd,
  ])
  func aSavedRunGoesOn(point: SavingPoint) throws {
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (whole, rest) = (directory + "/whole", directory + "/somewhere/else")
    for folder in [whole, directory + "/somewhere"] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let saved = directory + "/saved"
    let trainer = try Self.trainer()
    let saving = point.saving { trainer throws(RecurraError) in
      try trainer.save(to: saved)
      // What the files of callbacks are at that moment; the run then goes on in them.
      try? FileManager.default.copyItem(atPath: whole, toPath: rest)
    }
    try Self.fit(trainer, Self.callbacks(whole) + [saving])
    #expect(trainer.state.epoch == 7 && trainer.history?.stop == .requested)
    let again = try Trainer(contentsOf: saved, registry: Self.registry)
    let given = Self.callbacks(rest)
    if case .trainEnd = point {
      // Nothing is left to do, and a further run would be a new one.
      #expect(again.history?.epoch == trainer.history?.epoch && again.history?.stop == .requested)
    } else {
      try Self.fit(again, given)
      for (one, other) in zip(Self.callbackStates(trainer), Self.callbackStates(again)) { #expect(one == other) }
      #expect((given[6] as? ModelCheckpoint)?.lastPath == rest + "/best-4")
    }
    for (one, other) in zip(trainer.weights, again.weights) { expectIdentical(one, other) }
    #expect(again.learningRate == trainer.learningRate)
    #expect(again.state.history.history == trainer.state.history.history)
    #expect(try Self.contents(rest) == Self.contents(whole))
    if case .trainEnd = point { return }
    let bytes = try Self.bytes(trainer, directory + "/a")
    #expect(try Self.bytes(again, directory + "/b") == bytes)
    #expect(bytes.range(of: Data(directory.utf8)) == nil, "no path gets into saved bytes")
  }

  static func callbackStates(_ trainer: Trainer) -> [JSONValue] { trainer.state.callbacks.map(\.state) }

  @Test func everyDecisionIsMadeInTheWholeRun() throws {
    // Or else there would be nothing to go on with.
    var names: [String] = []
    var trainer = try Self.trainer()
    names = try CheckpointTests.files { folder in
      trainer = try Self.trainer()
      try Self.fit(trainer, Self.callbacks(folder))
      let lines = try String(contentsOfFile: folder + "/log.csv", encoding: .utf8).split(separator: "\r\n")
      #expect(lines.count == 8 && lines[0].hasPrefix("epoch;accuracy;learning_rate;loss;seen;val_accuracy;val_loss"))
      #expect(Set(lines).count == 8)
    }
    let batches = ["1-4", "2-2", "2-6", "3-4", "4-2", "4-6", "5-4", "6-2", "6-6", "7-4"].map { "batch-" + $0 }
    #expect(names == batches + ["best-1", "best-2", "best-4", "log.csv"])
    let rates = try #require(trainer.history?["learning_rate"])
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 > $1 } && rates[6] < rates[0] / 5)
  }

  @Test func theNumberOfThreadsAndTheFolderDoNotGetIntoTheBytes() throws {
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func bytes(_ folder: String) throws -> Data {
      let folder = directory + "/" + folder
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let trainer = try Self.trainer()
      try Self.fit(trainer, Self.callbacks(folder), epochs: 2)
      return try Self.bytes(trainer, folder + "/saved")
    }
    let former = Threads.count
    defer { Threads.count = former }
    Threads.count = 1
    let wanted = try bytes("one")
    Threads.count = 3
    #expect(try bytes("another place") == wanted)
  }

  @Test func aStopThatWasAskedForInTheMiddleOfAnEpochIsNotForgotten() throws {
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let stopping = LambdaCallback(onTrainBatchEnd: { batch, _, trainer in if batch == 3 { trainer.stopTraining() } })
    let saving = SavingPoint.batchEnd(epoch: 0, 3).saving { trainer throws(RecurraError) in
      try trainer.save(to: directory + "/saved")
    }
    let trainer = try Self.trainer()
    try Self.fit(trainer, [stopping, saving])
    let again = try Trainer(contentsOf: directory + "/saved", registry: Self.registry)
    try Self.fit(again, nil)
    #expect(again.state.step == 4 && again.state.epoch == 1 && again.history?.stop == .requested)
    #expect(try Self.bytes(again, directory + "/b") == Self.bytes(trainer, directory + "/a"))
  }

  @Test func aRunSavedAtItsEndIsComplete() throws {
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let saving = SavingPoint.trainEnd.saving { trainer throws(RecurraError) in
      try trainer.save(to: directory + "/saved")
    }
    let trainer = try Self.trainer()
    try Self.fit(trainer, [saving], epochs: 2)
    let again = try Trainer(contentsOf: directory + "/saved", registry: Self.registry)
    for trainer in [trainer, again] { try Self.fit(trainer, [], epochs: 1) }
    #expect(again.state.epoch == 3 && again.history?.epoch == [2])
    for (one, other) in zip(trainer.weights, again.weights) { expectIdentical(one, other) }
  }

  @Test(arguments: [SavingPoint.batchEnd(epoch: 4, 2), .epochEnd(4), .trainEnd])
  func whatIsLoadedAndSavedAgainIsTheSame(point: SavingPoint) throws {
    let names = try CheckpointTests.files { folder in
      let saving = point.saving { trainer throws(RecurraError) in try trainer.save(to: folder + "/log.1") }
      try Self.fit(try Self.trainer(), Array(Self.callbacks(folder).filter { !($0 is ModelCheckpoint) }) + [saving])
      let again = try Trainer(contentsOf: folder + "/log.1", registry: Self.registry)
      let wanted = try Data(contentsOf: URL(filePath: folder + "/log.1"))
      #expect(try Self.bytes(again, folder + "/log.2") == wanted)
      // Asking for an answer in between changes nothing either.
      _ = try again.predict(ResumeTests.x)
      _ = try again.evaluate(ResumeTests.x, ResumeTests.y, verbose: .silent)
      #expect(try Self.bytes(again, folder + "/log.2") == wanted)
    }
    #expect(names == ["log.1", "log.2", "log.csv"])
  }

  @Test func whatNoFileHoldsIsAskedForAgain() throws {
    let names = try CheckpointTests.files { folder in
      let saving = SavingPoint.epochEnd(0).saving { trainer throws(RecurraError) in
        try trainer.save(to: folder + "/saved")
      }
      let logger = CSVLogger(folder + "/log.csv")
      try Self.fit(try Self.trainer(), [EarlyStopping(), logger, saving], epochs: 2)
      let again = try Trainer(contentsOf: folder + "/saved", registry: Self.registry)
      #expect(again.callbacks.count == 1 && again.callbacks.first is EarlyStopping)
      let recorder = Recorder()
      again.output = recorder.output()
      try Self.fit(again, nil, epochs: 2)
      #expect(recorder.text.contains("without its CSVLogger"))
      // Who says which callbacks there are is taken at his word.
      let third = try Trainer(contentsOf: folder + "/saved", registry: Self.registry)
      let silent = Recorder()
      third.output = silent.output()
      try Self.fit(third, [], epochs: 2)
      #expect(silent.text.isEmpty)
    }
    #expect(names == ["log.csv", "saved"])
  }

  final class OwnStopping: RestorableCallback {
    static let typeName = "EarlyStopping"
    init() {}
    init(configuration: LayerArguments) throws(RecurraError) {}
  }

  @Test func onesOwnTakesThePlaceOfABuiltInOneOfItsName() throws {
    let names = try CheckpointTests.files { folder in
      let trainer = try ToyData.trainer()
      try CallbackTests.fit(trainer, 1, [OwnStopping()])
      try trainer.save(to: folder + "/saved")
      var registry = Registry.standard
      registry.register(OwnStopping.self)
      #expect(try Trainer(contentsOf: folder + "/saved", registry: registry).callbacks.first is OwnStopping)
    }
    #expect(names == ["saved"])
  }

  @Test func aMissingNameIsTheError() throws {
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let trainer = try Self.trainer()
    try Self.fit(trainer, [BatchCounter(every: 2)], epochs: 1)
    try trainer.save(to: directory + "/saved")
    var registry = Registry.standard
    registry.register(OwnAdam.self)
    let callback = #expect(throws: RecurraError.self) {
      try Trainer(contentsOf: directory + "/saved", registry: registry)
    }
    #expect(callback?.kind == .badArgument && callback?.expected.contains("callback \"BatchCounter\"") == true)
    registry = .standard
    registry.register(BatchCounter.self)
    let rule = #expect(throws: RecurraError.self) { try Trainer(contentsOf: directory + "/saved", registry: registry) }
    #expect(rule?.kind == .badArgument && rule?.got.contains("own_adam") == true)
  }
}
