import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// An encoder and a decoder with attention learn to turn sequences round.
@Suite struct AttentionTests {
  static let (symbols, start, longest) = (6, 7, 6)
  static let units = 24

  /// Layers that the models of training and of decoding share.
  struct Translator {
    let sourceTable = Embedding(inputDim: 8, outputDim: 12, maskZero: true)
    let targetTable = Embedding(inputDim: 8, outputDim: 12, maskZero: true)
    let encoder = LSTM(units: units, returnSequences: true, returnState: true)
    let decoder = LSTM(units: units, returnSequences: true, returnState: true)
    let words = Dense(units: 8, activation: .softmax)

    /// Both sequences at once: the decoder is given what it should have said.
    func training() throws -> Model {
      let (source, target) = (Input(shape: [nil], name: "source"), Input(shape: [nil], name: "target"))
      let encoded = encoder([sourceTable(source)])
      let decoded = decoder([targetTable(target), encoded[1], encoded[2]])
      return try Model(inputs: [source, target], outputs: [answer(decoded[0], encoded[0])], seed: 5)
    }

    /// What the encoder says of a source.
    func encoding() throws -> Model {
      let source = Input(shape: [nil], name: "source")
      return try Model(inputs: [source], outputs: encoder([sourceTable(source)]))
    }

    /// One step of the decoder: states are inputs and outputs.
    func step() throws -> Model {
      let (target, encoded) = (Input(shape: [1]), Input(shape: [nil, units], name: "encoded"))
      let (h, c) = (Input(shape: [units], name: "h"), Input(shape: [units], name: "c"))
      let decoded = decoder([targetTable(target), h, c])
      return try Model(
        inputs: [target, encoded, h, c], outputs: [answer(decoded[0], encoded), decoded[1], decoded[2]])
    }

    private func answer(_ decoded: SymbolicValue, _ encoded: SymbolicValue) -> SymbolicValue {
      let weights = Softmax()(Dot(axes: 2)(decoded, encoded), encoded)
      return words(Concatenate()(Dot(axes: [2, 1])(weights, encoded), decoded), name: "words")
    }
  }

  /// Sequences of 3 to 6 symbols, and the same turned round behind a start symbol; padding is 0.
  static func data(_ rows: Int, seed: UInt64) -> (source: Tensor, target: Tensor, words: Tensor) {
    let random = RandomSource(seed: seed)
    let lengths = random.stream(0).uniform([rows], in: 3..<7).scalars(as: Float.self).map { Int($0) }
    let ids = random.stream(1).uniform([rows, longest], in: 1..<7).scalars(as: Float.self).map { Int32($0) }
    var (source, target, words) = ([Int32](), [Int32](), [Int32]())
    for row in 0..<rows {
      let own = Array(ids[row * longest..<row * longest + lengths[row]])
      let padding = [Int32](repeating: 0, count: longest - own.count)
      source += own + padding
      words += own.reversed() + padding
      target += [Int32(start)] + own.reversed().dropLast() + padding
    }
    func tensor(_ ids: [Int32]) -> Tensor { Tensor(ids, shape: [rows, longest]) }
    return (tensor(source), tensor(target), tensor(words))
  }

  @Test func theModelTrainsAndDecodesWhatItWouldBeTaught() throws {
    let translator = Translator()
    let model = try translator.training()
    let (source, target, words) = Self.data(192, seed: 1)
    // What is joined with a value that has no mask counts everywhere, as in Keras: padding is told by its class.
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy(ignoreClass: 0), optimizer: .adam(learningRate: 0.02), metrics: [.accuracy])
    let history = try trainer.fit(
      Examples([source, target], [words]), batchSize: 32, epochs: 24, verbose: .silent, seed: 3)
    let losses = try #require(history["loss"])
    #expect(losses[23] < losses[0] / 8, "\(losses)")
    let test = Self.data(40, seed: 2)
    let logs = try trainer.evaluate(Examples([test.source, test.target], [test.words]), verbose: .silent)
    #expect(try #require(logs["accuracy"]) > 0.9, "\(logs)")

    let greedy = try decode(model, test.source)
    // What was decoded, taught.
    let taught = try model([test.source, greedy.target])[0]
    expectIdentical(taught, greedy.probabilities)
    #expect(taught.argMax(axis: 2).doubles == greedy.words.doubles)
    let right = zip(greedy.words.doubles, test.words.doubles).filter { $0.1 != 0 }
    #expect(Double(right.count { $0.0 == $0.1 }) > 0.7 * Double(right.count))

    let stepwise = try decodeStepByStep(translator, test.source)
    expectClose(stepwise, greedy.probabilities, relative: 1e-3, absolute: 1e-4)
    #expect(stepwise.argMax(axis: 2).doubles == greedy.words.doubles)
  }

  /// Decodes word by word with the whole model: what it said last is what it is given next.
  private func decode(_ model: Model, _ source: Tensor) throws -> (target: Tensor, words: Tensor, probabilities: Tensor)
  {
    let (rows, longest) = (source.shape[0], Self.longest)
    var target = [Int32](repeating: 0, count: rows * longest)
    var steps: [Tensor] = []
    for step in 0..<longest {
      for row in 0..<rows where step == 0 { target[row * longest] = Int32(Self.start) }
      let output = try model([source, Tensor(target, shape: [rows, longest])])[0].sliced(step..<step + 1, axis: 1)
      let said = output.argMax(axis: 2).doubles
      if step + 1 < longest { for row in 0..<rows { target[row * longest + step + 1] = max(Int32(said[row]), 1) } }
      steps.append(output)
    }
    let probabilities = Tensor.concatenated(steps, axis: 1)
    return (Tensor(target, shape: [rows, longest]), probabilities.argMax(axis: 2), probabilities)
  }

  /// The same with a model of one step, whose states go round.
  private func decodeStepByStep(_ translator: Translator, _ source: Tensor) throws -> Tensor {
    let mask = try SequenceMask(steps: source.isNotEqual(to: Tensor(0, dtype: .int32)))
    let encoded = try translator.encoding()([source])
    let step = try translator.step()
    var states = Array(encoded[1...])
    var word = Tensor([Int32](repeating: Int32(Self.start), count: source.shape[0]), shape: [source.shape[0], 1])
    var outputs: [Tensor] = []
    for _ in 0..<Self.longest {
      let found = try step([word, encoded[0]] + states, masks: [.all, mask, .all, .all])
      outputs.append(found[0])
      states = Array(found[1...])
      word = Tensor(found[0].argMax(axis: 2).doubles.map { max(Int32($0), 1) }, shape: [source.shape[0], 1])
    }
    return .concatenated(outputs, axis: 1)
  }
}
