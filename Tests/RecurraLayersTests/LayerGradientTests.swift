import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Every layer's gradients against central differences in float64; B, T, I and H all differ.
@Suite struct LayerGradientTests {
  let sequences = Tensor.varied([3, 5, 4], seed: 1)
  let rows = Tensor.varied([3, 4], seed: 2)

  @Test(arguments: [Activation.linear, .tanh, .softmax, .softplus, .elu])
  func denseOnRowsAndOnEveryTimestep(activation: Activation) throws {
    try expectLayerGradients(Dense(units: 6, activation: activation), input: Signal(rows), "\(activation)")
    try expectLayerGradients(Dense(units: 6, activation: activation), input: Signal(sequences), "\(activation)")
  }

  @Test func denseWithoutBias() throws {
    try expectLayerGradients(Dense(units: 6, useBias: false), input: Signal(rows))
  }

  @Test func embeddingAddsUpTheGradientsOfAnIdThatOccursTwice() throws {
    let ids = Tensor([Int32(1), 3, 1, 0, 6, 6, 2, 0, 0], shape: [3, 3])
    try expectLayerGradients(Embedding(inputDim: 7, outputDim: 5), input: Signal(ids))
    try expectLayerGradients(
      Embedding(inputDim: 7, outputDim: 5), input: Signal(Tensor([Int32(4), 2, 4, 0], shape: [2, 2])))
  }

  @Test func layerNormalizationWithAndWithoutScaleAndCenter() throws {
    try expectLayerGradients(LayerNormalization(), input: Signal(sequences))
    try expectLayerGradients(LayerNormalization(center: false, scale: true), input: Signal(sequences))
    try expectLayerGradients(LayerNormalization(center: true, scale: false), input: Signal(rows))
  }

  @Test func dropoutPassesTheGradientOfWhatItKept() throws {
    let dense = Sequential {
      Dense(units: 6)
      Dropout(rate: 0.4)
    }
    try expectLayerGradients(dense, input: Signal(sequences), isTraining: true)
  }

  @Test func shapesOnlyAndElementwiseLayers() throws {
    try expectLayerGradients(Flatten(), input: Signal(sequences))
    try expectLayerGradients(ActivationLayer(.tanh), input: Signal(sequences))
    try expectLayerGradients(TimeDistributed(Dense(units: 6, activation: .tanh)), input: Signal(sequences))
  }

  static let recurrent: [@Sendable (Bool) -> any RecurrentLayer] = [
    { SimpleRNN(units: 6, returnSequences: $0, returnState: true) },
    { SimpleRNN(units: 6, activation: .softsign, useBias: false, returnSequences: $0, returnState: true) },
    { LSTM(units: 6, returnSequences: $0, returnState: true) },
    { LSTM(units: 6, recurrentActivation: .softsign, returnSequences: $0, returnState: true, goBackwards: true) },
    { GRU(units: 6, returnSequences: $0, returnState: true) },
    { GRU(units: 6, useBias: false, returnSequences: $0, returnState: true, resetAfter: false) },
    { GRU(units: 6, returnSequences: $0, returnState: true, goBackwards: true, resetAfter: false) },
  ]

  @Test(arguments: recurrent.indices, [nil, [5, 1, 3]])
  func recurrentLayersWithInitialStates(index: Int, lengths: [Int]?) throws {
    for returnsSequences in [true, false] {
      let layer = Self.recurrent[index](returnsSequences)
      let states = (0..<layer.cell.stateCount).map { Tensor.varied([3, 6], seed: 5 + $0) }
      try expectLayerGradients(
        layer, input: Signal(sequences, lengths: lengths, states: states), "\(type(of: layer)) \(returnsSequences)")
    }
  }

  @Test(arguments: Bidirectional.Merge.allCases, [nil, [2, 5, 4]])
  func bidirectionalInEveryMergeMode(merge: Bidirectional.Merge, lengths: [Int]?) throws {
    for returnsSequences in [true, false] {
      let states = (0..<4).map { Tensor.varied([3, 6], seed: 5 + $0) }
      let layer = Bidirectional(
        LSTM(units: 6, returnSequences: returnsSequences, returnState: true), merge: merge)
      try expectLayerGradients(layer, input: Signal(sequences, lengths: lengths, states: states), "\(merge)")
    }
  }

  @Test func bidirectionalOfTwoDifferentLayers() throws {
    let layer = Bidirectional(
      GRU(units: 6, returnSequences: true),
      backwardLayer: LSTM(units: 7, returnSequences: true, goBackwards: true))
    try expectLayerGradients(layer, input: Signal(sequences, lengths: [4, 5, 1]))
  }

  @Test func aWholeModelFromMaskedIdsToProbabilities() throws {
    let model = Sequential {
      Embedding(inputDim: 9, outputDim: 4, maskZero: true)
      Bidirectional(LSTM(units: 5, returnSequences: true))
      LayerNormalization()
      GRU(units: 6)
      Dense(units: 3, activation: .softmax)
    }
    let ids = Tensor([Int32(1), 8, 3, 0, 0, 2, 2, 7, 5, 4], shape: [2, 5])
    try expectLayerGradients(model, input: Signal(ids))
  }
}
