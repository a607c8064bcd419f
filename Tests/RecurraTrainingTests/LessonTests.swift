import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// The lesson's program: Embedding, a cell of 100 units, Dense(10, relu), Dense(6, softmax), trained as Keras trains
/// it.
@Suite struct LessonTests {
  static func trainer(_ cell: String, _ reference: Fixture, masked: Bool = false) throws -> Trainer {
    let recurrent: any Layer =
      switch cell {
      case "simple_rnn": SimpleRNN(units: 100)
      case "gru": GRU(units: 100)
      case "lstm": LSTM(units: 100)
      default: Bidirectional(LSTM(units: 100))
      }
    let model = Sequential([
      Embedding(inputDim: 30, outputDim: 60, maskZero: masked), recurrent, Dense(units: 10, activation: .relu),
      Dense(units: 6, activation: .softmax),
    ])
    try model.build(inputShape: [nil, nil])
    var names = ["embedding", "kernel", "recurrent_kernel", "bias"]
    if cell == "bidirectional" { names += ["kernel", "recurrent_kernel", "bias"].map { "backward_" + $0 } }
    names += ["dense_kernel", "dense_bias", "output_kernel", "output_bias"]
    try model.setWeights(names.map { try reference.tensor("initial.\($0)") })
    return try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
  }

  static let cases = [
    ("simple_rnn", "plain"), ("lstm", "plain"), ("gru", "plain"), ("bidirectional", "plain"),
    ("bidirectional", "masked"),
  ]

  @Test(arguments: cases) func tenLossesAreKeras(cell: String, data: String) throws {
    let reference = try Fixture("keras_lesson_\(cell)")
    let (x, y) = try (reference.tensor("\(data).x"), reference.tensor("\(data).y"))
    let trainer = try Self.trainer(cell, reference, masked: data == "masked")
    var losses: [Double] = []
    var accuracies: [Double] = []
    for batch in 0..<10 {
      let rows = batch * 64..<(batch + 1) * 64
      let logs = try trainer.trainBatch(x[rows], y[rows])
      losses.append(try #require(logs.loss))
      accuracies.append(try #require(logs["accuracy"]))
    }
    try expectClose(Tensor(losses), reference.tensor("\(data).losses").converted(to: .float64), relative: 1e-4)
    // A prediction next to the border may fall to the other side: at most one of the 64 rows of a batch.
    try expectClose(
      Tensor(accuracies), reference.tensor("\(data).accuracies").converted(to: .float64), relative: 0,
      absolute: 1.01 / 64)
    let weights = trainer.model.weights
    try expectClose(
      weights[weights.count - 2], reference.tensor("\(data).trained_output_kernel"), relative: 1e-3, absolute: 1e-4)
    // The update of an embedding whose word is absent goes on by its momentum, as in Keras.
    try expectClose(weights[0], reference.tensor("\(data).trained_embedding"), relative: 1e-3, absolute: 1e-4)
  }

  @Test(arguments: cases) func anEpochIsKeras(cell: String, data: String) throws {
    let reference = try Fixture("keras_lesson_\(cell)")
    let trainer = try Self.trainer(cell, reference, masked: data == "masked")
    let history = try trainer.fit(
      reference.tensor("\(data).x"), reference.tensor("\(data).y"), batchSize: 64, shuffle: false, verbose: .silent)
    let (loss, accuracy) = try (
      reference.tensor("\(data).epoch_loss").item, reference.tensor("\(data).epoch_accuracy").item
    )
    #expect((try #require(history["loss"]?[0]) / loss - 1).magnitude < 1e-4)
    #expect((try #require(history["accuracy"]?[0]) - accuracy).magnitude < 0.005)
  }

  @Test(arguments: ["plain", "masked"]) func anyNumberOfThreadsGivesTheSameBits(data: String) async {
    // In a process of its own, where no other test sets what holds for all of it.
    await #expect(processExitsWith: .success) { [data] in
      let reference = try Fixture("keras_lesson_bidirectional")
      func run(_ threads: Int) throws -> (History, [Tensor]) {
        Threads.count = threads
        let trainer = try Self.trainer("bidirectional", reference, masked: data == "masked")
        // 150 rows less 15: a last batch of 7.
        let history = try trainer.fit(
          reference.tensor("\(data).x")[0..<150], reference.tensor("\(data).y")[0..<150], batchSize: 64, epochs: 2,
          validationSplit: 0.1, verbose: .silent, seed: 4)
        return (history, trainer.weights)
      }
      let one = try run(1)
      for threads in [2, 3, 8] {
        let other = try run(threads)
        #expect(other.0 == one.0)
        for (left, right) in zip(one.1, other.1) { expectIdentical(left, right, "\(threads) threads") }
      }
    }
  }

  @Test(arguments: ["simple_rnn", "lstm", "gru", "bidirectional"])
  func aSteadyStepTakesNothingFromTheSystem(cell: String) async {
    // In a process of its own, where no other test allocates.
    await #expect(processExitsWith: .success) { [cell] in
      let reference = try Fixture("keras_lesson_\(cell)")
      let trainer = try Self.trainer(cell, reference)
      var counts: [Int] = []
      let counting = LambdaCallback(onTrainBatchEnd: { _, _, _ in
        counts.append(StoragePool.statistics.systemAllocations)
      })
      try trainer.fit(
        reference.tensor("plain.x"), reference.tensor("plain.y"), batchSize: 64, epochs: 2, callbacks: [counting],
        verbose: .silent)
      #expect(counts.count == 20 && counts[19] == counts[5], "\(counts)")
    }
  }

  @Test func theSummaryAfterTrainingCountsWhatAdamKeeps() throws {
    let reference = try Fixture("keras_lesson_lstm")
    let trainer = try Self.trainer("lstm", reference)
    #expect(!trainer.summary(lineLength: 88).contains("Optimizer params"))
    try trainer.trainBatch(reference.tensor("plain.x")[0..<2], reference.tensor("plain.y")[0..<2])
    // 1,800 + 64,400 + 1,010 + 66 weights with two moments each, the learning rate and the number of the update.
    #expect(trainer.summary(lineLength: 88).contains(" Optimizer params: 134,554 ("))
  }

  @Test func weightsChangeInPlace() throws {
    let reference = try Fixture("keras_lesson_lstm")
    let trainer = try Self.trainer("lstm", reference)
    var addresses: [[UInt]] = []
    let noting = LambdaCallback(onTrainBatchEnd: { _, _, trainer in
      addresses.append(trainer.weights.map { $0.withPointer(of: Float.self) { UInt(bitPattern: $0) } })
    })
    try trainer.fit(
      reference.tensor("plain.x"), reference.tensor("plain.y"), batchSize: 64, callbacks: [noting], verbose: .silent)
    // The first update leaves the numbers that the file still holds behind.
    #expect(Set(addresses).count == 1, "\(addresses)")
  }
}

@Suite struct PaddingTests {
  static func model(_ layers: [any Layer]) -> Sequential {
    Sequential(layers + [Dense(units: 6, activation: .softmax)])
  }
  static let masking = Embedding(inputDim: 30, outputDim: 8, maskZero: true)

  @Test func onlyLayersThatRespectLengthsSeeShorterBatches() {
    func embedding(_ maskZero: Bool = true) -> Embedding { Embedding(inputDim: 30, outputDim: 8, maskZero: maskZero) }
    func lstm(sequences: Bool = false) -> LSTM { LSTM(units: 5, returnSequences: sequences) }
    let cases: [(layers: [any Layer], hasLengths: Bool, cut: PaddingCut)] = [
      ([embedding(), lstm()], false, .behindLastID),
      ([embedding(), lstm()], true, .behindLastID),
      ([embedding(), lstm(sequences: true), Bidirectional(lstm())], false, .behindLastID),
      ([embedding(false), lstm()], false, .none),
      ([embedding(false), lstm()], true, .pastLongestLength),
      ([lstm()], true, .pastLongestLength),
      ([lstm()], false, .none),
      ([embedding(), lstm(sequences: true)], false, .none),
      ([embedding(), lstm(sequences: true), Flatten()], false, .none),
      ([embedding(), Dropout(rate: 0.5), lstm()], false, .none),
      ([embedding(), LSTM(units: 5, returnSequences: true, goBackwards: true), lstm()], false, .none),
      ([embedding()], false, .none),
    ]
    for (index, (layers, hasLengths, cut)) in cases.enumerated() {
      #expect(PaddingCut(Self.model(layers), hasLengths: hasLengths) == cut, "case \(index)")
    }
  }

  @Test func timestepsAreCutBehindTheLastID() {
    let ids = Tensor([[3, 0, 0, 0], [1, 2, 4, 0], [0, 0, 0, 0]] as [[Int32]])
    #expect(PaddingCut.behindLastID.timesteps(of: ids, [0, 1, 2], nil) == 3)
    #expect(PaddingCut.behindLastID.timesteps(of: ids, [0, 2], nil) == 1)
    #expect(PaddingCut.behindLastID.timesteps(of: ids, [2], nil) == 1)
    #expect(PaddingCut.pastLongestLength.timesteps(of: ids, [0, 1], [2, 1]) == 2)
    #expect(PaddingCut.none.timesteps(of: ids, [0, 2], nil) == 4)
  }

  @Test func morePaddingChangesNothing() async {
    // In a process of its own, where no other test chooses a multiplier.
    await #expect(processExitsWith: .success) {
      let reference = try Fixture("keras_lesson_bidirectional")
      let (x, y) = try (reference.tensor("masked.x")[0..<96], reference.tensor("masked.y")[0..<96])
      let padded = Tensor.concatenated([x, .zeros([96, 9], dtype: .int32)], axis: 1)
      func run(_ x: Tensor) throws -> (History, Tensor) {
        let trainer = try LessonTests.trainer("bidirectional", reference, masked: true)
        let history = try trainer.fit(x, y, batchSize: 20, epochs: 2, validationSplit: 0.2, verbose: .silent)
        return (history, try trainer.predict(x))
      }
      let (one, other) = (try run(x), try run(padded))
      #expect(one.0 == other.0)
      expectIdentical(one.1, other.1)
    }
  }

  @Test func lengthsMeanWhatPaddingMeans() async {
    await #expect(processExitsWith: .success) {
      let reference = try Fixture("keras_lesson_bidirectional")
      let (x, y) = try (reference.tensor("masked.x")[0..<60], reference.tensor("masked.y")[0..<60])
      let ids = x.scalars(as: Int32.self)
      let lengths = (0..<60).map { row in 12 - ids[row * 12..<(row + 1) * 12].reversed().prefix { $0 == 0 }.count }
      #expect(Set(lengths).count > 5)
      func run(masked: Bool) throws -> History {
        let trainer = try LessonTests.trainer("bidirectional", reference, masked: masked)
        return try trainer.fit(
          x, y, lengths: masked ? nil : lengths, batchSize: 25, epochs: 2, validationSplit: 0.2, verbose: .silent)
      }
      let (one, other) = (try run(masked: true), try run(masked: false))
      #expect(one == other)
    }
  }

  @Test func idsOutsideTheVocabularyAreRefusedBeforeTraining() throws {
    let trainer = try Self.model([Self.masking, LSTM(units: 5)]).compile(loss: .sparseCategoricalCrossEntropy)
    var ids = [Float](repeating: 1, count: 7 * 4)
    for (stray, text) in [(Float(30), "30.0 in row 5"), (-1, "-1.0 in row 5"), (1.5, "1.5 in row 5")] {
      ids[5 * 4 + 2] = stray
      let error = #expect(throws: RecurraError.self) {
        try trainer.fit(Tensor(ids, shape: [7, 4]), .zeros([7], dtype: .int32), batchSize: 2, verbose: .silent)
      }
      #expect(error?.kind == .badData && error?.expected == "ids in 0..<30" && error?.got.hasPrefix(text) == true)
    }
  }
}
