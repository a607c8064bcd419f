import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Graphs of layers compute what their layers do one by one.
@Suite struct GraphTests {
  private let x = Tensor.varied([3, 5, 4], seed: 1, dtype: .float32)

  @Test func aChainIsASequential() throws {
    for dtype in [DType.float32, .float64] {
      let input = Input(shape: [nil, 4])
      let hidden = Bidirectional(LSTM(units: 3, returnSequences: true))(input)
      let graph = try Model(
        inputs: [input], outputs: [Dense(units: 2, activation: .softmax)(GRU(units: 6)(hidden))], seed: 7, dtype: dtype)
      let chain = Sequential(seed: 7) {
        Bidirectional(LSTM(units: 3, returnSequences: true))
        GRU(units: 6)
        Dense(units: 2, activation: .softmax)
      }
      try chain.build(inputShape: [nil, nil, 4], dtype: dtype)
      #expect(graph.namedParameters.map(\.path) == chain.namedParameters.map(\.path))
      for (found, wanted) in zip(graph.weights, chain.weights) { expectIdentical(found, wanted) }
      let x = x.converted(to: dtype)
      expectIdentical(try graph(x), try chain(x))
      expectIdentical(try graph(x, lengths: [5, 2, 0]), try chain(x, lengths: [5, 2, 0]))
      #expect(graph.isChain && graph.isBuilt && graph.inputNames == ["input_layer"] && graph.outputNames == ["dense"])
    }
  }

  @Test func branchesMeetAgain() throws {
    let input = Input(shape: [nil, 4])
    let read = Bidirectional(LSTM(units: 2, returnSequences: true))
    let out = Dense(units: 3)
    let model = try Model(inputs: [input], outputs: [out(Add()(input, read(input)))])
    expectIdentical(try model(x), try out(x + read(x)))
    #expect(!model.isChain)
  }

  @Test func severalInputsAndOutputs() throws {
    let (words, features) = (Input(shape: [nil], name: "words"), Input(shape: [3], name: "features"))
    let (table, reader) = (Embedding(inputDim: 9, outputDim: 4), GRU(units: 5))
    let (kind, score) = (Dense(units: 2, activation: .softmax), Dense(units: 1))
    let both = Concatenate()(reader(table(words)), features)
    let model = try Model(
      inputs: [words, features], outputs: [kind(both, name: "kind"), score(both, name: "score")])
    let ids = Tensor([Int32(1), 8, 3, 0, 2, 4], shape: [2, 3])
    let given = Tensor.varied([2, 3], dtype: .float32)
    let outputs = try model([ids, given])
    let joined = Tensor.concatenated([try reader(table(ids)), given], axis: 1)
    #expect(outputs.count == 2)
    expectIdentical(outputs[0], try kind(joined))
    expectIdentical(outputs[1], try score(joined))
    #expect(model.inputIDCounts == [9, nil] && model.outputNames == ["kind", "score"])
    #expect(model.inputNames == ["words", "features"] && model.outputCount == 2)
    #expect(try model.outputShapes(for: [[7, 2], [7, 3]]) == [[7, 2], [7, 1]])
    // A mask belongs to its input.
    let masked = try model([ids, given], masks: [.lengths([2, 1]), .all])
    let short = Tensor.concatenated([try reader(table(ids), lengths: [2, 1]), given], axis: 1)
    expectIdentical(masked[0], try kind(short))
  }

  @Test func statesGoFromLayerToLayer() throws {
    let (source, target) = (Input(shape: [nil, 4]), Input(shape: [nil, 3]))
    let (encoder, decoder) = (
      LSTM(units: 5, returnState: true), LSTM(units: 5, returnSequences: true, returnState: true)
    )
    let encoded = encoder([source])
    #expect(encoded.count == 3)
    let decoded = decoder([target, encoded[1], encoded[2]])
    let model = try Model(inputs: [source, target], outputs: [decoded[0], decoded[2], encoded[0]])
    let y = Tensor.varied([3, 2, 3], seed: 2, dtype: .float32)
    let found = try model([x, y])
    let first = try encoder.forward(Signal(x), ForwardContext())
    let second = try decoder.forward(Signal(y, states: first.states), ForwardContext())
    expectIdentical(found[0], second.value)
    expectIdentical(found[1], second.states[1])
    expectIdentical(found[2], first.value)
    #expect(model.outputNames == ["lstm_1", "lstm_1_1", "lstm"])
  }

  @Test func initialStatesAreInputs() throws {
    let (input, h) = (Input(shape: [nil, 4]), Input(shape: [5]))
    let cell = GRU(units: 5, returnSequences: true, returnState: true)
    let model = try Model(inputs: [input, h], outputs: cell([input, h]))
    var state = Tensor.zeros([3, 5])
    var steps: [Tensor] = []
    for timestep in 0..<5 {
      let outputs = try model([x.sliced(timestep..<timestep + 1, axis: 1), state])
      steps.append(outputs[0])
      state = outputs[1]
    }
    expectIdentical(.concatenated(steps, axis: 1), try cell(x))
  }

  @Test func aSharedLayerAddsItsGradientsUp() throws {
    let (first, second) = (Input(shape: [nil, 4]), Input(shape: [nil, 4]))
    let shared = LSTM(units: 3)
    let weigh = Dense(units: 2, activation: .tanh)
    let model = try Model(
      inputs: [first, second], outputs: [weigh(Concatenate()(shared(first), shared(second)))], dtype: .float64)
    #expect(model.layers.count == 3 && model.parameters.count == 4)
    let (a, b) = (Tensor.varied([2, 3, 4], seed: 3), Tensor.varied([2, 6, 4], seed: 4))
    let context = ForwardContext(isTraining: true, isRecording: true)
    func objective() throws -> Tensor {
      try model.forward([Value(a), Value(b)], context)[0].tensor.squared.sum()
    }
    let gradients = try objective().gradients(withRespectTo: model.parameters.map(\.tracked))
    for (parameter, gradient) in zip(model.parameters, gradients) {
      let original = parameter.value
      for position in stride(from: 0, to: original.count, by: 7) {
        func shifted(_ distance: Double) throws -> Double {
          var numbers = original.doubles
          numbers[position] += distance
          parameter.value = Tensor(numbers, shape: original.shape)
          defer { parameter.value = original }
          return try objective().item
        }
        let (near, far) = (try shifted(3e-4) - shifted(-3e-4), try shifted(6e-4) - shifted(-6e-4))
        let (found, wanted) = (gradient.doubles[position], (8 * near - far) / 3.6e-3)
        let largest = gradient.doubles.map(\.magnitude).max() ?? 0
        #expect((found - wanted).magnitude <= 1e-7 * max(wanted.magnitude, largest / 100), "\(parameter.name)")
      }
    }
    // One use alone gives less.
    let alone = try shared.forward(Signal(a), context).value.squared.sum()
      .gradients(withRespectTo: [shared.parameters[0].tracked])[0]
    #expect(alone.doubles != gradients[model.parameters.firstIndex { $0 === shared.parameters[0] } ?? 0].doubles)
  }

  @Test func modelsNest() throws {
    let inner = Input(shape: [nil, 4], name: "inside")
    let reader = GRU(units: 5, returnSequences: true, returnState: true)
    let nested = try Model(inputs: [inner], outputs: reader([inner]), name: "reader")
    let head = Sequential([Dense(units: 6, activation: .relu), Dense(units: 2)], name: "head")
    let input = Input(shape: [nil, 4])
    let outputs = nested([input])
    let model = try Model(inputs: [input], outputs: [head(outputs[1]), outputs[0]])
    let wanted = try reader.forward(Signal(x), ForwardContext())
    let found = try model([x])
    expectIdentical(found[0], try head(wanted.states[0]))
    expectIdentical(found[1], wanted.value)
    #expect(
      model.namedParameters.map(\.path) == [
        "functional/gru/weights", "functional/gru/bias", "sequential/dense/kernel", "sequential/dense/bias",
        "sequential/dense_1/kernel", "sequential/dense_1/bias",
      ])
    let chain = Sequential([nested, Dense(units: 3)])
    #expect(try chain(x).shape == [3, 5, 3])
  }

  @Test func dropoutOfASharedLayerIsDrawnAnew() throws {
    let input = Input(shape: [40])
    let drop = Dropout(rate: 0.5)
    let model = try Model(inputs: [input], outputs: [drop(input), drop(input)])
    let ones = Value(.ones([2, 40]))
    let outputs = try model.forward([ones], ForwardContext(isTraining: true, random: RandomSource(seed: 3)))
    #expect(outputs[0].tensor.doubles != outputs[1].tensor.doubles)
    let again = try model.forward([ones], ForwardContext(isTraining: true, random: RandomSource(seed: 3)))
    expectIdentical(outputs[0].tensor, again[0].tensor)
  }

  @Test func aLongGraphIsLetGoWithoutRecursion() throws {
    var value = Input(shape: [2])
    for _ in 0..<100_000 { value = ActivationLayer(.linear)(value) }
    let end = value
    value = Input(shape: [1])
    #expect(throws: RecurraError.self) { try Model(inputs: [Input(shape: [2])], outputs: [end]) }
  }

  @Test func whatGoesOnInsideIsFoundInGraphs() throws {
    let input = Input(shape: [nil, 4])
    let reader = LSTM(units: 3, returnSequences: true)
    let model = try Model(
      inputs: [input], outputs: [GRU(units: 2)(Concatenate()(input, reader(input, name: "reader")))])
    let trace = try #require(try model.traces(x, of: "reader").first)
    let wanted = try reader.trace(Signal(x))
    expectIdentical(trace.hidden, wanted.hidden)
    #expect(try model.traces(x, of: "gru").count == 1)
  }
}
