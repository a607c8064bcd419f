import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What predicting, evaluating and training see of layers that behave differently in training, and of padding.
@Suite struct ModelStateTests {
  private let ids = Tensor([Int32(1), 2, 3, 4, 5, 1, 0, 0, 2, 0, 0, 0], shape: [3, 4])

  private func reader(maskZero: Bool) throws -> Sequential {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: 6, outputDim: 4, maskZero: maskZero)
      Bidirectional(LSTM(units: 3))
      Dense(units: 2, activation: .softmax)
    }
    try model.build(inputShape: [nil, nil])
    return model
  }

  @Test(arguments: [1, 2, 3]) func lengthsAndPaddingBothHoldInPredict(_ batchSize: Int) throws {
    let model = try reader(maskZero: true)
    let found = try model.predict(ids, lengths: [2, 3, 4], batchSize: batchSize)
    let rows = [
      Tensor([Int32(1), 2], shape: [1, 2]), Tensor([Int32(5), 1], shape: [1, 2]), Tensor([Int32(2)], shape: [1, 1]),
    ]
    for (row, ids) in rows.enumerated() {
      expectClose(found[row..<row + 1], try model(ids), relative: 1e-5, absolute: 1e-6, "row \(row)")
    }
  }

  @Test func lengthsAndPaddingBothHoldInTrainingAndEvaluation() throws {
    // Lengths that say what holds already, and padding that does.
    let cut = Tensor([Int32(1), 2, 0, 0, 5, 1, 0, 0, 2, 0, 0, 0], shape: [3, 4])
    let labels = Tensor([Int32(0), 1, 1])
    func trained(_ ids: Tensor, _ lengths: [Int]?) throws -> (loss: Double?, weights: [Tensor]) {
      let trainer = try reader(maskZero: true).compile(
        loss: .sparseCategoricalCrossEntropy, optimizer: .sgd(learningRate: 0.5))
      try trainer.fit(ids, labels, lengths: lengths, batchSize: 2, epochs: 2, verbose: .silent)
      let logs = try trainer.evaluate(ids, labels, lengths: lengths, batchSize: 2, verbose: .silent)
      return (logs.loss, trainer.weights)
    }
    let (wanted, found) = (try trained(cut, nil), try trained(ids, [2, 4, 4]))
    #expect(wanted.loss == found.loss && wanted.loss != nil)
    for (weight, other) in zip(found.weights, wanted.weights) { expectIdentical(weight, other) }
  }

  @Test func dropoutIsActiveInTrainingAlone() throws {
    let x = Tensor.varied([24, 5], seed: 2, dtype: .float32)
    let y = x.matrixProduct(.varied([5, 2], seed: 3, dtype: .float32))
    func model(_ rate: Double) throws -> Sequential {
      let model = Sequential([Dense(units: 16, activation: .tanh), Dropout(rate: rate), Dense(units: 2)], seed: 4)
      try model.build(inputShape: [nil, 5])
      return model
    }
    let (dropping, plain) = (try model(0.9), try model(0))
    expectIdentical(try dropping.predict(x), try plain.predict(x))
    let trainer = try dropping.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0))
    let reference = try plain.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0))
    let wanted = try reference.evaluate(x, y, verbose: .silent).loss
    #expect(try trainer.evaluate(x, y, verbose: .silent).loss == wanted)
    expectIdentical(try trainer.predict(x), try plain.predict(x))
    // With a learning rate of 0 the weights stay, so validation gives the loss of evaluation and training does not.
    let history = try trainer.fit(x, y, batchSize: 24, epochs: 2, validationData: Examples(x, y), verbose: .silent)
    let plainHistory = try reference.fit(x, y, batchSize: 24, validationData: Examples(x, y), verbose: .silent)
    let validation = try #require(plainHistory["val_loss"])
    #expect(history["val_loss"] == validation + validation)
    let losses = try #require(history["loss"])
    #expect(losses[0] != plainHistory["loss"]?[0] && losses[1] != losses[0])
  }
}
