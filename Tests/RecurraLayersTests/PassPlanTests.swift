import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// How a pass goes through a graph is found once, for lists and graphs alike.
@Suite struct PassPlanTests {
  private func sequences(_ units: Int) -> LSTM { LSTM(units: units, returnSequences: true) }

  @Test func aChainKeepsNothingAndRunsItsStackTogether() throws {
    let layers: () -> [any Layer] = {
      [Dense(units: 4), self.sequences(3), self.sequences(2), LSTM(units: 5), Dense(units: 1)]
    }
    let x = Input(shape: [nil, 4])
    let graph = try Model(inputs: [x], outputs: [layers().reduce(x) { $1($0) }])
    for model in [Sequential(layers()), graph] as [any Network] {
      let pass = model.graph.pass
      #expect(pass.slotCount == 0 && pass.steps.allSatisfy { $0.takesSignal })
      #expect(pass.steps.map(\.stackCount) == [0, 3, 2, 1, 0])
    }
  }

  @Test func aStackInsideAGraphEndsWhereAnythingElseReads() throws {
    let x = Input(shape: [nil, 4])
    let first = sequences(3)(x)
    let second = sequences(3)(first)
    let third = sequences(3)(second)
    let whole = try Model(inputs: [x], outputs: [Add()(GRU(units: 3)(third), Dense(units: 3)(GRU(units: 3)(x)))])
    #expect(whole.graph.pass.steps.map(\.stackCount) == [4, 3, 2, 1, 1, 0, 0])
    // The second layer's output is the model's as well.
    let cut = try Model(inputs: [x], outputs: [third, second])
    #expect(cut.graph.pass.steps.map(\.stackCount) == [2, 1, 1])
    #expect(cut.graph.pass.steps.map(\.slots) == [[nil], [0], [nil]] && cut.graph.pass.slotCount == 1)
    let data = Tensor.varied([2, 5, 4], dtype: .float32)
    let outputs = try cut([data])
    expectIdentical(outputs[1], try Sequential(Array(cut.layers.prefix(2)))(data))
    expectIdentical(outputs[0], try Sequential(cut.layers)(data))
  }

  @Test func layersThatAskForMoreRunAlone() throws {
    let alone: [any Layer] = [
      LSTM(units: 3, returnSequences: true, goBackwards: true),
      Bidirectional(LSTM(units: 3, returnSequences: true)), Dropout(rate: 0.1),
    ]
    for layer in alone {
      #expect(Sequential([sequences(2), layer, sequences(2)]).graph.pass.steps.map(\.stackCount) == [1, 0, 1])
    }
    let last = Sequential([sequences(2), LSTM(units: 2, returnState: true)])
    #expect(last.graph.pass.steps.map(\.stackCount) == [1, 0])
    let many = Sequential((0..<40).map { _ in sequences(2) })
    #expect(many.graph.pass.steps.map(\.stackCount).prefix(10) == [32, 32, 32, 32, 32, 32, 32, 32, 32, 31])
  }

  @Test func inputsAndOutputsMayBeTheSameValue() throws {
    let x = Input(shape: [3])
    let dense = Dense(units: 3)
    let model = try Model(inputs: [x], outputs: [x, Add()(dense(x), dense(x)), dense(x)])
    let data = Tensor.varied([2, 3], dtype: .float32)
    let outputs = try model([data])
    expectIdentical(outputs[0], data)
    expectIdentical(outputs[1], try dense(data) + dense(data))
    expectIdentical(outputs[2], try dense(data))
    let twice = try Model(inputs: [x], outputs: [Add()(x, x)])
    expectIdentical(try twice(data), data + data)
    expectIdentical(try Model(inputs: [x], outputs: [x])(data), data)
  }

  @Test func statesOfAListAreOutputsOfAGraph() throws {
    let (list, alone) = (Sequential([LSTM(units: 3, returnState: true), Dense(units: 2)]), LSTM(units: 3))
    let x = Input(shape: [nil, 4])
    let model = try Model(inputs: [x], outputs: list([x]))
    #expect(try model.outputShapes(for: [[7, 5, 4]]) == [[7, 2], [7, 3], [7, 3]])
    let data = Tensor.varied([2, 5, 4], dtype: .float32)
    let outputs = try model([data])
    try alone.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 0), dtype: .float32)
    try alone.setWeights(list.layers[0].weights)
    expectIdentical(outputs[1], try alone(data))
    expectIdentical(outputs[0], try list.layers[1](outputs[1]))
    #expect(list.summary().contains("(None, 3)") && list.outputNames == ["dense"])
  }

  @Test func paddingIsCutPerInput() throws {
    let (words, other) = (Input(shape: [nil]), Input(shape: [nil, 2]))
    func cuts(_ inputs: [Input], _ outputs: [SymbolicValue]) throws -> [PaddingCut] {
      try Model(inputs: inputs, outputs: outputs).graph.paddingCuts
    }
    let table = Embedding(inputDim: 9, outputDim: 4, maskZero: true)(words)
    let read = [LSTM(units: 3)(table), GRU(units: 3)(sequences(5)(table))]
    #expect(try cuts([words], read) == [.behindLastID])
    #expect(
      try cuts([words, other], [Concatenate()(read[0], GRU(units: 2)(other))]) == [.behindLastID, .pastLongestLength])
    #expect(try cuts([words], read + [table]) == [.none])
    #expect(try cuts([words], [read[0], Flatten()(table)]) == [.none])
    #expect(try cuts([words], [GRU(units: 3, goBackwards: true)(table)]) == [.none])
    let plain = Embedding(inputDim: 9, outputDim: 4)(words)
    #expect(try cuts([words], [read[0], LSTM(units: 3)(plain)]) == [.pastLongestLength])
    // States are no timesteps, and timesteps are no states.
    #expect(
      try cuts([words, other], [GRU(units: 3)(table, GRU(units: 3)(other))]) == [.behindLastID, .pastLongestLength])
    let apart = Bidirectional(LSTM(units: 2, returnSequences: true), merge: .none)([other])
    #expect(try cuts([other], [GRU(units: 2)(apart[0]), GRU(units: 2)(apart[1])]) == [.pastLongestLength])
    #expect(try cuts([other], [GRU(units: 2)(apart[0]), Dense(units: 2)(apart[1])]) == [.none])
  }
}
