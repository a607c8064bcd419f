import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Batches and classes that weigh nothing, or weigh in training alone.
@Suite struct NothingCountsTests {
  static let optimizers: [(name: String, optimizer: Optimizer, moves: Bool)] = [
    ("plain", .sgd(learningRate: 0.5), false), ("momentum", .sgd(learningRate: 0.5, momentum: 0.5), true),
    ("decay", .sgd(learningRate: 0.5, weightDecay: 0.25), true), ("adam", .adam(learningRate: 0.5), true),
  ]

  /// As Keras, which applies a gradient of 0: momentum carries on, and weights decay.
  @Test(arguments: optimizers.indices, ["trainBatch", "fit", "blocks", "update"])
  func aBatchOfWeightZeroIsAnUpdateByAGradientOfZero(index: Int, call: String) throws {
    let (name, optimizer, moves) = Self.optimizers[index]
    let trainer = try ToyData.regressor().compile(loss: .meanSquaredError, optimizer: optimizer)
    try trainer.trainBatch(ToyData.x, ToyData.targets)
    // The reference applies zeros by hand.
    let reference = OptimizerState(
      optimizer,
      trainer.model.namedParameters.map { path, parameter in
        (path, Parameter(parameter.name, parameter.value))
      })
    try reference.restore(trainer.state.optimizer)
    var zeros = reference.parameters.map { Gradient.dense(.zeros($0.shape, dtype: $0.dtype)) }
    try reference.update(&zeros) { "test" }
    let before = trainer.weights
    let nothing = Tensor.zeros([ToyData.rows])
    var loss: Double?
    switch call {
    case "trainBatch": loss = try trainer.trainBatch(ToyData.x, ToyData.targets, sampleWeights: nothing).loss
    case "update":
      let gradients = try trainer.gradients(ToyData.x, ToyData.targets, sampleWeights: nothing)
      loss = gradients.loss.mean
      try trainer.update(gradients)
    default:
      loss = try trainer.fit(
        ToyData.x, ToyData.targets, sampleWeights: nothing, batchSize: 32, blockSize: call == "blocks" ? 5 : nil,
        verbose: .silent)["loss"]?.first
    }
    #expect(loss == 0 && trainer.state.step == 2)
    for (one, other) in zip(trainer.weights, reference.parameters) { expectIdentical(one, other.value, name) }
    #expect(zip(before, trainer.weights).contains { $0.doubles != $1.doubles } == moves)
  }

  @Test func classesWeighInTrainingAlone() throws {
    let weights = [0: 5.0, 2: 0.25]
    func fit(_ classWeights: [Int: Double]?) throws -> (history: History, evaluated: Logs) {
      // With a learning rate of 0 the weights stay.
      let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 0))
      let history = try trainer.fit(
        ToyData.x, ToyData.labels, classWeights: classWeights, validationData: Examples(ToyData.x, ToyData.labels),
        verbose: .silent)
      return (history, try trainer.evaluate(ToyData.x, ToyData.labels, verbose: .silent))
    }
    let (weighted, plain) = (try fit(weights), try fit(nil))
    #expect(weighted.history["loss"] != plain.history["loss"])
    #expect(weighted.history["val_loss"] == plain.history["val_loss"] && weighted.evaluated == plain.evaluated)
  }

  @Test func classWeightsComeBackWithATrainer() throws {
    _ = try CheckpointTests.files { folder in
      let trainer = try ToyData.trainer()
      try trainer.fit(
        ToyData.x, ToyData.labels, classWeights: [0: 5.0, 2: 0.25], callbacks: [], verbose: .silent)
      try trainer.save(to: folder + "/saved")
      let again = try Trainer(contentsOf: folder + "/saved")
      #expect(again.classWeights == [0: 5, 2: 0.25])
      let (wanted, found) = (
        try trainer.trainBatch(ToyData.x, ToyData.labels), try again.trainBatch(ToyData.x, ToyData.labels)
      )
      #expect(found == wanted)
      for (one, other) in zip(trainer.weights, again.weights) { expectIdentical(one, other) }
    }
  }

  @Test func aBatchByItselfDropsWhatTheModelsSeedSays() throws {
    func loss(_ seed: UInt64, _ steps: Int = 1) throws -> Double? {
      let layers: [any Layer] = [Dense(units: 16, kernelInitializer: .ones), Dropout(rate: 0.5), Dense(units: 2)]
      let model = Sequential(layers, seed: seed)
      try model.build(inputShape: [nil, 5])
      for (index, parameter) in model.parameters.enumerated() {
        parameter.value = .varied(parameter.shape, seed: 80 + index, dtype: .float32)
      }
      let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0))
      var loss: Double?
      for _ in 0..<steps { loss = try trainer.trainBatch(ToyData.x, ToyData.targets).loss }
      return loss
    }
    let wanted = try loss(1)
    #expect(try loss(1) == wanted)
    for other in [try loss(2), try loss(0), try loss(1, 2)] { #expect(other != wanted) }
  }
}
