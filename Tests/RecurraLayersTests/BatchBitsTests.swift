import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// A row's result has the same bits in any batch, whatever its size and whoever else is in it.
@Suite(.serialized) struct BatchBitsTests {
  private static let most = 130

  private func model(_ layers: [any Layer]) throws -> Sequential {
    let model = Sequential(layers, seed: 5)
    try model.build(inputShape: [nil, nil, 6])
    for (index, parameter) in model.parameters.enumerated() {
      parameter.value = .varied(parameter.shape, seed: 20 + index, in: -0.7...0.8, dtype: .float32)
    }
    return model
  }

  private func expectSameInEveryBatch(
    _ model: Sequential, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try MultiplierChoice.with(.packed) {
      let input = Tensor.varied([Self.most, 4, 6], seed: 9, dtype: .float32)
      let whole = try model.forward(Signal(input), ForwardContext()).value
      for batch in 1..<Self.most {
        let first = (batch * 31) % (Self.most - batch + 1)
        let part = try model.forward(Signal(input[first..<(first + batch)]), ForwardContext()).value
        expectIdentical(part, whole[first..<(first + batch)], "\(batch) rows", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func aHeadBehindTheLastState() throws {
    try expectSameInEveryBatch(model([LSTM(units: 20), Dense(units: 70, activation: .softmax)]))
  }

  @Test func cellsWithoutFusedGates() throws {
    try expectSameInEveryBatch(
      model([
        GRU(units: 11, returnSequences: true, resetAfter: false),
        LSTM(units: 9, recurrentActivation: .hardSigmoid, returnSequences: true),
        SimpleRNN(units: 7, activation: .relu),
      ]))
  }

  @Test func aHeadAtEveryTimestep() throws {
    try expectSameInEveryBatch(
      model([
        LSTM(units: 20, returnSequences: true), TimeDistributed(Dense(units: 5, activation: .tanh)),
        Dense(units: 9, useBias: false),
      ]))
  }
}
