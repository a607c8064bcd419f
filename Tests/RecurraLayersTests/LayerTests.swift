import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Values, shapes, weights and errors of the layers and of the model that runs them.
@Suite struct LayerTests {
  private func expectRefusal(
    _ message: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.description == message, sourceLocation: sourceLocation)
  }

  @Test func denseMultipliesTheLastAxis() throws {
    let layer = Dense(units: 2, activation: .relu)
    try layer.build(inputShape: [nil, 3], random: RandomSource(seed: 1), dtype: .float32)
    try layer.setWeights([
      Tensor([1, -2, 3, 4, 0.5, -1] as [Float], shape: [3, 2]), Tensor([0.25, 1] as [Float]),
    ])
    let rows = Tensor([1, 2, 3, -1, 0, 1] as [Float], shape: [2, 3])
    #expect(try layer(rows).scalars(as: Float.self) == [8.75, 4, 0, 2])
    #expect(try layer(rows.reshaped([1, 2, 1, 3])).shape == [1, 2, 1, 2])
    #expect(try layer.outputShape(for: [nil, nil, 3]) == [nil, nil, 2])
  }

  @Test func dropoutKeepsTheExpectationAndOnlyDropsInTraining() throws {
    let (layer, ones) = (Dropout(rate: 0.3), Tensor.ones([200, 300]))
    let training = ForwardContext(isTraining: true, random: RandomSource(seed: 4))
    let dropped = try layer.forward(Signal(ones, lengths: nil), training).value
    let values = Set(dropped.scalars(as: Float.self))
    #expect(values.count == 2 && values.contains(0) && values.contains { abs($0 - 1 / 0.7) < 1e-6 })
    #expect(abs(dropped.mean().item - 1) < 0.01)
    expectIdentical(try layer.forward(Signal(ones), training).value, dropped, "the same source drops the same")
    let other = ForwardContext(isTraining: true, random: RandomSource(seed: 5))
    #expect(try layer.forward(Signal(ones), other).value.doubles != dropped.doubles)
    expectIdentical(try layer(ones), ones)
    let all = try Dropout(rate: 1).forward(Signal(ones), training).value
    #expect(all.doubles.allSatisfy { $0 == 0 })
  }

  @Test func shapesOfReshapingLayers() throws {
    #expect(try Flatten()(Tensor.zeros([2, 3, 4])).shape == [2, 12])
    #expect(try Flatten().outputShape(for: [nil, 3, 4]) == [nil, 12])
    #expect(try Flatten().outputShape(for: [nil, nil, 4]) == [nil, nil])
    #expect(try Flatten().outputShape(for: [nil, 3, 0, 4]) == [nil, 0])
    // An extent of 0 hides no product that is too large, before it or behind it.
    for shape in [[nil, 0, .max, 2], [nil, .max, 0, 2], [nil, .max, 2, 0]] as [[Int?]] {
      #expect(throws: RecurraError.self) { try Flatten().outputShape(for: shape) }
    }
    let steps = TimeDistributed(Dense(units: 7))
    #expect(try steps(Tensor.zeros([2, 3, 4])).shape == [2, 3, 7])
    #expect(try steps.outputShape(for: [nil, nil, 4]) == [nil, nil, 7])
    let sequences = TimeDistributed(LSTM(units: 5))
    #expect(try sequences(Tensor.zeros([2, 3, 6, 4])).shape == [2, 3, 5])
  }

  @Test func layerNormalizationGivesMeanZeroAndVarianceOne() throws {
    let output = try LayerNormalization(epsilon: 0)(Tensor.varied([3, 5, 8], in: 2...9))
    expectClose(output.mean(axes: [-1]), .zeros([3, 5], dtype: .float64), absolute: 1e-14)
    expectClose(output.variance(axes: [-1]), .ones([3, 5], dtype: .float64), relative: 1e-13)
  }

  @Test func lengthsAreKeptWhereTimestepsAreAndDroppedWhereTheyEnd() throws {
    let input = Signal(Tensor.varied([3, 5, 4], dtype: .float32), lengths: [5, 1, 2])
    let keeping: [any Layer] = [
      Dense(units: 2), Dropout(rate: 0.5), LayerNormalization(), ActivationLayer(.relu),
      TimeDistributed(Dense(units: 2)),
      LSTM(units: 2, returnSequences: true), Bidirectional(GRU(units: 2, returnSequences: true)),
    ]
    let dropping: [any Layer] = [Flatten(), LSTM(units: 2), Bidirectional(GRU(units: 2))]
    for layer in keeping + dropping {
      try layer.build(inputShape: [nil, 5, 4], random: RandomSource(seed: 1), dtype: .float32)
      let lengths = try layer.forward(input, ForwardContext()).lengths
      #expect(lengths == (keeping.contains { $0 === layer } ? [5, 1, 2] : nil), "\(layer)")
    }
  }

  @Test func inputsOfTheWrongKindAreRefused() throws {
    let lstm = LSTM(units: 6)
    try lstm.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float32)
    func run(_ layer: any Layer, _ input: Signal) throws { _ = try layer.forward(input, ForwardContext()) }
    let good = Tensor.zeros([3, 5, 4])
    expectRefusal("LSTM: expected input [B, T, 4], got [3, 4]") { try run(lstm, Signal(Tensor.zeros([3, 4]))) }
    expectRefusal("LSTM: expected input [B, T, 4], got [3, 5, 7]") { try run(lstm, Signal(Tensor.zeros([3, 5, 7]))) }
    expectRefusal("LSTM: expected at least one row and one timestep, got input [3, 0, 4]") {
      try run(lstm, Signal(Tensor.zeros([3, 0, 4])))
    }
    expectRefusal("LSTM: expected float32 input, got float64") {
      try run(lstm, Signal(Tensor.zeros([3, 5, 4], dtype: .float64)))
    }
    expectRefusal("LSTM: expected 3 lengths in 0...5, got a length of 6") {
      try run(lstm, Signal(good, lengths: [1, 6, 2]))
    }
    expectRefusal("LSTM: expected 3 lengths in 0...5, got 2") { try run(lstm, Signal(good, lengths: [1, 2])) }
    expectRefusal("LSTM: expected 2 initial states, got 1") { try run(lstm, Signal(good, states: [.zeros([3, 6])])) }
    expectRefusal("LSTM: expected initial states float32 [3, 6], got float32 [3, 5]") {
      try run(lstm, Signal(good, states: [.zeros([3, 6]), .zeros([3, 5])]))
    }
    let both = Bidirectional(GRU(units: 6))
    try both.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float32)
    expectRefusal("Bidirectional: expected 2 initial states, got 1") {
      try run(both, Signal(good, states: [.zeros([3, 6])]))
    }
    let dense = Dense(units: 2)
    expectRefusal("Dense: expected a built layer, got one that is not") { try run(dense, Signal(good)) }
    try dense.build(inputShape: [nil, 4], random: RandomSource(seed: 1), dtype: .float32)
    expectRefusal("Dense: expected input [B, 4], got [4]") { try run(dense, Signal(Tensor.zeros([4]))) }
    expectRefusal("Dense: expected float32 input, got int32") {
      try run(dense, Signal(Tensor.zeros([3, 4], dtype: .int32)))
    }
    expectRefusal("Dropout: expected floating input, got int32") {
      try run(Dropout(rate: 0.5), Signal(Tensor.zeros([3, 4], dtype: .int32)))
    }
    for activation in [Activation.softmax, .logSoftmax, .relu] {
      expectRefusal("Activation: expected input [B, …], got []") {
        try run(ActivationLayer(activation), Signal(Tensor.zeros([])))
      }
    }
    expectRefusal("GRU: expected input [B, T, I] with a known I, got [?, 3]") {
      try GRU(units: 2).build(inputShape: [nil, 3], random: RandomSource(seed: 1), dtype: .float32)
    }
  }

  @Test func weightsAreSetAllOrNone() throws {
    let layer = GRU(units: 3)
    expectRefusal("GRU: expected a built layer, got one that has not been built") { try layer.setWeights([]) }
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 1), dtype: .float32)
    let before = layer.weights
    #expect(before.map(\.shape) == [[2, 9], [3, 9], [2, 9]])
    let good = [Tensor.varied([2, 9], seed: 1), .varied([3, 9], seed: 2), .varied([2, 9], seed: 3)]
    expectRefusal("GRU: expected a weight bias of shape [2, 9], got shape [9]") {
      try layer.setWeights([good[0], good[1], .zeros([9])])
    }
    expectRefusal("GRU: expected a weight bias of shape [2, 9], got no more weights") {
      try layer.setWeights(Array(good[..<2]))
    }
    expectRefusal("GRU: expected 3 weights, got 4") { try layer.setWeights(good + [good[0]]) }
    for (weight, old) in zip(layer.weights, before) { expectIdentical(weight, old) }
    try layer.setWeights(good)
    for (weight, new) in zip(layer.weights, good) { expectIdentical(weight, new.converted(to: .float32)) }
  }

  @Test func modelErrorsNameTheLayer() throws {
    let model = Sequential {
      LSTM(units: 3, returnSequences: true)
      LSTM(units: 4)
      LSTM(units: 5)
    }
    expectRefusal(
      "lstm_2 (LSTM): expected input [B, T, I] with a known I "
        + "(set returnSequences on the layer before, \"lstm_1\"), got [?, 4]"
    ) {
      try model.build(inputShape: [nil, nil, 2])
    }
    expectRefusal("Sequential: expected at least one layer, got none") {
      try Sequential([]).build(inputShape: [nil, 2])
    }
    let returning = Sequential {
      LSTM(units: 3, returnSequences: true, returnState: true)
      GRU(units: 2)
    }
    expectRefusal("lstm: expected returnState on the last recurrent layer only, got a recurrent layer behind it") {
      try returning.build(inputShape: [nil, nil, 2])
    }
  }

  @Test func theRemedyNamesTheLayerThatEndsTheSequence() throws {
    func message(_ layers: any Layer...) -> String? {
      let error = #expect(throws: RecurraError.self) { try Sequential(layers).build(inputShape: [nil, nil, 2]) }
      return error?.expected
    }
    let remedy = "(set returnSequences on the layer before, "
    #expect(
      message(Bidirectional(GRU(units: 2)), SimpleRNN(units: 3))?.hasSuffix(remedy + "\"bidirectional\")") == true)
    let behindDense = message(LSTM(units: 2), Dense(units: 4), Bidirectional(LSTM(units: 3)))
    #expect(behindDense?.hasSuffix(remedy + "\"lstm\")") == true)
    #expect(message(LSTM(units: 2), TimeDistributed(Dense(units: 3)))?.hasSuffix(remedy + "\"lstm\")") == true)
    #expect(message(Sequential([GRU(units: 2)]), LSTM(units: 3))?.hasSuffix(remedy + "\"sequential\")") == true)
    // Nothing in front ends a sequence, or it is not the shape that is wrong.
    #expect(message(Flatten(), LSTM(units: 3))?.contains("returnSequences") == false)
    #expect(message(LSTM(units: 2), LSTM(units: 0))?.contains("returnSequences") == false)
    #expect(message(LSTM(units: 2), Dropout(rate: 2))?.contains("returnSequences") == false)
  }

  @Test func statesComeOutBehindLayersThatHaveNone() throws {
    let model = Sequential {
      Embedding(inputDim: 5, outputDim: 3)
      LSTM(units: 4, returnSequences: true, returnState: true)
      Dense(units: 2)
    }
    try model.build(inputShape: [nil, nil])
    let ids = Tensor([Int32(1), 2, 3, 4, 0, 1], shape: [2, 3])
    let whole = try model.forward(Signal(ids), ForwardContext())
    #expect(whole.states.map(\.shape) == [[2, 4], [2, 4]])
    let first = try model.forward(Signal(ids.sliced(0..<2, axis: 1)), ForwardContext())
    let rest = try model.forward(Signal(ids.sliced(2..<3, axis: 1), states: first.states), ForwardContext())
    expectClose(rest.value, whole.value.sliced(2..<3, axis: 1), relative: 1e-5, absolute: 1e-7)
  }

  @Test func oneModelAnswersManyThreadsAndIsBuiltOnce() async throws {
    let model = Sequential(seed: 2) {
      Embedding(inputDim: 20, outputDim: 9)
      Bidirectional(LSTM(units: 7))
      Dense(units: 3, activation: .softmax)
    }
    let ids = Tensor((0..<24).map { Int32($0 * 5 % 20) }, shape: [4, 6])
    let answers = try await withThrowingTaskGroup(of: Tensor.self) { group in
      for _ in 0..<16 { group.addTask { try model(ids) } }
      return try await group.reduce(into: [Tensor]()) { $0.append($1) }
    }
    for answer in answers { expectIdentical(answer, answers[0]) }
    let same = try Sequential(configuration: model.json, seed: 2)
    expectIdentical(try same(ids), answers[0], "a model that builds itself does so from its seed")
    let erased: any Layer = Sequential(model.layers, seed: 2)
    #expect(erased.seed == 2)
  }

  @Test func parametersAreDrawnOnlyWhenTheyAreRead() throws {
    let drawn = Parameter("kernel", shape: [2, 3], dtype: .float32) {
      Issue.record("drawn although a value was set first")
      return Tensor.zeros([2, 3])
    }
    #expect(drawn.count == 6)
    drawn.value = Tensor.ones([2, 3])
    #expect(drawn.value.doubles == [1, 1, 1, 1, 1, 1])
    drawn.update { $0 = $0 * 2 }
    #expect(drawn.versioned().version == 2 && drawn.value.doubles == [2, 2, 2, 2, 2, 2])
  }

  @Test func theBuilderTakesConditionsAndLoops() {
    func model(depth: Int, drops: Bool) -> [String] {
      Sequential {
        Embedding(inputDim: 5, outputDim: 3)
        for _ in 1..<depth { GRU(units: 4, returnSequences: true) }
        GRU(units: 4)
        if drops { Dropout(rate: 0.5) }
        if depth > 2 { Dense(units: 2) } else { Flatten() }
      }.layerNames
    }
    #expect(model(depth: 3, drops: true) == ["embedding", "gru", "gru_1", "gru_2", "dropout", "dense"])
    #expect(model(depth: 1, drops: false) == ["embedding", "gru", "flatten"])
  }
}
