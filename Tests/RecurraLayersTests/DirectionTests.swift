import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Directions that differ: each is computed with its own settings, whether the two are one operation or not.
@Suite struct DirectionTests {
  struct Pair: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let forward: @Sendable () -> any RecurrentLayer
    let backward: @Sendable () -> any RecurrentLayer

    init(
      _ reason: String, _ forward: @escaping @Sendable () -> any RecurrentLayer,
      _ backward: @escaping @Sendable () -> any RecurrentLayer
    ) {
      (testDescription, self.forward, self.backward) = (reason, forward, backward)
    }
  }

  static let pairs = [
    Pair("activation of an LSTM") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      LSTM(units: 5, activation: .softsign, returnSequences: true, goBackwards: true)
    },
    Pair("recurrent activation of an LSTM") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      LSTM(units: 5, recurrentActivation: .hardSigmoid, returnSequences: true, goBackwards: true)
    },
    Pair("recurrent activation of a GRU") {
      GRU(units: 5, recurrentActivation: .tanh, returnSequences: true)
    } _: {
      GRU(units: 5, returnSequences: true, goBackwards: true)
    },
    Pair("the reset of a GRU") {
      GRU(units: 5, returnSequences: true)
    } _: {
      GRU(units: 5, returnSequences: true, goBackwards: true, resetAfter: false)
    },
    Pair("activation of a SimpleRNN") {
      SimpleRNN(units: 5, activation: .relu, returnSequences: true)
    } _: {
      SimpleRNN(units: 5, returnSequences: true, goBackwards: true)
    },
    Pair("units") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      LSTM(units: 4, returnSequences: true, goBackwards: true)
    },
    Pair("the kind of layer") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      SimpleRNN(units: 5, returnSequences: true, goBackwards: true)
    },
    Pair("the bias") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      LSTM(units: 5, useBias: false, returnSequences: true, goBackwards: true)
    },
    Pair("how they begin") {
      GRU(units: 5, kernelInitializer: .heNormal, returnSequences: true)
    } _: {
      GRU(units: 5, recurrentInitializer: .glorotUniform, returnSequences: true, goBackwards: true)
    },
    Pair("nothing") {
      LSTM(units: 5, returnSequences: true)
    } _: {
      LSTM(units: 5, returnSequences: true, goBackwards: true)
    },
  ]

  /// The outputs of the two layers by themselves, both in the order of time.
  private func alone(_ layer: Bidirectional, _ input: Tensor) throws -> (forward: Tensor, backward: Tensor) {
    let backward = try layer.backwardLayer.forward(Signal(input), ForwardContext()).value
    let order = Tensor((0..<Int32(input.shape[1])).reversed().map { $0 })
    return (
      try layer.forwardLayer.forward(Signal(input), ForwardContext()).value,
      backward.transposed(0, 1).gathered(order).transposed(0, 1)
    )
  }

  @Test(arguments: pairs, [DType.float32, .float64]) func haveTheirOwnSettings(_ pair: Pair, _ dtype: DType) throws {
    let layer = Bidirectional(pair.forward(), backwardLayer: pair.backward())
    try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 2), dtype: dtype)
    for (index, parameter) in layer.parameters.enumerated() {
      parameter.value = Tensor.varied(parameter.shape, seed: 20 + index, dtype: dtype)
    }
    let input = Tensor.varied([2, 7, 3], seed: 4, dtype: dtype)
    let (forward, backward) = try alone(layer, input)
    let wanted = Tensor.concatenated([forward, backward], axis: -1)
    let closeness = dtype == .float32 ? 1e-6 : 1e-14
    expectClose(try layer(input), wanted, absolute: closeness, pair.testDescription)
    // And the same after a way through JSON.
    let copy = try Registry.standard.layer(from: layer.json)
    try copy.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 9), dtype: dtype)
    try copy.setWeights(layer.weights)
    expectClose(try copy.callAsFunction(input), wanted, absolute: closeness, pair.testDescription)
  }

  @Test func mayDifferInASettingThatOnlyALayerOfOnesOwnHas() throws {
    let layer = Bidirectional(
      Leaky(units: 3, slope: 0.25, returnSequences: true),
      backwardLayer: Leaky(units: 3, slope: 0.75, returnSequences: true, goBackwards: true))
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 2), dtype: .float64)
    let input = Tensor.varied([2, 7, 2], seed: 4)
    let (forward, backward) = try alone(layer, input)
    expectClose(try layer(input), .concatenated([forward, backward], axis: -1), absolute: 1e-14)
  }
}
