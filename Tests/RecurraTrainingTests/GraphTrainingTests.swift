import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Training of graphs: several inputs, outputs and losses.
@Suite struct GraphTrainingTests {
  static let rows = 24
  static let ids = Tensor((0..<rows * 4).map { (i: Int) -> Int32 in Int32((i * 7 + i / 5) % 9) }, shape: [rows, 4])
  static let features = Tensor.varied([rows, 3], seed: 2, dtype: .float32)
  static let kinds = Tensor((0..<rows).map { Int32($0 * 5 % 3) })
  static let scores = Tensor.varied([rows, 1], seed: 3, dtype: .float32)

  static func model(seed: UInt64 = 4) throws -> Model {
    let (words, features) = (Input(shape: [4], name: "words"), Input(shape: [3], name: "features"))
    let read = LSTM(units: 5)(Embedding(inputDim: 9, outputDim: 4)(words))
    let both = Concatenate()(read, features)
    let kind = Dense(units: 3, activation: .softmax)(both, name: "kind")
    return try Model(
      inputs: [words, features], outputs: [kind, Dense(units: 1)(both, name: "score")], seed: seed)
  }

  static func trainer(_ model: Model? = nil, weights: [Double]? = [1, 0.25]) throws -> Trainer {
    try (model ?? Self.model()).compile(
      loss: [.sparseCategoricalCrossEntropy, .meanSquaredError], lossWeights: weights,
      optimizer: .adam(learningRate: 0.02), metrics: [[.accuracy], [.meanAbsoluteError]])
  }

  static let examples = Examples([ids, features], [kinds, scores])

  @Test func theLossIsTheWeightedSumOfAll() throws {
    let trainer = try Self.trainer()
    let logs = try trainer.evaluate(Self.examples, batchSize: Self.rows, verbose: .silent)
    let names = ["kind_accuracy", "kind_loss", "loss", "score_loss", "score_mean_absolute_error"]
    #expect(logs.map { $0.0 } == names)
    let outputs = try trainer.model([Self.ids, Self.features])
    let kind = Loss.sparseCategoricalCrossEntropy(Self.kinds, outputs[0]).item
    let score = Loss.meanSquaredError(Self.scores, outputs[1]).item
    #expect((try #require(logs["kind_loss"]) - kind).magnitude < 1e-5)
    #expect((try #require(logs["score_loss"]) - score).magnitude < 1e-6)
    #expect((try #require(logs["loss"]) - (kind + 0.25 * score)).magnitude < 1e-5)
    let error = (outputs[1] - Self.scores).abs().mean().item
    #expect((try #require(logs["score_mean_absolute_error"]) - error).magnitude < 1e-6)
  }

  @Test func gradientsAreThoseOfTheWeightedSum() throws {
    // One step of plain descent shows them.
    let (model, twin) = (try Self.model(), try Self.model())
    let trainer = try model.compile(
      loss: [.sparseCategoricalCrossEntropy, .meanSquaredError], lossWeights: [0.5, 3], optimizer: .sgd(learningRate: 1)
    )
    try trainer.trainBatch(Self.examples)
    let outputs = try twin.forward(
      [Value(Self.ids), Value(Self.features)], ForwardContext(isTraining: true, isRecording: true))
    let loss =
      Loss.sparseCategoricalCrossEntropy(Self.kinds, outputs[0].tensor) * 0.5
      + Loss.meanSquaredError(Self.scores, outputs[1].tensor) * 3
    let gradients = loss.gradients(withRespectTo: twin.parameters.map(\.tracked))
    for (index, gradient) in gradients.enumerated() {
      let moved = twin.parameters[index].value - model.parameters[index].value
      expectClose(moved, gradient, relative: 2e-4, absolute: 2e-6, toLargest: true, "parameter \(index)")
    }
  }

  @Test func anOutputMayBeReadOnByOtherLayers() throws {
    func model() throws -> Model {
      let x = Input(shape: [3])
      let kind = Dense(units: 3, activation: .softmax)(x, name: "kind")
      return try Model(inputs: [x], outputs: [kind, Dense(units: 1)(kind, name: "score")], seed: 6)
    }
    let (own, twin) = (try model(), try model())
    let trainer = try own.compile(
      loss: [.sparseCategoricalCrossEntropy, .meanSquaredError], optimizer: .sgd(learningRate: 1))
    try trainer.trainBatch(Examples([Self.features], [Self.kinds, Self.scores]))
    let outputs = try twin.forward([Value(Self.features)], ForwardContext(isTraining: true, isRecording: true))
    let loss =
      Loss.sparseCategoricalCrossEntropy(Self.kinds, outputs[0].tensor)
      + Loss.meanSquaredError(Self.scores, outputs[1].tensor)
    for (index, gradient) in loss.gradients(withRespectTo: twin.parameters.map(\.tracked)).enumerated() {
      let moved = twin.parameters[index].value - own.parameters[index].value
      expectClose(moved, gradient, relative: 2e-4, absolute: 2e-6, toLargest: true, "parameter \(index)")
    }
  }

  @Test func historiesNameEveryOutput() throws {
    let trainer = try Self.trainer()
    let history = try trainer.fit(
      Self.examples, batchSize: 8, epochs: 30, validationSplit: 0.25, verbose: .silent, seed: 1)
    let own = ["kind_accuracy", "kind_loss", "loss", "score_loss", "score_mean_absolute_error"]
    #expect(trainer.logNames == own + own.map { "val_" + $0 })
    let losses = try #require(history["loss"])
    #expect(losses.count == 30 && losses[29] < losses[0] * 0.8)
    #expect(try #require(history["val_kind_loss"]).count == 30)
    #expect(try #require(history["score_loss"])[29] < (try #require(history["score_loss"]))[0])
  }

  @Test func aTrainerComesBackAndGoesOnToTheBit() throws {
    let path = NSTemporaryDirectory() + "recurra-graph-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try Self.trainer()
    try whole.fit(Self.examples, batchSize: 5, epochs: 3, verbose: .silent, seed: 9)
    let first = try Self.trainer()
    try first.fit(Self.examples, batchSize: 5, epochs: 2, verbose: .silent, seed: 9)
    try first.save(to: path)
    let second = try Trainer(contentsOf: path)
    #expect(second.losses.map(\.name) == first.losses.map(\.name) && second.lossWeights == [1, 0.25])
    #expect(second.outputMetrics.map { $0.map(\.name) } == [["accuracy"], ["mean_absolute_error"]])
    try second.fit(Self.examples, batchSize: 5, epochs: 1, verbose: .silent)
    for (found, wanted) in zip(second.weights, whole.weights) { expectIdentical(found, wanted) }
    for (found, wanted) in zip(
      try Model.load(from: path).predict([Self.ids, Self.features], batchSize: 7),
      try first.model.predict([Self.ids, Self.features]))
    {
      expectClose(found, wanted, relative: 1e-5, absolute: 1e-6)
    }
    let error = #expect(throws: RecurraError.self) { try Sequential.load(from: path) }
    #expect(error?.kind == .badFile && error?.got == "a graph, for Model.load(from:)")
  }

  @Test func aChainTrainsToTheBitsOfASequential() throws {
    let layers: () -> [any Layer] = {
      [
        Embedding(inputDim: 9, outputDim: 4, maskZero: true), Bidirectional(GRU(units: 3)), Dropout(rate: 0.3),
        Dense(units: 3, activation: .softmax),
      ]
    }
    let chain = Sequential(layers(), seed: 2)
    let input = Input(shape: [nil])
    let graph = try Model(inputs: [input], outputs: [layers().reduce(input) { $1($0) }], seed: 2)
    var weights: [[Tensor]] = []
    for model in [chain, graph] as [any Network] {
      let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
      try trainer.fit(Self.ids, Self.kinds, batchSize: 7, epochs: 2, verbose: .silent, seed: 5)
      weights.append(trainer.weights)
    }
    for (found, wanted) in zip(weights[1], weights[0]) { expectIdentical(found, wanted) }
  }

  @Test func paddingIsCutOffOnlyWhereNothingElseReadsIt() throws {
    let x = Input(shape: [5, 2])
    let model = try Model(inputs: [x], outputs: [Concatenate()(GRU(units: 3)(x), Flatten()(x))])
    let data = Tensor.varied([4, 5, 2], seed: 6, dtype: .float32)
    // Lengths end before the last timestep in every row; the way past the layer has as many numbers all the same.
    let found = try model.predict(data, lengths: [3, 2, 1, 3], batchSize: 2)
    let counts = SequenceMask.lengths([3, 2, 1, 3]).tensor(rows: 4, timesteps: 5, dtype: .int32).expanded(at: 2)
    let cut = Tensor.select(counts, data, .zeros(data.shape))
    expectIdentical(found.sliced(3..<13, axis: 1), cut.reshaped([4, 10]))
    expectIdentical(found, try model(data, lengths: [3, 2, 1, 3]))
  }

  @Test func paddingIsCutOffForEveryInputByItself() throws {
    let (words, features) = (Input(shape: [nil]), Input(shape: [nil, 2]))
    let read = GRU(units: 3)(Embedding(inputDim: 9, outputDim: 4, maskZero: true)(words))
    let model = try Model(inputs: [words, features], outputs: [Concatenate()(read, LSTM(units: 2)(features))])
    let ids = Tensor([1, 2, 0, 0, 3, 0, 0, 0, 0, 4, 5, 0] as [Int32], shape: [3, 4])
    let data = Tensor.varied([3, 5, 2], seed: 6, dtype: .float32)
    let masks = [SequenceMask.all, .lengths([2, 1, 4])]
    let found = try model.predict([ids, data], masks: masks, batchSize: 2)[0]
    expectIdentical(found, try model([ids, data], masks: masks)[0])
  }

  @Test func aResidualReaderLearns() throws {
    let x = Input(shape: [nil, 4])
    let read = Bidirectional(LSTM(units: 2, returnSequences: true))(x)
    let model = try Model(inputs: [x], outputs: [Dense(units: 2, activation: .softmax)(Add()(x, read))], seed: 3)
    let data = Tensor.varied([30, 5, 4], seed: 8, dtype: .float32)
    // The neighbour on the right decides.
    let first = data.sliced(0..<1, axis: 2).doubles
    let labels = (0..<150).map { Int32($0 % 5 < 4 && first[$0 + 1] > 0 ? 1 : 0) }
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.05), metrics: [.accuracy])
    let history = try trainer.fit(
      data, Tensor(labels, shape: [30, 5]), batchSize: 10, epochs: 40, verbose: .silent, seed: 2)
    #expect(try #require(history["accuracy"]?.last) > 0.9)
  }

  @Test func whatDoesNotFitTheModelIsRefused() throws {
    func expect(_ message: String, _ body: () throws -> Void) {
      let error = #expect(throws: RecurraError.self) { try body() }
      #expect(error?.description == message)
    }
    let model = try Self.model()
    let trainer = try Self.trainer(model)
    expect("compile: expected a loss for each of 2 outputs, got 1") { _ = try model.compile(loss: .meanSquaredError) }
    expect("compile: expected a finite weight of 0 or more for each of 2 losses, got [1.0, -1.0]") {
      _ = try Self.trainer(weights: [1, -1])
    }
    expect("compile: expected metrics for each of 2 outputs, got 1 lists") {
      _ = try model.compile(loss: [.meanSquaredError, .meanSquaredError], metrics: [[.accuracy]])
    }
    expect("evaluate: expected 2 inputs: \"words\", \"features\", got 1") {
      try trainer.evaluate(Examples([Self.ids], [Self.kinds, Self.scores]))
    }
    expect("fit: expected 2 targets: \"kind\", \"score\", got 1") {
      try trainer.fit(Examples([Self.ids, Self.features], [Self.kinds]))
    }
    expect("fit: expected as many rows in every input, 24, got x \"features\" of shape [2, 3]") {
      try trainer.fit(Examples([Self.ids, Self.features[0..<2]], [Self.kinds, Self.scores]))
    }
    expect("fit: expected as many rows in y \"score\" as in x, 24, got y \"score\" of shape [3, 1]") {
      try trainer.fit(Examples([Self.ids, Self.features], [Self.kinds, Self.scores[0..<3]]))
    }
    expect("fit: expected class weights for a model of one output, got 2 outputs") {
      try trainer.fit(Self.examples, classWeights: [0: 2])
    }
    expect("fit: expected ids in 0..<9, got 12 in row 0, timestep 0 of x \"words\"") {
      try trainer.fit(Examples([Self.ids + Tensor(12, dtype: .int32), Self.features], [Self.kinds, Self.scores]))
    }
  }
}
