import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What layers do to a model's training besides their outputs: statistics that follow the batches, and losses.
@Suite struct LayerSideEffectTests {
  private let x = Tensor.varied([6, 3], seed: 1, in: -2...3)
  private let y = Tensor.varied([6, 2], seed: 2)

  private func normalized() throws -> (Sequential, BatchNormalization) {
    let layer = BatchNormalization(momentum: 0.6)
    let model = Sequential(seed: 3) {
      layer
      Dense(units: 2)
    }
    try model.build(inputShape: [nil, 3], dtype: .float64)
    return (model, layer)
  }

  private func followed(_ numbers: [Tensor], from start: Double) -> Tensor {
    numbers.reduce(.full([3], start, dtype: .float64)) { $0 * 0.6 + $1 * 0.4 }
  }

  @Test func movingStatisticsFollowTheUpdatesAlone() throws {
    let (model, layer) = try normalized()
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    let before = layer.parameters.map(\.value)
    let gradients = try trainer.gradients(x, y)
    _ = try trainer.evaluate(x, y, verbose: .silent)
    for (parameter, value) in zip(layer.parameters, before) { expectIdentical(parameter.value, value) }
    try trainer.update(gradients)
    expectClose(layer.parameters[2].value, followed([x.mean(axes: [0])], from: 0))
    expectClose(layer.parameters[3].value, followed([x.variance(axes: [0])], from: 1))
    // Without a trainer they follow at once.
    _ = try layer.forward(Signal(x), ForwardContext(isTraining: true))
    expectClose(layer.parameters[2].value, followed([x.mean(axes: [0]), x.mean(axes: [0])], from: 0))
  }

  @Test func blocksAreNormalizedByThemselvesAndFollowedInTurn() throws {
    let (model, layer) = try normalized()
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0))
    _ = try trainer.fit(x, y, batchSize: 6, blockSize: 4, epochs: 1, shuffle: false, verbose: .silent)
    expectClose(layer.parameters[2].value, followed([x[0..<4].mean(axes: [0]), x[4..<6].mean(axes: [0])], from: 0))
    expectClose(
      layer.parameters[3].value, followed([x[0..<4].variance(axes: [0]), x[4..<6].variance(axes: [0])], from: 1))
  }

  @Test func aFrozenNormalizationStaysAsItIs() throws {
    for hasParameters in [true, false] {
      let layer = BatchNormalization(center: hasParameters, scale: hasParameters)
      let model = Sequential(seed: 3) {
        layer
        Dense(units: 2)
      }
      try model.build(inputShape: [nil, 3], dtype: .float64)
      #expect(layer.isTrainable)
      layer.isTrainable = false
      let before = layer.parameters.map(\.value)
      let output = try model(x)
      let context = ForwardContext(isTraining: true)
      expectIdentical(try model.forward(Signal(x), context).value, output)
      let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
      _ = try trainer.fit(x, y, epochs: 2, verbose: .silent)
      for (parameter, value) in zip(layer.parameters, before) { expectIdentical(parameter.value, value) }
      #expect(try Sequential(configuration: model.json).layers[0].isTrainable == false)
    }
  }

  @Test func aFreedNormalizationTrainsItsScaleAndNeverItsStatistics() throws {
    let (_, layer) = try normalized()
    layer.isTrainable = false
    layer.isTrainable = true
    #expect(layer.parameters.map(\.isTrainable) == [true, true, false, false])
  }

  @Test func activityCountsByTheMeanOverRows() throws {
    func model(_ layer: (any Layer)?) throws -> Sequential {
      let layers: [(any Layer)?] = [Dense(units: 4, activation: .tanh), layer, Dense(units: 2)]
      let model = Sequential(layers.compactMap { $0 }, seed: 5)
      try model.build(inputShape: [nil, 3], dtype: .float64)
      return model
    }
    let (plain, active) = (try model(nil), try model(ActivityRegularization(l1: 0.3, l2: 0.7)))
    try active.setWeights(plain.weights)
    let hidden = try plain.signal(reaching: 1, Signal(x)).value
    let penalty = (hidden.abs().sum().item * 0.3 + hidden.squared.sum().item * 0.7) / 6
    func trainer(_ model: Sequential) throws -> Trainer {
      try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    }
    let losses = try [plain, active].map { try #require(trainer($0).evaluate(x, y, verbose: .silent)["loss"]) }
    #expect((losses[1] - losses[0] - penalty).magnitude < 1e-12)
    expectIdentical(try active(x), try plain(x))

    // Blocks of one batch train as the batch does.
    let (whole, blocks) = (try model(ActivityRegularization(l2: 0.7)), try model(ActivityRegularization(l2: 0.7)))
    for (model, size) in [(whole, 6), (blocks, 4)] {
      let history = try trainer(model).fit(
        x, y, batchSize: 6, blockSize: size, epochs: 3, shuffle: false, verbose: .silent)
      #expect(history["loss"]?.count == 3)
    }
    for (found, wanted) in zip(blocks.weights, whole.weights) { expectClose(found, wanted, relative: 1e-11) }
    let other = try model(nil)
    _ = try trainer(other).fit(x, y, batchSize: 6, epochs: 3, shuffle: false, verbose: .silent)
    #expect(other.weights[0].doubles != whole.weights[0].doubles)
  }

  @Test func aRunThatIsTakenUpAgainComesToTheSameBits() throws {
    func trainer() throws -> Trainer {
      let model = Sequential(seed: 5) {
        Conv1D(filters: 4, kernelSize: 2, padding: .same)
        BatchNormalization(momentum: 0.7)
        SpatialDropout1D(rate: 0.3)
        GaussianNoise(stddev: 0.2)
        GRU(units: 4, returnSequences: true)
        GaussianDropout(rate: 0.2)
        ActivityRegularization(l2: 0.1)
        GlobalAveragePooling1D()
        AlphaDropout(rate: 0.2)
        Dense(units: 2)
      }
      try model.build(inputShape: [nil, nil, 3])
      return try model.compile(loss: .meanSquaredError, optimizer: .adam())
    }
    let (x, y) = (
      Tensor.varied([11, 5, 3], seed: 1, dtype: .float32), Tensor.varied([11, 2], seed: 2, dtype: .float32)
    )
    let lengths = (0..<11).map { 1 + $0 % 5 }
    func run(_ trainer: Trainer, _ epochs: Int) throws {
      try trainer.fit(x, y, lengths: lengths, batchSize: 4, blockSize: 3, epochs: epochs, verbose: .silent, seed: 4)
    }
    let directory = try ResumeTests.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (whole, half) = (try trainer(), try trainer())
    try run(whole, 5)
    try run(half, 2)
    try half.save(to: directory + "/half.safetensors")
    let again = try Trainer(contentsOf: directory + "/half.safetensors")
    try again.fit(x, y, lengths: lengths, batchSize: 4, blockSize: 3, epochs: 3, verbose: .silent)
    for (one, other) in zip(whole.weights, again.weights) { expectIdentical(one, other) }
    #expect(again.state.history.history == whole.state.history.history)
    try expectSameBitsOnAnyThreads {
      let trainer = try trainer()
      try run(trainer, 1)
      return trainer.weights
    }
  }

  @Test func lossesOfLayersCountOnceWithSeveralOutputs() throws {
    func losses(_ layer: (any Layer)?, blockSize: Int) throws -> Double {
      let input = Input(shape: [3])
      let hidden = Dense(units: 4, activation: .tanh)(input, name: "hidden")
      let active = layer.map { $0(hidden, name: "active") } ?? hidden
      let outputs = [Dense(units: 2)(active, name: "one"), Dense(units: 2)(active, name: "two")]
      let model = try Model(inputs: [input], outputs: outputs, seed: 2)
      for parameter in model.parameters { parameter.value = .varied(parameter.shape, seed: 3, dtype: .float32) }
      let trainer = try model.compile(
        loss: [.meanSquaredError, .meanSquaredError], optimizer: .sgd(learningRate: 0))
      let (x, y) = (x.converted(to: .float32), y.converted(to: .float32))
      let history = try trainer.fit(
        Examples([x], [y, y]), batchSize: 6, blockSize: blockSize, epochs: 1, shuffle: false, verbose: .silent)
      return try #require(history["loss"]?.first)
    }
    let added = try losses(ActivityRegularization(l1: 0.5), blockSize: 6) - losses(nil, blockSize: 6)
    let inBlocks = try losses(ActivityRegularization(l1: 0.5), blockSize: 4) - losses(nil, blockSize: 4)
    #expect(added > 0.1 && (added - inBlocks).magnitude < 1e-6)
  }
}
