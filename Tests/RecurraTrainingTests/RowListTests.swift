import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Rows of different lengths, with lengths or as a list: each is as if it stood alone, through every layer.
@Suite struct RowListTests {
  static let (rows, timesteps, inputs) = (5, 9, 3)
  static let lengths = [9, 2, 6, 1, 4]
  static let x = Tensor.varied([rows, timesteps, inputs], seed: 8, dtype: .float32)
  static let list = lengths.enumerated().map { row, length in x[row][0..<length] }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let layers: @Sendable () -> [any Layer]
    /// The timesteps that come of some; nil for one answer.
    let ends: (@Sendable (Int) -> Int)?
  }

  static let cases = [
    Case(
      testDescription: "a label for each timestep",
      layers: { [Bidirectional(LSTM(units: 4, returnSequences: true)), Dense(units: 2)] }, ends: { $0 }),
    Case(
      testDescription: "convolutions and pooling",
      layers: {
        [
          Conv1D(filters: 4, kernelSize: 3, padding: .same), MaxPooling1D(poolSize: 2, padding: .same),
          GroupNormalization(groups: 2), ZeroPadding1D(padding: [1, 2]), GRU(units: 3, returnSequences: true),
          AveragePooling1D(poolSize: 3, strides: 1, padding: .same), UpSampling1D(size: 2), Dense(units: 2),
        ]
      }, ends: { (($0 + 1) / 2 + 3) * 2 }),
    Case(
      testDescription: "backwards, one behind the other",
      layers: {
        [
          LSTM(units: 4, returnSequences: true, goBackwards: true), Conv1D(filters: 3, kernelSize: 2, padding: .causal),
          GRU(units: 2, returnSequences: true, goBackwards: true),
        ]
      }, ends: { $0 }),
    Case(
      testDescription: "the largest of a row",
      layers: { [SimpleRNN(units: 4, returnSequences: true), GlobalMaxPooling1D(), Dense(units: 2)] }, ends: nil),
    Case(
      testDescription: "the last output behind a separable convolution",
      layers: { [SeparableConv1D(filters: 3, kernelSize: 2, padding: .same), Dense(units: 4), LSTM(units: 2)] },
      ends: nil),
    Case(
      testDescription: "another shape",
      layers: { [Dense(units: 4), Reshape(targetShape: [-1, 2]), GRU(units: 3, returnSequences: true)] },
      ends: { $0 * 2 }),
  ]

  static func model(_ test: Case) throws -> Sequential {
    let model = Sequential(test.layers(), seed: 5)
    try model.build(inputShape: [nil, nil, inputs])
    return model
  }

  @Test(arguments: cases) func aRowsAnswerIsThatOfTheRowAlone(_ test: Case) throws {
    let model = try Self.model(test)
    let counts = SequenceMask.lengths(Self.lengths).tensor(rows: Self.rows, timesteps: Self.timesteps, dtype: .int32)
    let stained = Tensor.select(counts.expanded(at: 2), Self.x, Tensor(.nan, dtype: .float32))
    let found = try model.predict(stained, lengths: Self.lengths, batchSize: 2)
    let whole = try model.predict(Self.x)
    expectIdentical(found, try model(stained, lengths: Self.lengths))
    let list = try model.predict(rows: Self.list, batchSize: 3)
    for row in 0..<Self.rows {
      let alone = try model.predict(Self.list[row].expanded(at: 0))[0]
      expectClose(list[row], alone, relative: 1e-6, absolute: 1e-6, "row \(row)")
      guard let ends = test.ends else {
        expectIdentical(found[row], list[row])
        continue
      }
      let end = ends(Self.lengths[row])
      #expect(list[row].shape == alone.shape && alone.shape[0] == end && found.shape[1] == ends(Self.timesteps))
      expectIdentical(found[row][0..<end], list[row])
      #expect(found[row][end..<found.shape[1]].doubles.allSatisfy { $0 == 0 }, "row \(row) behind its end")
    }
    // Without lengths nothing is 0.
    if test.ends != nil { #expect(whole[1][whole.shape[1] - 1].doubles.contains { $0 != 0 }) }
  }

  static func trainer(_ test: Case) throws -> Trainer {
    try model(test).compile(loss: .meanSquaredError, metrics: [.meanAbsoluteError])
  }

  @Test(arguments: cases) func aListIsTrainedOnAsItsLengthsAre(_ test: Case) throws {
    let model = try Self.model(test)
    let shape = try model.predict(Self.x).shape
    let y = Tensor.varied(shape, seed: 9, dtype: .float32)
    let (one, other) = (try Self.trainer(test), try Self.trainer(test))
    let wanted = try other.fit(Self.x, y, lengths: Self.lengths, batchSize: 2, epochs: 2, verbose: .silent)
    let found: History
    if let ends = test.ends {
      let targets = Self.lengths.enumerated().map { row, length in y[row][0..<ends(length)] }
      found = try one.fit(rows: Self.list, targets, batchSize: 2, epochs: 2, verbose: .silent)
      #expect(
        try one.evaluate(rows: Self.list, targets, verbose: .silent)
          == other.evaluate(Self.x, y, lengths: Self.lengths, verbose: .silent))
      // The targets of a shorter row.
      var short = targets
      short[2] = short[1]
      for body in [
        { _ = try one.fit(rows: Self.list, short, verbose: .silent) },
        { _ = try one.evaluate(rows: Self.list, short, verbose: .silent) },
      ] as [() throws -> Void] {
        let error = #expect(throws: RecurraError.self, performing: body)
        #expect(error?.expected == "\(ends(6)) timesteps in target 2, as the output has" && error?.got == "\(ends(2))")
      }
    } else {
      found = try one.fit(rows: Self.list, y, batchSize: 2, epochs: 2, verbose: .silent)
      #expect(
        try one.evaluate(rows: Self.list, y, verbose: .silent)
          == other.evaluate(Self.x, y, lengths: Self.lengths, verbose: .silent))
      let apart = try Self.trainer(test)
      let list = (0..<Self.rows).map { y[$0] }
      #expect(
        try apart.fit(rows: Self.list, list, batchSize: 2, epochs: 2, verbose: .silent)["loss"] == wanted["loss"])
    }
    #expect(found["loss"] == wanted["loss"])
    for (one, other) in zip(one.weights, other.weights) { expectIdentical(one, other) }
    for (one, other) in zip(
      try one.predict(rows: Self.list), try other.model.predict(rows: Self.list))
    { expectIdentical(one, other) }
  }

  /// The rows of the output end elsewhere than those of the input.
  @Test(arguments: cases.filter { $0.ends != nil }) func targetsBehindARowsEndAreNotLookedAt(_ test: Case) throws {
    let ends = try #require(test.ends)
    let shape = try Self.model(test).predict(Self.x).shape
    let y = Tensor.varied(shape, seed: 9, dtype: .float32)
    let mask = SequenceMask.lengths(Self.lengths.map { ends($0) })
    let counts = mask.tensor(rows: Self.rows, timesteps: shape[1], dtype: .int32).expanded(at: 2)
    let (clean, dirty) = (try Self.trainer(test), try Self.trainer(test))
    let stained = Tensor.select(counts, y, Tensor(.nan, dtype: .float32))
    func fit(_ trainer: Trainer, _ y: Tensor) throws -> [Double]? {
      try trainer.fit(Self.x, y, lengths: Self.lengths, batchSize: 2, verbose: .silent)["loss"]
    }
    #expect(try fit(clean, y) == fit(dirty, stained))
    for (one, other) in zip(clean.weights, dirty.weights) { expectIdentical(one, other) }
    #expect(
      try clean.evaluate(Self.x, y, lengths: Self.lengths, verbose: .silent)
        == dirty.evaluate(Self.x, stained, lengths: Self.lengths, verbose: .silent))
    // One in front of it is.
    var numbers = y.scalars(as: Float.self)
    numbers[(shape[1] + ends(2) - 1) * shape[2]] = .nan
    let error = #expect(throws: RecurraError.self) { try fit(clean, Tensor(numbers, shape: shape)) }
    #expect(error?.kind == .badData && error?.got == "nan in row 1, timestep \(ends(2) - 1)")
  }

  /// Each row has as many answers as any other: none of its own length is behind its end.
  @Test func anOutputOfOneLengthHasNoEnds() throws {
    let model = Sequential(seed: 5) {
      LSTM(units: 3)
      RepeatVector(4)
      GRU(units: 2, returnSequences: true)
    }
    let trainer = try model.compile(loss: .meanSquaredError)
    var y = [Float](repeating: 0.5, count: 5 * 4 * 2)
    try trainer.fit(Self.x, Tensor(y, shape: [5, 4, 2]), lengths: [9, 0, 6, 1, 4], verbose: .silent)
    y[15] = .nan
    #expect(throws: RecurraError.self) {
      try trainer.fit(Self.x, Tensor(y, shape: [5, 4, 2]), lengths: [9, 0, 6, 1, 4], verbose: .silent)
    }
    #expect(try trainer.predict(rows: Self.list).map(\.shape) == .init(repeating: [4, 2], count: 5))
  }

  @Test func idsAndLabelsComeAsListsToo() throws {
    let model = Sequential(seed: 2) {
      Embedding(inputDim: 7, outputDim: 3)
      LSTM(units: 4, returnSequences: true)
      Dense(units: 3, activation: .softmax)
    }
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, metrics: [.accuracy])
    let rows = [Tensor([Int32(1), 6, 0]), Tensor([Int32(4)]), Tensor([Int32(2), 2])]
    let labels = [Tensor([Int32(0), 2, 1]), Tensor([Int32(1)]), Tensor([Int32(2), 0])]
    try trainer.fit(rows: rows, labels, epochs: 2, verbose: .silent)
    let answers = try trainer.predict(rows: rows)
    #expect(answers.map(\.shape) == [[3, 3], [1, 3], [2, 3]])
    let whole = Sequential(seed: 2) {
      Embedding(inputDim: 7, outputDim: 3)
      LSTM(units: 4)
      Dense(units: 1)
    }
    let numbers = try whole.compile(loss: .meanSquaredError)
    // One number to a row.
    let targets = [Tensor(1), Tensor(0), Tensor(-1)]
    let scalars = try numbers.fit(rows: rows, targets, verbose: .silent)
    #expect(scalars["loss"]?.count == 1)
    #expect(try numbers.predict(rows: rows).map(\.shape) == [[1], [1], [1]])
  }

  @Test func listsThatDoNotFitAreRefused() throws {
    let trainer = try Self.trainer(Self.cases[0])
    let y = Tensor.zeros([5, 9, 2])
    func expect(_ expected: String, _ got: String, _ rows: [Tensor], _ y: Tensor = y) {
      for body in [
        { _ = try trainer.fit(rows: rows, y, verbose: .silent) },
        { _ = try trainer.evaluate(rows: rows, y, verbose: .silent) }, { _ = try trainer.predict(rows: rows) },
      ] as [() throws -> Void] {
        let error = #expect(throws: RecurraError.self, performing: body)
        #expect(error?.kind == .badData && error?.expected == expected && error?.got == got, "\(error as Any)")
      }
    }
    var rows = Self.list
    expect("at least one sequence, with an axis of timesteps", "none", [])
    rows[1] = .zeros([2, 4])
    expect("sequences of float32 [T, 3], as sequence 0", "float32 [2, 4] in sequence 1", rows)
    rows[1] = .zeros([2, 3], dtype: .float64)
    expect("sequences of float32 [T, 3], as sequence 0", "float64 [2, 3] in sequence 1", rows)
    rows[1] = .zeros([2])
    expect("sequences of float32 [T, 3], as sequence 0", "float32 [2] in sequence 1", rows)
    #expect(throws: RecurraError.self) { try trainer.predict(rows: [.zeros([4, 2])]) }
    #expect(throws: RecurraError.self) { try trainer.predict(rows: [.zeros([0, 3])]) }
    #expect(throws: RecurraError.self) { try trainer.fit(rows: Self.list, [y[0]], verbose: .silent) }
    #expect(throws: RecurraError.self) { try trainer.fit(rows: Self.list, y[0..<4], verbose: .silent) }
    // A row of no timesteps has an answer of none.
    let some = try trainer.predict(rows: [.zeros([0, 3]), .ones([2, 3])])
    #expect(some.map(\.shape) == [[0, 2], [2, 2]])
  }

  /// Keras' mask ends at a convolution, and every timestep behind counts in loss and metrics.
  @Test func aMaskOfStepsGoesAsFarAsKerasLetsIt() throws {
    let steps = (0..<5).map { row in (0..<9).map { ($0 * 3 + row) % 4 != 0 } }
    let mask = try SequenceMask(steps: steps)
    let y = Tensor.varied([5, 9, 2], seed: 4, dtype: .float32)
    let dropping = try Sequential([Conv1D(filters: 2, kernelSize: 3, padding: .same)], seed: 3)
      .compile(loss: .meanSquaredError)
    #expect(
      try dropping.evaluate(Self.x, y, mask: mask, verbose: .silent) == dropping.evaluate(Self.x, y, verbose: .silent))
    expectIdentical(try dropping.predict(Self.x, mask: mask), try dropping.predict(Self.x))
    let passing = try Sequential([Dense(units: 2)], seed: 3).compile(loss: .meanSquaredError)
    let masked = try passing.evaluate(Self.x, y, mask: mask, verbose: .silent)
    #expect(try masked != passing.evaluate(Self.x, y, verbose: .silent))
    // What is masked has an answer, as in Keras.
    expectIdentical(try passing.predict(Self.x, mask: mask), try passing.predict(Self.x))
    // Targets that no mask leaves out are looked at.
    let labels = Tensor((0..<45).map { Int32(steps[$0 / 9][$0 % 9] ? 1 : 7) }, shape: [5, 9])
    let classes: [@Sendable () -> [any Layer]] = [
      { [Dense(units: 2, activation: .softmax)] }, { [Conv1D(filters: 2, kernelSize: 1), ActivationLayer(.softmax)] },
    ]
    for (index, layers) in classes.enumerated() {
      let trainer = try Sequential(layers(), seed: 3).compile(loss: .sparseCategoricalCrossEntropy)
      func fit() throws { try trainer.fit(Self.x, labels, mask: mask, verbose: .silent) }
      if index == 0 {
        try fit()
      } else {
        let error = #expect(throws: RecurraError.self) { try fit() }
        #expect(error?.kind == .badData && error?.expected == "labels in 0..<2")
      }
    }
  }

  @Test func whatLiesBehindALengthCostsNothing() throws {
    func loss(_ x: Tensor, _ y: Tensor, _ lengths: [Int]?) throws -> Double? {
      let model = Sequential(seed: 4) {
        LSTM(units: 3, returnSequences: true)
        ActivityRegularization(l2: 0.5)
        Dense(units: 2)
      }
      return try model.compile(loss: .meanSquaredError).evaluate(x, y, lengths: lengths, verbose: .silent)["loss"]
    }
    let y = Tensor.varied([1, 9, 2], seed: 4, dtype: .float32)
    let padded = try #require(try loss(Self.x[2..<3], y, [6]))
    let alone = try #require(
      try loss(Self.x[2..<3].sliced(0..<6, axis: 1), y.sliced(0..<6, axis: 1), nil))
    #expect((padded - alone).magnitude < 1e-6)
  }

  @Test func masksOfAnotherShapeAreRefusedEverywhere() throws {
    let trainer = try Self.trainer(Self.cases[0])
    let y = Tensor.zeros([5, 9, 2])
    for (mask, expected) in [
      (try SequenceMask(steps: .ones([5, 8])), "a mask [5, 9]"),
      (try SequenceMask(steps: .zeros([4, 9])), "a mask [5, 9]"),
      (.lengths([9, 2, 6, 1]), "as many lengths as rows in x, 5"), (.lengths([9, 2, 6, 1, 10]), "lengths in 0…9"),
      (.lengths([9, 2, -1, 1, 1]), "lengths in 0…9"),
    ] {
      for body in [
        { _ = try trainer.fit(Self.x, y, mask: mask, verbose: .silent) },
        { _ = try trainer.fit(Examples(Self.x, y), validationData: Examples(Self.x, y, mask: mask), verbose: .silent) },
        { _ = try trainer.evaluate(Self.x, y, mask: mask, verbose: .silent) },
        { _ = try trainer.trainBatch(Self.x, y, mask: mask) }, { _ = try trainer.gradients(Self.x, y, mask: mask) },
        { _ = try trainer.predict(Self.x, mask: mask) },
      ] as [() throws -> Void] {
        let error = #expect(throws: RecurraError.self, performing: body)
        #expect(error?.kind == .badData && error?.expected == expected, "\(error as Any)")
      }
    }
  }
}
