import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Rows of several lengths in every call that takes them: what lies behind a length changes no bit of anything, lengths
/// and weights are lost nowhere.
@Suite struct PaddedDataTests {
  /// Nine rows of up to six timesteps, some of none and some full.
  static let lengths = [6, 2, 0, 4, 1, 5, 3, 6, 2]
  static let (rows, timesteps) = (9, 6)

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let layers: @Sendable () -> [any Layer]
    let loss: Loss
    let x: Tensor
    /// The same in front of the lengths, and what would be refused or change everything behind them.
    let dirtyX: Tensor
    let y: Tensor
    let dirtyY: Tensor
    /// Whether there is a prediction for each timestep.
    let hasTimesteps: Bool
  }

  /// `x` with the numbers `dirt` in turn behind the lengths.
  static func dirty(_ x: Tensor, _ dirt: [Double]) -> Tensor {
    let width = x.count / (rows * timesteps)
    var numbers = x.doubles
    for i in numbers.indices where i / width % timesteps >= lengths[i / width / timesteps] {
      numbers[i] = dirt[i % dirt.count]
    }
    let values = Tensor(numbers, shape: x.shape)
    return values.converted(to: x.dtype)
  }

  static let features = Tensor.varied([rows, timesteps, 3], seed: 71, dtype: .float32)
  static let ids = Tensor((0..<Int32(rows * timesteps)).map { $0 * 7 % 10 + 1 }, shape: [rows, timesteps])
  static let labels = Tensor((0..<Int32(rows * timesteps)).map { $0 * $0 % 3 }, shape: [rows, timesteps])
  static let pairs = Tensor((0..<Int32(rows * timesteps * 2)).map { $0 * $0 % 3 }, shape: [rows, timesteps, 2])
  static let values = Tensor.varied([rows, timesteps, 2], seed: 72, dtype: .float32)
  static let ends = Tensor.varied([rows, 2], seed: 73, dtype: .float32)
  static let none: [Double] = [.nan, .infinity, -.infinity, 1e30]

  static let cases = [
    Case(
      testDescription: "a label for each timestep",
      layers: { [LSTM(units: 5, returnSequences: true), Dense(units: 3, activation: .softmax)] },
      loss: .sparseCategoricalCrossEntropy, x: features, dirtyX: dirty(features, none), y: labels,
      dirtyY: dirty(labels, [-7, 99, -100]), hasTimesteps: true),
    Case(
      testDescription: "numbers for each timestep",
      layers: { [Bidirectional(GRU(units: 4, returnSequences: true)), Dropout(rate: 0.3), Dense(units: 2)] },
      loss: .meanSquaredError, x: features, dirtyX: dirty(features, none), y: values, dirtyY: dirty(values, none),
      hasTimesteps: true),
    Case(
      testDescription: "one answer for a sequence",
      layers: { [GRU(units: 4, returnSequences: true), Bidirectional(LSTM(units: 3)), Dense(units: 2)] },
      loss: .huber(delta: 0.5), x: features, dirtyX: dirty(features, none), y: ends, dirtyY: ends, hasTimesteps: false),
    Case(
      testDescription: "ids without an id for padding",
      layers: { [Embedding(inputDim: 11, outputDim: 4), SimpleRNN(units: 5), Dense(units: 2)] },
      loss: .meanAbsoluteError, x: ids, dirtyX: dirty(ids, [-1, 11, 1_000_000, 0, 3]), y: ends, dirtyY: ends,
      hasTimesteps: false),
    Case(
      testDescription: "ids with an id for padding",
      layers: { [Embedding(inputDim: 11, outputDim: 4, maskZero: true), LSTM(units: 5), Dense(units: 2)] },
      loss: .meanSquaredError, x: ids, dirtyX: dirty(ids, [-1, 3, 0, 99]), y: ends, dirtyY: ends, hasTimesteps: false),
    Case(
      testDescription: "a loss of one's own with one value a row",
      layers: { [GRU(units: 4, returnSequences: true), Dense(units: 2)] },
      loss: Loss("row") { ($1 - $0).squared.mean(axes: [2]) }, x: features, dirtyX: dirty(features, none), y: values,
      dirtyY: dirty(values, none), hasTimesteps: true),
    Case(
      testDescription: "predictions with four axes",
      layers: { [LSTM(units: 4, returnSequences: true), Dense(units: 6), Fold(), ActivationLayer(.softmax)] },
      loss: .sparseCategoricalCrossEntropy, x: features, dirtyX: dirty(features, none), y: pairs,
      dirtyY: dirty(pairs, [-7, 99, -100]), hasTimesteps: true),
    Case(
      testDescription: "four axes in front of no recurrent layer",
      layers: { [Dense(units: 4, activation: .tanh), Dense(units: 1)] },
      loss: .meanSquaredError, x: Tensor.varied([rows, timesteps, 2, 3], seed: 74, dtype: .float32),
      dirtyX: dirty(.varied([rows, timesteps, 2, 3], seed: 74, dtype: .float32), none),
      y: Tensor.varied([rows, timesteps, 2, 1], seed: 75, dtype: .float32),
      dirtyY: dirty(.varied([rows, timesteps, 2, 1], seed: 75, dtype: .float32), none), hasTimesteps: true),
  ]

  /// Sample weights, with nothing that may be read behind the lengths where there is one to a timestep.
  static func weights(_ test: Case, isDirty: Bool) -> Tensor {
    guard test.hasTimesteps else { return .varied([rows], seed: 76, in: 0.25...4, dtype: .float32) }
    let weights = Tensor.varied([rows, timesteps], seed: 76, in: 0.25...4, dtype: .float32)
    return isDirty ? dirty(weights, [.nan, -1, .infinity]) : weights
  }

  static func trainer(_ test: Case, _ optimizer: Optimizer = .adam(learningRate: 0.02)) throws -> Trainer {
    try Sequential(test.layers(), seed: 5).compile(
      loss: test.loss, optimizer: optimizer, metrics: [Metric("own") { ($1 - $0.reshaped([-1])[0]).abs() }])
  }

  /// What every call that takes lengths and weights gives.
  static func results(
    _ test: Case, isDirty: Bool = false, hasLengths: Bool = true, hasWeights: Bool = true
  ) throws -> [String: [Double]] {
    let (x, y) = isDirty ? (test.dirtyX, test.dirtyY) : (test.x, test.y)
    let lengths = hasLengths ? Self.lengths : nil
    let weights = hasWeights ? Self.weights(test, isDirty: isDirty) : nil
    var results: [String: [Double]] = [:]
    func note(_ name: String, _ logs: Logs? = nil, _ trainer: Trainer? = nil) {
      results[name] = (logs.map { $0.map(\.1) } ?? []) + (trainer?.weights ?? []).flatMap(\.doubles)
    }
    let predicted = try trainer(test).predict(x, lengths: lengths, batchSize: 4)
    // Behind a length there may be a prediction from whatever stands there.
    results["predict"] = (test.hasTimesteps ? dirty(predicted, [0]) : predicted).doubles
    note(
      "evaluate",
      try trainer(test).evaluate(
        x, y, lengths: lengths, sampleWeights: weights, batchSize: 4, verbose: .silent))
    let stepping = try trainer(test)
    note("trainBatch", try stepping.trainBatch(x, y, lengths: lengths, sampleWeights: weights), stepping)
    let summing = try trainer(test)
    let gradients = try summing.gradients(x, y, lengths: lengths, sampleWeights: weights)
    try summing.update(gradients)
    note("gradients", nil, summing)
    results["gradients"]?.append(gradients.loss.mean)
    for blockSize in [nil, 2] {
      let fitting = try trainer(test)
      let history = try fitting.fit(
        x, y, lengths: lengths, sampleWeights: weights, batchSize: 4, blockSize: blockSize, epochs: 2, verbose: .silent)
      note("fit in blocks of \(blockSize ?? 0)", nil, fitting)
      results["history of blocks of \(blockSize ?? 0)"] = history["loss"]
    }
    // Weights that stay, so that only the validation's own data tell.
    let last = 6..<9
    for name in ["data", "split"] {
      let still = try trainer(test, .sgd(learningRate: 0))
      let validation = Examples(
        x[last], y[last], lengths: lengths.map { Array($0[last]) }, sampleWeights: weights.map { $0[last] })
      let history = try still.fit(
        x, y, lengths: lengths, sampleWeights: weights, batchSize: 2, validationSplit: name == "split" ? 0.33 : 0,
        validationData: name == "data" ? validation : nil, verbose: .silent)
      results["validation \(name)"] = try #require(history["val_loss"]) + #require(history["val_own"])
    }
    return results
  }

  static func expectSame(_ one: [String: [Double]], _ other: [String: [Double]]) {
    #expect(one.count == other.count && one.count == 10)
    for (name, numbers) in one {
      #expect(numbers.allSatisfy { $0.isFinite }, "\(name)")
      #expect(numbers == other[name], "\(name)")
    }
  }

  @Test(arguments: cases) func whatLiesBehindALengthChangesNoBit(test: Case) throws {
    Self.expectSame(try Self.results(test), try Self.results(test, isDirty: true))
    Self.expectSame(
      try Self.results(test, hasWeights: false), try Self.results(test, isDirty: true, hasWeights: false))
  }

  @Test(arguments: cases) func noCallLosesLengthsOrWeights(test: Case) throws {
    let whole = try Self.results(test)
    #expect(whole["validation data"] == whole["validation split"])
    let (withoutLengths, withoutWeights) = (
      try Self.results(test, hasLengths: false), try Self.results(test, hasWeights: false)
    )
    for (name, numbers) in whole {
      #expect(withoutWeights[name] != numbers || name == "predict", "\(name) without weights")
      // Who reads forward knows nothing of what comes; the second case reads both ways.
      if name == "predict", test.hasTimesteps, test.testDescription != Self.cases[1].testDescription { continue }
      #expect(withoutLengths[name] != numbers, "\(name) without lengths")
    }
  }

  @Test func lengthsAndAnIdForPaddingBothHold() throws {
    let test = Self.cases[4]
    // Ids that end before their lengths in some rows and behind them in others.
    let ends = [6, 3, 2, 2, 1, 6, 3, 4, 0]
    func cut(_ ends: [Int]) -> Tensor {
      var numbers = Self.ids.scalars(as: Int32.self)
      for i in numbers.indices where i % Self.timesteps >= ends[i / Self.timesteps] { numbers[i] = 0 }
      return Tensor(numbers, shape: Self.ids.shape)
    }
    let both = zip(ends, Self.lengths).map { min($0, $1) }
    func results(_ ids: Tensor, _ lengths: [Int]?) throws -> [Double] {
      let trainer = try Self.trainer(test)
      let logs = try trainer.trainBatch(ids, test.y, lengths: lengths)
      let history = try trainer.fit(ids, test.y, lengths: lengths, batchSize: 4, verbose: .silent)
      let later = try trainer.evaluate(ids, test.y, lengths: lengths, verbose: .silent)
      return try [logs.loss, history["loss"]?.first, later.loss].map { try #require($0) }
        + trainer.predict(ids, lengths: lengths).doubles
    }
    let wanted = try results(cut(both), nil)
    #expect(try results(cut(ends), Self.lengths) == wanted)
    #expect(try results(cut(both), both) == wanted)
    #expect(try results(cut(ends), nil) != wanted)
    #expect(try results(Self.ids, Self.lengths) != wanted)
  }

  @Test func lengthsAreNotThoseOfTargetsWithoutTimesteps() throws {
    // Two numbers to answer for a sequence are no two timesteps, however short the sequence is.
    let test = Self.cases[2]
    var numbers = Self.ends.doubles
    numbers[2 * 4 + 1] = .nan
    let y = Tensor(numbers, shape: Self.ends.shape).converted(to: .float32)
    for call in ["fit", "evaluate", "trainBatch"] {
      let error = #expect(throws: RecurraError.self) {
        let trainer = try Self.trainer(test)
        switch call {
        case "fit": try trainer.fit(test.x, y, lengths: Self.lengths, verbose: .silent)
        case "evaluate": try trainer.evaluate(test.x, y, lengths: Self.lengths, verbose: .silent)
        default: try trainer.trainBatch(test.x, y, lengths: Self.lengths)
        }
      }
      #expect(error?.kind == .badData && error?.got == "nan in row 4")
    }
  }

  @Test func rowsOfNoTimestepAtAllAreAnswered() throws {
    for test in Self.cases {
      let found = try Self.trainer(test).predict(test.dirtyX, lengths: [Int](repeating: 0, count: 9))
      #expect(found.isAllFinite && found.shape[0] == 9, "\(test.testDescription)")
    }
  }
}
