import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Gradients of blocks are sums: added up, they are those of the batch.
@Suite struct BlockTests {
  /// A recurrent classifier with dropout, an embedding and rows of several lengths.
  static func trainer(
    clipping: Optimizer.Clipping = .none, loss: Loss = .sparseCategoricalCrossEntropy
  ) throws -> Trainer {
    let model = Sequential(
      [
        Embedding(inputDim: 11, outputDim: 5, maskZero: true), LSTM(units: 6), Dropout(rate: 0.4),
        Dense(units: 3, activation: .softmax),
      ], seed: 3)
    return try model.compile(
      loss: loss, optimizer: .adam(learningRate: 0.01, clipping: clipping), metrics: [.accuracy])
  }

  static let rows = 64
  static let ids = Tensor(
    (0..<rows * 7).map { (place: Int) -> Int32 in
      let (row, timestep) = (place / 7, place % 7)
      return timestep < 2 + row % 6 ? Int32((place * 31 + row) % 10 + 1) : 0
    }, shape: [rows, 7])
  static let labels = Tensor((0..<rows).map { Int32($0 * $0 % 3) })

  @Test func fourBatchesAccumulatedAreOneBatchOfFourBlocks() throws {
    let (accumulating, fitting) = (try Self.trainer(), try Self.trainer())
    let blocks = try (0..<4).map { block in
      let rows = block * 16..<(block + 1) * 16
      return try accumulating.gradients(Self.ids[rows], Self.labels[rows], firstRow: rows.lowerBound)
    }
    try accumulating.update(BatchGradients.sum(blocks))
    try fitting.fit(Self.ids, Self.labels, batchSize: 64, blockSize: 16, shuffle: false, verbose: .silent)
    for (one, other) in zip(accumulating.weights, fitting.weights) { expectIdentical(one, other) }
  }

  @Test func dropoutOfALaterBatchGoesByItsOwnRows() throws {
    let (accumulating, fitting) = (try Self.trainer(), try Self.trainer())
    for batch in 0..<2 {
      let blocks = try (0..<2).map { block in
        let rows = batch * 32 + block * 16..<batch * 32 + (block + 1) * 16
        return try accumulating.gradients(Self.ids[rows], Self.labels[rows], firstRow: block * 16)
      }
      try accumulating.update(BatchGradients.sum(blocks))
    }
    try fitting.fit(Self.ids, Self.labels, batchSize: 32, blockSize: 16, shuffle: false, verbose: .silent)
    for (one, other) in zip(accumulating.weights, fitting.weights) { expectIdentical(one, other) }
  }

  @Test("Blocks agree with the whole batch", arguments: [1, 5, 16, 63, 64, 100])
  func blocksAgreeWithTheWholeBatch(blockSize: Int) throws {
    for clipping in [Optimizer.Clipping.none, .globalNorm(0.02), .norm(0.01), .value(0.001)] {
      func fitted(_ blockSize: Int?) throws -> (Trainer, History) {
        let model = Sequential(
          [
            Embedding(inputDim: 11, outputDim: 5, maskZero: true), GRU(units: 6), Dense(units: 3, activation: .softmax),
          ],
          seed: 3)
        let trainer = try model.compile(
          loss: .sparseCategoricalCrossEntropy, optimizer: .sgd(learningRate: 0.1, clipping: clipping),
          metrics: [.accuracy])
        let history = try trainer.fit(
          Self.ids, Self.labels, batchSize: 64, blockSize: blockSize, epochs: 2, verbose: .silent)
        return (trainer, history)
      }
      let ((whole, wholeHistory), (blocks, history)) = (try fitted(nil), try fitted(blockSize))
      for (one, other) in zip(whole.weights, blocks.weights) { expectClose(one, other, relative: 1e-4) }
      #expect(history["accuracy"] == wholeHistory["accuracy"])
      let losses = zip(try #require(history["loss"]), try #require(wholeHistory["loss"]))
      for (one, other) in losses { #expect((one - other).magnitude < 1e-5) }
    }
  }

  @Test func dropoutGoesByTheRowInTheWholeBatch() throws {
    // The loss is the mean of what dropout left of ones: two halves of a batch drop what the batch drops.
    let models: [([any Layer], [Int])] = [
      ([Dropout(rate: 0.5), Dense(units: 1)], [6, 3]),
      ([TimeDistributed(Dropout(rate: 0.5)), Flatten(), Dense(units: 1)], [6, 2, 3]),
    ]
    for (layers, shape) in models {
      let trainer = try Sequential(layers).compile(
        loss: Loss("output") { _, predictions in predictions }, optimizer: .sgd())
      let x = Tensor.ones(shape)
      let y = Tensor.zeros([6])
      let whole = try trainer.gradients(x, y)
      let halves = [
        try trainer.gradients(x[0..<3], y[0..<3]), try trainer.gradients(x[3..<6], y[3..<6], firstRow: 3),
      ]
      let alone = try trainer.gradients(x[3..<6], y[3..<6])
      let sum = BatchGradients.sum(halves)
      #expect((sum.loss.sum - whole.loss.sum).magnitude < 1e-5 && sum.weight == 6)
      #expect(alone.loss.sum != halves[1].loss.sum)
    }
  }

  @Test func theTreeDependsOnTheNumberOfBlocksAlone() throws {
    let trainer = try Self.trainer()
    let parts = try (0..<7).map { part in
      let rows = part * 9..<(part + 1) * 9
      return try trainer.gradients(Self.ids[rows], Self.labels[rows], firstRow: rows.lowerBound)
    }
    let pairs = [(0, 1), (2, 3), (4, 5)].map { BatchGradients.sum([parts[$0.0], parts[$0.1]]) }
    let fours = BatchGradients.sum([pairs[0], pairs[1]])
    let byHand = BatchGradients.sum([fours, BatchGradients.sum([pairs[2], parts[6]])])
    let sum = BatchGradients.sum(parts)
    #expect(sum.metrics == byHand.metrics && sum.weight == 63)
    let (one, other) = (try Self.trainer(), try Self.trainer())
    try one.model.build(inputShape: [nil, 7])
    try other.model.build(inputShape: [nil, 7])
    try one.update(sum)
    try other.update(byHand)
    for (one, other) in zip(one.weights, other.weights) { expectIdentical(one, other) }
  }

  @Test func rowsThatDoNotCountChangeNothing() throws {
    let trainer = try Self.trainer()
    let nothing = Tensor.zeros([Self.rows])
    try trainer.model.build(inputShape: [nil, 7])
    let before = trainer.weights
    let gradients = try trainer.gradients(Self.ids, Self.labels, sampleWeights: nothing)
    #expect(gradients.weight == 0 && gradients.loss.sum == 0)
    let history = try trainer.fit(Self.ids, Self.labels, sampleWeights: nothing, verbose: .silent)
    #expect(history["loss"] == [0])
    for (one, other) in zip(before, trainer.weights) { expectIdentical(one, other) }
  }

  @Test func aBlockMayBeLargerThanAnyBatch() throws {
    let weights = try [Self.rows, .max].map { size -> [Tensor] in
      let trainer = try Self.trainer()
      try trainer.fit(Self.ids, Self.labels, batchSize: 24, blockSize: size, verbose: .silent)
      return trainer.weights
    }
    for (one, other) in zip(weights[0], weights[1]) { expectIdentical(one, other) }
  }

  @Test func badBlocksAreRefused() throws {
    let trainer = try Self.trainer()
    for size in [0, -3] {
      let error = #expect(throws: RecurraError.self) {
        try trainer.fit(Self.ids, Self.labels, blockSize: size, verbose: .silent)
      }
      #expect(error?.kind == .badArgument && error?.got == "\(size)")
    }
    #expect(throws: RecurraError.self) { try trainer.gradients(Self.ids, Self.labels, firstRow: -1) }
  }
}
