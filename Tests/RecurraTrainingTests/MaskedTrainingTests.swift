import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Training with masks that have holes: what is masked reaches neither loss nor gradient.
@Suite struct MaskedTrainingTests {
  static let steps: [[Bool]] = (0..<12).map { row in (0..<6).map { (row * 5 + $0 * $0 * 3 + $0) % 4 != 0 } }
  static let x = Tensor.varied([12, 6, 3], seed: 1, dtype: .float32)
  static let labels = Tensor((0..<72).map { Int32($0 * 7 % 3) }, shape: [12, 6])

  static func flags(_ dtype: DType = .int32) throws -> Tensor {
    try SequenceMask(steps: steps).tensor(rows: 12, timesteps: 6, dtype: dtype)
  }

  /// The data with a number wherever nothing counts.
  static func stained(_ number: Double) throws -> Tensor {
    .select(try flags().expanded(at: 2), x, Tensor(number, dtype: .float32))
  }

  /// Every row's timesteps that count, moved to its front.
  static func compacted() -> (x: Tensor, labels: Tensor, lengths: [Int]) {
    let order = steps.map { row in row.indices.filter { row[$0] } + row.indices.filter { !row[$0] } }
    let rows = order.enumerated().map { row, steps in
      Tensor.stacked(steps.map { x[row][$0] })
    }
    let targets = order.enumerated().flatMap { row, steps in steps.map { Int32(labels[row][$0].item) } }
    return (.stacked(rows), Tensor(targets, shape: [12, 6]), steps.map { $0.count { $0 } })
  }

  static func trainer(sequences: Bool) throws -> Trainer {
    let model = Sequential(seed: 4) {
      Dense(units: 4, activation: .tanh)
      Bidirectional(LSTM(units: 3, returnSequences: sequences))
      Dense(units: 3, activation: .softmax)
    }
    return try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.02), metrics: [.accuracy])
  }

  @Test(arguments: [true, false]) func holesAreAsIfTheyWereNotThere(_ sequences: Bool) throws {
    let (masked, plain) = (try Self.trainer(sequences: sequences), try Self.trainer(sequences: sequences))
    let compact = Self.compacted()
    func targets(_ labels: Tensor) -> Tensor { sequences ? labels : Tensor((0..<12).map { Int32($0 % 3) }) }
    let mask = try SequenceMask(steps: Self.steps)
    for _ in 0..<3 {
      let found = try masked.trainBatch(
        Examples(try Self.stained(.nan), targets(Self.labels), mask: mask))
      let wanted = try plain.trainBatch(compact.x, targets(compact.labels), lengths: compact.lengths)
      for name in ["loss", "accuracy"] {
        #expect((try #require(found[name]) - (try #require(wanted[name]))).magnitude < 1e-5)
      }
    }
    for (found, wanted) in zip(masked.weights, plain.weights) {
      expectClose(found, wanted, relative: 1e-3, absolute: 1e-4, toLargest: true)
    }
    let outputs = try masked.model.predict(try Self.stained(.nan), mask: mask, batchSize: 5)
    #expect(outputs.doubles.allSatisfy { $0.isFinite })
  }

  @Test func aMaskIsAnArgumentAsLengthsAre() throws {
    let mask = try SequenceMask(steps: Self.steps)
    let lengths = (0..<12).map { 2 + $0 % 5 }
    let both = try mask.intersection(.lengths(lengths))
    #expect(both != mask)
    for (given, whole) in [(nil, mask), (lengths, both)] as [([Int]?, SequenceMask)] {
      let (one, other) = (try Self.trainer(sequences: true), try Self.trainer(sequences: true))
      let examples = Examples(Self.x, Self.labels, mask: whole)
      let first = try one.fit(
        Self.x, Self.labels, lengths: given, mask: mask, batchSize: 5, verbose: .silent, seed: 3)
      let second = try other.fit(examples, batchSize: 5, verbose: .silent, seed: 3)
      #expect(first["loss"] == second["loss"])
      #expect(
        try one.trainBatch(Self.x, Self.labels, lengths: given, mask: mask)["loss"]
          == other.trainBatch(examples)["loss"])
      #expect(
        try one.gradients(Self.x, Self.labels, lengths: given, mask: mask).loss == other.gradients(examples).loss)
      #expect(
        try one.evaluate(Self.x, Self.labels, lengths: given, mask: mask, verbose: .silent)["accuracy"]
          == other.evaluate(examples, verbose: .silent)["accuracy"])
      for (found, wanted) in zip(one.weights, other.weights) { expectIdentical(found, wanted) }
      let wanted = try other.model.predict([Self.x], masks: [whole])[0]
      expectIdentical(try one.predict(Self.x, lengths: given, mask: mask), wanted)
      expectIdentical(try one.model(Self.x, lengths: given, mask: mask), wanted)
      expectIdentical(try one.predict([Self.x], masks: [whole])[0], wanted)
    }
    let short = try SequenceMask(steps: [[true, false, true]])
    #expect(throws: RecurraError.self) { try Self.trainer(sequences: true).model.predict(Self.x, mask: short) }
    #expect(throws: RecurraError.self) {
      try Self.trainer(sequences: true).fit(Self.x, Self.labels, lengths: lengths, mask: short, verbose: .silent)
    }
  }

  @Test func whatIsMaskedChangesNoBit() throws {
    var weights: [[Tensor]] = []
    let mask = try SequenceMask(steps: Self.steps)
    for stain in [0.25, .nan, .infinity] {
      let trainer = try Self.trainer(sequences: true)
      let history = try trainer.fit(
        Examples(try Self.stained(stain), Self.labels, mask: mask), batchSize: 5, epochs: 2, validationSplit: 0.25,
        verbose: .silent, seed: 1)
      // The rows that were kept back have the last masks.
      let last = Examples(try Self.stained(stain)[9..<12], Self.labels[9..<12], mask: mask.rows(9..<12))
      let logs = try trainer.evaluate(last, verbose: .silent)
      #expect((try #require(history["val_loss"]?.last) - (try #require(logs["loss"]))).magnitude < 1e-6)
      weights.append(trainer.weights)
    }
    // A finite number is read by the dense layer, but nothing of it gets past the next one.
    for other in weights.dropFirst() {
      for (found, wanted) in zip(other, weights[0]) { expectIdentical(found, wanted) }
    }
  }

  @Test func masksOfOtherShapesAreRefused() throws {
    let trainer = try Self.trainer(sequences: true)
    let short = try SequenceMask(steps: [[true, false, true]])
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(Examples(Self.x, Self.labels, mask: short), verbose: .silent)
    }
    #expect(error?.description == "fit: expected a mask [12, 6], got [1, 3]")
    #expect(throws: RecurraError.self) {
      try trainer.evaluate(Examples([Self.x], [Self.labels], masks: []), verbose: .silent)
    }
  }
}
