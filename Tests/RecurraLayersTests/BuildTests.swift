import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What building a second time does, and which layers may stand behind each other.
@Suite struct BuildTests {
  private static let layers: [@Sendable () -> any Layer] = [
    { Dense(units: 3) }, { LayerNormalization() }, { LayerNormalization(center: false) }, { SimpleRNN(units: 3) },
    { LSTM(units: 3) }, { GRU(units: 3) }, { Bidirectional(LSTM(units: 3)) },
    { TimeDistributed(Dense(units: 3)) }, { TimeDistributed(LayerNormalization()) },
    { Sequential([LayerNormalization(), Dense(units: 2)]) },
  ]

  @Test(
    "A second build of the same shape keeps the parameters; another number of features is refused", arguments: layers)
  func twice(make: @Sendable () -> any Layer) throws {
    let layer = make()
    func build(_ features: Int, seed: UInt64) throws {
      try layer.build(inputShape: [nil, 5, features], random: RandomSource(seed: seed), dtype: .float32)
    }
    try build(4, seed: 1)
    let (before, values) = (layer.parameters, layer.weights)
    #expect(!before.isEmpty)
    try build(4, seed: 2)
    #expect(layer.parameters.elementsEqual(before) { $0 === $1 })
    for (value, old) in zip(layer.weights, values) { expectIdentical(value, old) }
    // A model keeps the shape it was built for; its layers refuse what does not fit when it runs.
    if !(layer is Sequential) {
      let error = #expect(throws: RecurraError.self) { try build(7, seed: 1) }
      #expect(error?.kind == .badData)
    }
    #expect(layer.parameters.elementsEqual(before) { $0 === $1 })
    #expect(try layer.forward(Signal(Tensor.zeros([2, 5, 4])), ForwardContext()).value.shape[0] == 2)
    #expect(throws: RecurraError.self) { try layer.forward(Signal(Tensor.zeros([2, 5, 7])), ForwardContext()) }
  }

  private static let returning: [@Sendable () -> any Layer] = [
    { LSTM(units: 3, returnSequences: true, returnState: true) },
    { GRU(units: 3, returnSequences: true, returnState: true) },
    { Bidirectional(SimpleRNN(units: 3, returnSequences: true, returnState: true)) },
  ]
  private static let recurrent: [@Sendable () -> any Layer] = [
    { SimpleRNN(units: 2) }, { Bidirectional(LSTM(units: 2)) }, { Bidirectional(GRU(units: 2), merge: .sum) },
  ]

  @Test(
    "A layer that returns its states has no recurrent layer behind it, of either kind: it would take them for its own",
    arguments: returning, recurrent)
  func states(first: @Sendable () -> any Layer, second: @Sendable () -> any Layer) throws {
    for between in [[any Layer](), [Dense(units: 4)]] {
      let model = Sequential([first()] + between + [second()])
      let error = #expect(throws: RecurraError.self) { try model.build(inputShape: [nil, nil, 2]) }
      #expect(error?.kind == .badArgument && error?.expected == "returnState on the last recurrent layer only")
      #expect(error?.operation == model.layerNames[0])
    }
    try Sequential([first(), Dense(units: 2)]).build(inputShape: [nil, nil, 2])
  }
}
