import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers stacked in one.
@Suite struct RNNTests {
  private static func built(_ layer: RNN, inputs: Int = 3) throws -> RNN {
    try layer.build(inputShape: [nil, nil, inputs], random: RandomSource(seed: 4), dtype: .float32)
    return layer
  }

  @Test(arguments: [false, true]) func aStackIsItsLayersInTurn(_ returnsSequences: Bool) throws {
    let stack = try Self.built(
      RNN([GRU(units: 4), LSTM(units: 5), SimpleRNN(units: 6, returnSequences: returnsSequences, returnState: true)]))
    let x = Tensor.varied([3, 7, 3], seed: 1, dtype: .float32)
    let mask = SequenceMask.lengths([7, 2, 5])
    let output = try stack.forward(Signal(x, mask: mask), ForwardContext())
    #expect(output.states.map(\.shape) == [[3, 4], [3, 5], [3, 5], [3, 6]])
    // The same layers, each told to give out every timestep.
    let apart: [any RecurrentLayer] = [
      GRU(units: 4, returnSequences: true, returnState: true),
      LSTM(units: 5, returnSequences: true, returnState: true),
      SimpleRNN(units: 6, returnSequences: returnsSequences, returnState: true),
    ]
    var (signal, states) = (Signal(x, mask: mask), [Tensor]())
    for (layer, own) in zip(apart, stack.layers) {
      try layer.build(inputShape: signal.shape.map { $0 }, random: RandomSource(seed: 9), dtype: .float32)
      try layer.setWeights(own.weights)
      signal.states = []
      signal = try layer.forward(signal, ForwardContext())
      states += signal.states
    }
    expectIdentical(output.value, signal.value)
    for (found, wanted) in zip(output.states, states) { expectIdentical(found, wanted) }
    // Going on from the states is going on.
    let (front, back) = (x.sliced(0..<3, axis: 1), x.sliced(3..<7, axis: 1))
    let before = try stack.forward(Signal(front), ForwardContext()).states
    let after = try stack.forward(Signal(back, states: before), ForwardContext())
    let whole = try stack.forward(Signal(x), ForwardContext())
    for (found, wanted) in zip(after.states, whole.states) { expectIdentical(found, wanted) }
    #expect(throws: RecurraError.self) {
      try stack.forward(Signal(back, states: Array(before.dropLast())), ForwardContext())
    }
  }

  @Test func residualConnectionsAddWhatIsRead() throws {
    let x = Tensor.varied([3, 4, 5], seed: 1, dtype: .float32)
    let mask = SequenceMask.lengths([4, 0, 2])
    for returnsSequences in [true, false] {
      let stack = try Self.built(
        RNN([GRU(units: 5), GRU(units: 5, returnSequences: returnsSequences)], residual: true), inputs: 5)
      let output = try stack.forward(Signal(x, mask: mask), ForwardContext()).value
      let plain = RNN(stack.layers)
      func layer(_ index: Int, _ input: Tensor) throws -> Tensor {
        let alone = GRU(units: 5, returnSequences: index == 0 || returnsSequences)
        try alone.build(inputShape: [nil, nil, 5], random: RandomSource(seed: 9), dtype: .float32)
        try alone.setWeights(plain.layers[index].weights)
        return try alone.forward(Signal(input, mask: mask), ForwardContext()).value
      }
      let first = try layer(0, x) + x
      var read = first
      if !returnsSequences {
        read = .stacked([first[0][3], .zeros([5]), first[2][1]])
      }
      expectIdentical(output, try layer(1, first) + read, "sequences \(returnsSequences)")
    }
  }

  @Test func betweenLayersAShareIsDropped() throws {
    let x = Tensor.ones([2, 3, 3])
    let stack = try Self.built(RNN(layers: 2, dropout: 0.5) { GRU(units: 6, returnSequences: true) })
    let training = ForwardContext(isTraining: true, isRecording: false, random: RandomSource(seed: 2))
    let (plain, dropped) = (
      try stack.forward(Signal(x), ForwardContext()).value, try stack.forward(Signal(x), training).value
    )
    #expect(plain.doubles != dropped.doubles)
    let single = try Self.built(RNN(layers: 1, dropout: 0.5) { GRU(units: 6, returnSequences: true) })
    expectIdentical(
      try single.forward(Signal(x), ForwardContext()).value, try single.forward(Signal(x), training).value)
  }

  @Test func aFileBringsItBackAndKerasCellsAreRead() throws {
    let stack = RNN(
      [LSTM(units: 4), GRU(units: 3, returnSequences: true)], dropout: 0.1, residual: true)
    let again = try #require(try Registry.standard.layer(from: stack.json) as? RNN)
    #expect(again.json == stack.json)
    let keras = #"""
      {"class_name": "RNN", "config": {"return_sequences": true, "cell": {"class_name": "StackedRNNCells", "config":
      {"cells": [{"class_name": "LSTMCell", "config": {"units": 4}}, {"class_name": "GRUCell", "config": {"units": 3}}]}}}}
      """#
    let read = try #require(try Registry.standard.layer(from: JSONValue(parsing: Array(keras.utf8))) as? RNN)
    #expect(read.layers.map { type(of: $0).typeName } == ["LSTM", "GRU"])
    #expect(read.layers.map(\.options.returnSequences) == [false, true])
  }

  @Test func whatCannotBeStackedIsRefused() throws {
    let twice = GRU(units: 2)
    for stack in [RNN([]), RNN([twice, twice]), RNN([GRU(units: 2, goBackwards: true)]), RNN([twice], dropout: 2)] {
      #expect(throws: RecurraError.self) { try Self.built(stack) }
    }
  }

  @Test func aModelWithAStackTrainsAndIsTraced() throws {
    let model = Sequential { RNN(layers: 2, residual: true) { MGU(units: 6, returnSequences: true) } }
    let traces = try model.traces(Tensor.varied([2, 5, 3], seed: 1, dtype: .float32))
    #expect(traces.count == 2 && traces.allSatisfy { $0.hidden.shape == [2, 5, 6] })
  }
}
