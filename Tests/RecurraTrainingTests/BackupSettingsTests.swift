import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// What a run is known by: a backup of another one is refused by the name of the difference.
@Suite struct BackupSettingsTests {
  let directory: String
  var backup: Backup { Backup(directory + "/b", everyBatches: 2) }

  init() throws { directory = try ResumeTests.directory() }

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
}
