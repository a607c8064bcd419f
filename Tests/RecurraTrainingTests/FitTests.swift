import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct FitTests {
  @Test(
    "A small layer is trained without starting a worker, a larger one with its help", arguments: [(8, 0), (100, 1)])
  func workersAreLeftAlone(units: Int, expected: Int) async {
    // In a process of its own, where no other test has started any.
    await #expect(processExitsWith: .success) { [units, expected] in
      Threads.count = 2
      let model = Sequential([LSTM(units: units), Dense(units: 3, activation: .softmax)])
      let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam())
      let labels = Tensor((0..<12).map { Int32($0 % 3) })
      try trainer.fit(
        .varied([12, 10, 5], seed: 3, dtype: .float32), labels, batchSize: 4, epochs: 2, verbose: .silent)
      // A worker that has been started needs a moment to take its name.
      usleep(50_000)
      let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").map {
        try String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)
      }
      #expect(names.filter { $0.hasPrefix("recurra-") }.count == expected, "\(names)")
    }
  }

  @Test func theLossFalls() throws {
    let trainer = try ToyData.trainer()
    let history = try trainer.fit(ToyData.x, ToyData.labels, batchSize: 4, epochs: 40, verbose: .silent)
    let losses = try #require(history["loss"])
    #expect(losses.count == 40 && losses[39] < 0.5 * losses[0])
    #expect(try #require(history["accuracy"]?.last) > 0.8)
    #expect(history.epoch == Array(0..<40) && history.names == ["accuracy", "loss"] && history.stop == nil)
    let params = history.params
    #expect(params.verbose == .silent && params.epochs == 40 && params.steps == 6 && params.seed == 0)
  }

  @Test func anEpochIsItsBatchesInOrder() throws {
    let (fitted, stepped) = (try ToyData.trainer(), try ToyData.trainer())
    let history = try fitted.fit(ToyData.x, ToyData.labels, batchSize: 5, shuffle: false, verbose: .silent)
    var (loss, right) = (0.0, 0.0)
    for start in stride(from: 0, to: ToyData.rows, by: 5) {
      let rows = start..<min(start + 5, ToyData.rows)
      let logs = try stepped.trainBatch(ToyData.x[rows], ToyData.labels[rows])
      loss += try #require(logs.loss) * Double(rows.count)
      right += try #require(logs["accuracy"]) * Double(rows.count)
    }
    for (one, other) in zip(fitted.weights, stepped.weights) { expectIdentical(one, other) }
    #expect(history["loss"] == [loss / Double(ToyData.rows)])
    #expect((try #require(history["accuracy"]?[0]) - right / Double(ToyData.rows)).magnitude < 1e-15)
  }

  @Test func theSplitIsTheLastShareAsItStands() throws {
    let trainer = try ToyData.trainer()
    // ⌊23 · 0.7⌋ = 16.
    let history = try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 4, epochs: 2, validationSplit: 0.3, verbose: .silent)
    #expect(history.params.steps == 4)
    #expect(history.names == ["accuracy", "loss", "val_accuracy", "val_loss"])
    let last = try trainer.evaluate(ToyData.x[16..<23], ToyData.labels[16..<23], batchSize: 4, verbose: .silent)
    #expect(history["val_loss"]?.last == last.loss && history["val_accuracy"]?.last == last["accuracy"])
    let other = try ToyData.trainer()
    let given = try other.fit(
      ToyData.x[0..<16], ToyData.labels[0..<16], batchSize: 4, epochs: 2, validationSplit: 0.5,
      validationData: Examples(ToyData.x[16..<23], ToyData.labels[16..<23]), verbose: .silent)
    #expect(given.history == history.history)
  }

  @Test func theSameSeedGivesTheSameBits() throws {
    func run(_ seed: UInt64) throws -> (history: History, weights: [Tensor]) {
      let model = Sequential([
        Dense(units: 7, activation: .tanh), Dropout(rate: 0.4), Dense(units: 3, activation: .softmax),
      ])
      let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.02))
      let history = try trainer.fit(ToyData.x, ToyData.labels, batchSize: 4, epochs: 3, verbose: .silent, seed: seed)
      return (history, trainer.weights)
    }
    let (first, again, other) = (try run(5), try run(5), try run(6))
    #expect(again.history == first.history && other.history.history != first.history.history)
    for (one, other) in zip(first.weights, again.weights) { expectIdentical(one, other) }
  }

  @Test func dropoutDropsOtherUnitsInEveryStepAndNoneInEvaluation() throws {
    let model = Sequential([Dropout(rate: 0.5), Dense(units: 2)])
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0))
    var losses: [Double] = []
    let noting = LambdaCallback(onTrainBatchEnd: { _, logs, _ in losses.append(logs.loss ?? .nan) })
    try trainer.fit(
      ToyData.x, ToyData.targets, batchSize: 23, epochs: 4, shuffle: false, callbacks: [noting], verbose: .silent)
    #expect(Set(losses).count == 4)
    let evaluated = try (0..<2).map { _ in try trainer.evaluate(ToyData.x, ToyData.targets, verbose: .silent).loss }
    #expect(evaluated[0] == evaluated[1])
  }

  @Test func everyEpochHasAnOrderOfItsOwn() throws {
    // A loss that notes which rows come; nothing is learned.
    let seen = Recorder()
    let output = seen.output()
    let loss = Loss("noting") { targets, predictions in
      output.write(targets.doubles.map { "\(Int($0)) " }.joined())
      return predictions * 0
    }
    let trainer = try Sequential([Dense(units: 1)]).compile(loss: loss, optimizer: .sgd())
    let numbers = Tensor.arange(0, 23, dtype: .int32)
    try trainer.fit(ToyData.x, numbers, batchSize: 10, epochs: 3, verbose: .silent)
    let rows = seen.text.split(separator: " ").compactMap { Int($0) }
    let epochs = (0..<3).map { Array(rows[$0 * 23..<($0 + 1) * 23]) }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<23) && epoch != Array(0..<23)) }
    #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2])
  }

  @Test func aLossThatIsNotFiniteNamesItsPlaceAndLosesNothing() throws {
    var targets = ToyData.targets.scalars(as: Float.self)
    targets[2 * 13] = 1e30
    let y = Tensor(targets, shape: [ToyData.rows, 2])
    func trainer() throws -> Trainer {
      try ToyData.regressor().compile(loss: .meanSquaredError, optimizer: .sgd())
    }
    let failing = try trainer()
    let error = #expect(throws: RecurraError.self) {
      try failing.fit(ToyData.x, y, batchSize: 5, epochs: 3, shuffle: false, verbose: .silent)
    }
    #expect(error?.kind == .notFinite && error?.operation == "fit, epoch 1, batch 3" && error?.got == "inf")
    let whole = try trainer()
    try whole.fit(ToyData.x[0..<10], y[0..<10], batchSize: 5, shuffle: false, verbose: .silent)
    for (one, other) in zip(failing.weights, whole.weights) { expectIdentical(one, other) }
    #expect(failing.history?.epoch == [])
  }

  @Test func aRequestStopsAfterTheBatchUnderWay() throws {
    let trainer = try ToyData.trainer()
    var batches = 0
    let stopping = LambdaCallback(onTrainBatchEnd: { batch, _, trainer in
      batches += 1
      if batches == 8 { trainer.stopTraining() }
    })
    let history = try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 4, epochs: 9, validationSplit: 0.3, callbacks: [stopping], verbose: .silent)
    // Four batches to an epoch; the epoch that was cut short is one all the same, validation included.
    #expect(batches == 8 && history.epoch == [0, 1] && history.stop == .requested && history["val_loss"]?.count == 2)
  }

  @Test func cancellationEndsTheRunAfterTheBatchUnderWay() async throws {
    let history = try await Task {
      let trainer = try ToyData.trainer()
      var batches = 0
      let cancelling = LambdaCallback(onTrainBatchEnd: { _, _, _ in
        batches += 1
        if batches == 9 { withUnsafeCurrentTask { $0?.cancel() } }
      })
      let history = try trainer.fit(
        ToyData.x, ToyData.labels, batchSize: 4, epochs: 9, callbacks: [cancelling], verbose: .silent)
      #expect(batches == 9 && trainer.history == history)
      return history
    }.value
    #expect(history.epoch == [0] && history.stop == .cancelled)
  }

  @Test func aHistoryComesBackFromJSON() throws {
    let trainer = try ToyData.trainer()
    let history = try trainer.fit(ToyData.x, ToyData.labels, epochs: 2, validationSplit: 0.2, verbose: .silent, seed: 3)
    let again = try JSONDecoder().decode(History.self, from: JSONEncoder().encode(history))
    #expect(again == history && again.params.seed == 3)
  }

  @Test func goingOnWithALaterEpochShufflesAsInOneRun() throws {
    let (whole, parts) = (try ToyData.trainer(), try ToyData.trainer())
    let history = try whole.fit(ToyData.x, ToyData.labels, batchSize: 4, epochs: 5, verbose: .silent)
    try parts.fit(ToyData.x, ToyData.labels, batchSize: 4, epochs: 2, verbose: .silent)
    let rest = try parts.fit(ToyData.x, ToyData.labels, batchSize: 4, epochs: 5, verbose: .silent, initialEpoch: 2)
    #expect(rest.epoch == [2, 3, 4] && rest["loss"] == history["loss"].map { Array($0[2...]) })
    for (one, other) in zip(whole.weights, parts.weights) { expectIdentical(one, other) }
  }

  @Test func epochsWithoutEndGoOnFromAnyEpoch() throws {
    let trainer = try ToyData.trainer()
    try trainer.fit(ToyData.x, ToyData.labels, epochs: 2, verbose: .silent)
    let stopping = LambdaCallback(onEpochEnd: { epoch, _, trainer in if epoch >= 3 { trainer.stopTraining() } })
    let history = try trainer.fit(
      ToyData.x, ToyData.labels, epochs: .max, callbacks: [stopping], verbose: .silent)
    #expect(history.epoch == [2, 3])
    #expect(throws: RecurraError.self) {
      try trainer.fit(ToyData.x, ToyData.labels, epochs: 1, verbose: .silent, initialEpoch: .max)
    }
  }

  @Test func noEpochsChangeNothing() throws {
    let trainer = try ToyData.trainer()
    let history = try trainer.fit(ToyData.x, ToyData.labels, epochs: 0, verbose: .silent)
    #expect(history.epoch.isEmpty && history.history.isEmpty)
  }
}

@Suite struct PredictionTests {
  @Test func batchesDoNotShow() throws {
    let model = ToyData.classifier()
    let whole = try model.predict(ToyData.x, batchSize: 100)
    #expect(whole.shape == [23, 3])
    expectClose(try model.predict(ToyData.x, batchSize: 4), whole, relative: 1e-6)
    expectIdentical(try model.predict(ToyData.x, batchSize: 100), whole)
  }

  @Test func evaluationIsTheLossOfThePredictions() throws {
    let trainer = try ToyData.trainer()
    let logs = try trainer.evaluate(ToyData.x, ToyData.labels, batchSize: 6, verbose: .silent)
    let predictions = try trainer.predict(ToyData.x)
    let wanted = Loss.sparseCategoricalCrossEntropy(ToyData.labels, predictions).item
    #expect((try #require(logs.loss) - wanted).magnitude < 1e-6)
    let right = predictions.argMax().isEqual(to: ToyData.labels).sum().item
    #expect((try #require(logs["accuracy"]) - right / 23).magnitude < 1e-15)
    #expect(logs.names == ["accuracy", "loss"])
  }

  @Test func aLossBehindItsActivationIsTakenFromWhatStandsBefore() throws {
    // The probability of class 1 is 0 in float32; from probabilities the loss would stop at −ln 1e-7 = 16.1.
    let model = Sequential([Dense(units: 2, activation: .softmax)])
    try model.build(inputShape: [nil, 1])
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy)
    trainer.weights = [Tensor([200, 0] as [Float], shape: [1, 2]), .zeros([2])]
    let x = Tensor([1] as [Float], shape: [1, 1])
    #expect(try trainer.evaluate(x, Tensor([1] as [Int32]), verbose: .silent).loss == 200)
    let other = try model.compile(loss: .binaryCrossEntropy)
    let y = Tensor([0, 1] as [Float], shape: [1, 2])
    #expect(try #require(other.evaluate(x, y, verbose: .silent).loss) < 16.2)
  }

  @Test func anActivationOfItsOwnLayerCountsAsTheLastOne() throws {
    // The same model with its activation in the Dense or behind it, for a loss it belongs to and for others.
    for (activation, loss) in [
      (Activation.softmax, Loss.categoricalCrossEntropy), (.sigmoid, .binaryCrossEntropy),
      (.sigmoid, .categoricalCrossEntropy), (.tanh, .meanSquaredError),
    ] {
      let layers: [[any Layer]] = [
        [Dense(units: 2, activation: activation)], [Dense(units: 2), ActivationLayer(activation)],
      ]
      let found = try layers.map { layers in
        let trainer = try Sequential(layers, seed: 3).compile(
          loss: loss, optimizer: .sgd(), metrics: [.meanAbsoluteError])
        let y = ToyData.targets.abs() / (ToyData.targets.abs().sum(axes: [1], keepingDimensions: true))
        let logs = try trainer.trainBatch(ToyData.x, y)
        return try (logs, trainer.evaluate(ToyData.x, y, verbose: .silent), trainer.weights)
      }
      #expect(found[0].0 == found[1].0 && found[0].1 == found[1].1, "\(activation) \(loss.name)")
      for (one, other) in zip(found[0].2, found[1].2) { expectIdentical(one, other) }
    }
  }

  @Test func float64DataMakeAFloat64Model() throws {
    let model = ToyData.regressor()
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd())
    try trainer.fit(ToyData.x.converted(to: .float64), ToyData.targets, verbose: .silent)
    #expect(trainer.weights.allSatisfy { $0.dtype == .float64 })
  }
}
