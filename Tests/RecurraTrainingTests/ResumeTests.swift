import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// A run that is interrupted goes on to the bits of one that never was.
@Suite struct ResumeTests {
  static let x = BlockTests.ids
  static let y = BlockTests.labels

  static func directory() throws -> String {
    let path = NSTemporaryDirectory() + "recurra-resume-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test func threeCallsOfOneEpochAreOneCallOfThree() throws {
    let (whole, parts) = (try BlockTests.trainer(), try BlockTests.trainer())
    let history = try whole.fit(Self.x, Self.y, batchSize: 10, epochs: 3, verbose: .silent, seed: 9)
    var losses: [Double] = []
    for epoch in 0..<3 {
      let part = try parts.fit(Self.x, Self.y, batchSize: 10, verbose: .silent, seed: epoch == 0 ? 9 : nil)
      #expect(part.epoch == [epoch])
      losses += try #require(part["loss"])
    }
    #expect(losses == history["loss"] && parts.state.history["loss"] == losses && parts.state.epoch == 3)
    for (one, other) in zip(whole.weights, parts.weights) { expectIdentical(one, other) }
  }

  @Test func epochsGoOnInNewOrders() throws {
    let state = try BlockTests.trainer().state
    var later = state
    #expect(later.order(ofRows: 20).sorted() == Array(0..<20))
    let trainer = try BlockTests.trainer()
    let first = trainer.state.order(ofRows: 64)
    try trainer.fit(Self.x, Self.y, verbose: .silent)
    later = trainer.state
    #expect(later.epoch == 1 && later.step == 2 && later.order(ofRows: 64) != first)
  }

  @Test func aTrainerFromAFileGoesOnToTheSameBits() throws {
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (whole, parts) = (try BlockTests.trainer(), try BlockTests.trainer())
    try whole.fit(Self.x, Self.y, batchSize: 10, epochs: 5, verbose: .silent, seed: 4)
    try parts.fit(Self.x, Self.y, batchSize: 10, epochs: 2, verbose: .silent, seed: 4)
    try parts.save(to: directory + "/half.safetensors", notes: ["who": "me"])
    let again = try Trainer(contentsOf: directory + "/half.safetensors")
    #expect(again.state.epoch == 2 && again.state.seed == 4 && again.loss.name == whole.loss.name)
    #expect(again.metrics.map(\.name) == ["accuracy"] && again.optimizer == whole.optimizer)
    try again.fit(Self.x, Self.y, batchSize: 10, epochs: 3, verbose: .silent)
    for (one, other) in zip(whole.weights, again.weights) { expectIdentical(one, other) }
    #expect(again.state.history.history == whole.state.history.history)
    try whole.save(to: directory + "/whole.safetensors")
    try again.save(to: directory + "/again.safetensors")
    let bytes = try ["whole", "again"].map { try Data(contentsOf: URL(filePath: "\(directory)/\($0).safetensors")) }
    // What the runs were asked for differs: five epochs from 0, and three from 2.
    #expect(bytes[0].count > 0 && bytes[1].count > 0)
    // A model file that holds a training state predicts as any other.
    let model = try Sequential.load(from: directory + "/again.safetensors")
    expectIdentical(try model.predict(Self.x), try whole.predict(Self.x))
  }

  @Test("A run that is cancelled goes on in the middle of an epoch", arguments: [1, 3, 7, 8, 15])
  func aCancelledRunGoesOn(batches: Int) async throws {
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    @Sendable func callbacks(cancellingAfter count: Int?) -> [any Callback] {
      var seen = 0
      let stopping = EarlyStopping(monitor: "loss", patience: 5, restoreBestWeights: true)
      let plateau = ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 1, minDelta: 0.05)
      return [
        stopping, plateau,
        LambdaCallback(onTrainBatchEnd: { _, _, _ in
          seen += 1
          if seen == count { withUnsafeCurrentTask { $0?.cancel() } }
        }),
      ]
    }
    @Sendable func fit(_ trainer: Trainer, _ count: Int?) throws -> History {
      try trainer.fit(
        Self.x, Self.y, batchSize: 10, epochs: 4, validationSplit: 0.1, callbacks: callbacks(cancellingAfter: count),
        verbose: .silent, seed: 2)
    }
    let whole = try BlockTests.trainer()
    let history = try fit(whole, nil)
    try whole.save(to: directory + "/whole.safetensors")
    let path = directory + "/part.safetensors"
    let stop = try await Task {
      let trainer = try BlockTests.trainer()
      let stop = try fit(trainer, batches).stop
      try trainer.save(to: path)
      return stop
    }.value
    #expect(stop == .cancelled)
    let again = try Trainer(contentsOf: path)
    #expect(again.state.batch == (batches - 1) % 6 + 1 && again.state.metrics != nil)
    let rest = try fit(again, nil)
    #expect(!again.isResuming, "the run that goes on is over")
    #expect(rest.history == history.history && rest.epoch == history.epoch && rest.stop == history.stop)
    for (one, other) in zip(whole.weights, again.weights) { expectIdentical(one, other) }
    try again.save(to: path)
    let bytes = try [path, directory + "/whole.safetensors"].map { try Data(contentsOf: URL(filePath: $0)) }
    #expect(bytes[0] == bytes[1])
  }

  @Test func otherDataBeginANewRun() async throws {
    let trainer = try await Task { () -> TrainingState in
      let trainer = try BlockTests.trainer()
      let cancelling = LambdaCallback(onTrainBatchEnd: { _, _, _ in withUnsafeCurrentTask { $0?.cancel() } })
      try trainer.fit(Self.x, Self.y, batchSize: 10, epochs: 2, callbacks: [cancelling], verbose: .silent)
      return trainer.state
    }.value
    let other = try BlockTests.trainer()
    try other.model.build(inputShape: [nil, 7])
    try other.restore(trainer)
    #expect(other.state.batch == 1)
    let history = try other.fit(Self.x[0..<20], Self.y[0..<20], batchSize: 10, callbacks: [], verbose: .silent)
    #expect(history.epoch == [0] && other.state.step == 3)
  }

  @Test func anEpochThatIsNamedBeginsANewRun() async throws {
    let state = try await Task { () -> TrainingState in
      let trainer = try BlockTests.trainer()
      let cancelling = LambdaCallback(onTrainBatchEnd: { batch, _, _ in
        if batch == 2 { withUnsafeCurrentTask { $0?.cancel() } }
      })
      try trainer.fit(Self.x, Self.y, batchSize: 10, epochs: 2, callbacks: [cancelling], verbose: .silent)
      return trainer.state
    }.value
    let other = try BlockTests.trainer()
    try other.model.build(inputShape: [nil, 7])
    try other.restore(state)
    var batches: [Int] = []
    let noting = LambdaCallback(onTrainBatchBegin: { batch, _ in batches.append(batch) })
    try other.fit(
      Self.x, Self.y, batchSize: 10, epochs: 1, callbacks: [noting], verbose: .silent, initialEpoch: 0)
    #expect(batches == [0, 1, 2, 3, 4, 5, 6] && other.state.step == 10 && other.state.epoch == 1)
  }

  @Test func aStateOfAnotherModelIsRefused() throws {
    let trainer = try BlockTests.trainer()
    try trainer.fit(Self.x, Self.y, verbose: .silent)
    let other = try ToyData.trainer()
    try other.model.build(inputShape: [nil, 5])
    let before = other.state
    let error = #expect(throws: RecurraError.self) { try other.restore(trainer.state) }
    #expect(error?.kind == .badFile && other.state.step == before.step && other.state.epoch == 0)
  }

  @Test func aModelAloneIsNoTrainer() throws {
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let trainer = try BlockTests.trainer()
    try trainer.fit(Self.x, Self.y, verbose: .silent)
    try trainer.model.save(to: directory + "/model.safetensors")
    let error = #expect(throws: RecurraError.self) { try Trainer(contentsOf: directory + "/model.safetensors") }
    #expect(error?.kind == .badFile && error?.expected == "a training state")
    try trainer.save(to: directory + "/trainer.safetensors")
    let sizes = try ["model", "trainer"].map {
      try Data(contentsOf: URL(filePath: "\(directory)/\($0).safetensors")).count
    }
    #expect(sizes[1] > 2 * sizes[0], "Adam's moments are twice the weights")
  }

  @Test func weightsThatAreNotFiniteAreNotSaved() throws {
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let trainer = try ToyData.regressor().compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 1e308))
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(ToyData.x, ToyData.targets, batchSize: 23, verbose: .silent)
    }
    #expect(error?.kind == .notFinite && error?.operation == "fit, epoch 1")
    #expect(throws: RecurraError.self) { try trainer.save(to: directory + "/t.safetensors") }
    #expect(!FileManager.default.fileExists(atPath: directory + "/t.safetensors"))
  }
}
