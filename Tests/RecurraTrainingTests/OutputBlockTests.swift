import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Blocks of a model of several outputs: each output's sum has a weight of its own.
@Suite struct OutputBlockTests {
  /// Tags for every timestep, and a score for the whole.
  static func trainer(_ optimizer: Optimizer = .sgd(learningRate: 0.3)) throws -> Trainer {
    let words = Input(shape: [nil])
    let read = GRU(units: 5, returnSequences: true)(Embedding(inputDim: 9, outputDim: 4, maskZero: true)(words))
    let tags = Dense(units: 3, activation: .softmax)(read, name: "tags")
    let score = Dense(units: 1)(LSTM(units: 4)(read), name: "score")
    return try Model(inputs: [words], outputs: [tags, score], seed: 5).compile(
      loss: [.sparseCategoricalCrossEntropy, .meanSquaredError], lossWeights: [0.7, 2], optimizer: optimizer,
      metrics: [[.accuracy], []])
  }

  /// Rows of 1 to 6 words, so that no two blocks have the same weight of tags.
  static let examples: Examples = {
    let ids = (0..<14 * 6).map { (place: Int) -> Int32 in
      place % 6 <= place / 6 * 5 % 6 ? Int32((place * 31 + place / 6) % 8 + 1) : 0
    }
    let tags = Tensor((0..<14 * 6).map { Int32($0 * $0 % 3) }, shape: [14, 6])
    let weights = Tensor((0..<14).map { Float($0 % 4) / 2 })
    return Examples(
      [Tensor(ids, shape: [14, 6])], [tags, .varied([14, 1], seed: 2, dtype: .float32)], sampleWeights: [nil, weights])
  }()

  private func part(_ rows: Range<Int>) -> Examples {
    let all = Self.examples
    return Examples(
      all.inputs.map { $0[rows] }, all.targets.map { $0[rows] }, sampleWeights: all.weights.map { $0.map { $0[rows] } })
  }

  @Test(arguments: [1, 3, 5, 14]) func blocksAgreeWithTheWholeBatch(_ blockSize: Int) throws {
    let (whole, blocks) = (try Self.trainer(), try Self.trainer())
    let wanted = try whole.fit(Self.examples, batchSize: 14, epochs: 2, verbose: .silent, seed: 1)
    let found = try blocks.fit(
      Self.examples, batchSize: 14, blockSize: blockSize, epochs: 2, verbose: .silent, seed: 1)
    for (one, other) in zip(blocks.weights, whole.weights) {
      expectClose(one, other, relative: 1e-4, absolute: 1e-5, toLargest: true)
    }
    #expect(found.names == wanted.names)
    for name in wanted.names {
      for (one, other) in zip(try #require(found[name]), try #require(wanted[name])) {
        #expect((one - other).magnitude < 1e-5, "\(name)")
      }
    }
  }

  @Test func gradientsOfPartsAddUpToTheBlocksOfABatch() throws {
    let (accumulating, fitting) = (
      try Self.trainer(.adam(learningRate: 0.02)), try Self.trainer(.adam(learningRate: 0.02))
    )
    let parts = try [0..<5, 5..<10, 10..<14].map {
      try accumulating.gradients(part($0), firstRow: $0.lowerBound)
    }
    let sum = BatchGradients.sum(parts)
    #expect(sum.weight == 14)
    try accumulating.update(sum)
    try fitting.fit(Self.examples, batchSize: 14, blockSize: 5, shuffle: false, verbose: .silent)
    for (one, other) in zip(accumulating.weights, fitting.weights) { expectIdentical(one, other) }
  }

  @Test func anOutputOfWhichNothingCountsSaysNothing() throws {
    var examples = Self.examples
    examples.weights = [nil, Tensor.zeros([14])]
    let (trainer, twin) = (try Self.trainer(), try Self.trainer())
    try trainer.update(trainer.gradients(examples))
    try twin.trainBatch(examples)
    for (one, other) in zip(trainer.weights, twin.weights) {
      expectClose(one, other, relative: 1e-5, absolute: 1e-6, toLargest: true)
    }
    #expect(trainer.weights.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
  }
}
