import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What holds for every layer when it is built again, frozen, or run in training.
@Suite struct BuildingTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shape: [Int?]
    let make: @Sendable () -> any Layer

    init(_ name: String, _ shape: [Int?] = [nil, nil, 3], _ make: @escaping @Sendable () -> any Layer) {
      (testDescription, self.shape, self.make) = (name, shape, make)
    }
  }

  static let kinds = [
    Kind("Dense") { Dense(units: 4) }, Kind("LSTM") { LSTM(units: 4) }, Kind("GRU") { GRU(units: 4) },
    Kind("SimpleRNN") { SimpleRNN(units: 4) }, Kind("LayerNormalization") { LayerNormalization() },
    Kind("Bidirectional") { Bidirectional(LSTM(units: 4)) },
    Kind("TimeDistributed") { TimeDistributed(Dense(units: 4)) },
    Kind("Embedding", [nil, nil]) { Embedding(inputDim: 5, outputDim: 4) },
    Kind("Sequential") { Sequential([GRU(units: 4), Dense(units: 2)]) },
  ]

  @Test(arguments: kinds) func buildingTwiceKeepsTheParameters(_ kind: Kind) throws {
    let layer = kind.make()
    try layer.build(inputShape: kind.shape, random: RandomSource(seed: 1), dtype: .float32)
    let parameters = layer.parameters
    #expect(!parameters.isEmpty)
    for (index, parameter) in parameters.enumerated() {
      parameter.value = Tensor.varied(parameter.shape, seed: index, dtype: .float32)
    }
    let values = parameters.map(\.value)
    try layer.build(inputShape: kind.shape, random: RandomSource(seed: 2), dtype: .float32)
    let isSame = layer.parameters.elementsEqual(parameters, by: ===)
    #expect(isSame)
    for (parameter, value) in zip(layer.parameters, values) { expectIdentical(parameter.value, value) }
  }

  @Test(arguments: kinds.filter { $0.shape.count == 3 && $0.testDescription != "Sequential" })
  func buildingForOtherFeaturesIsRefused(_ kind: Kind) throws {
    let layer = kind.make()
    try layer.build(inputShape: kind.shape, random: RandomSource(seed: 1), dtype: .float32)
    let error = #expect(throws: RecurraError.self) {
      try layer.build(inputShape: [nil, nil, 7], random: RandomSource(seed: 1), dtype: .float32)
    }
    #expect(error?.kind == .badData && error?.got == "[?, ?, 7]" || error?.got == "[?, 7]")
  }

  @Test(arguments: kinds) func frozenParametersHaveNoGradientAndTheOthersKeepTheirs(_ kind: Kind) throws {
    let (layer, head) = (kind.make(), Dense(units: 2))
    let model = Sequential([layer, head], seed: 3)
    try model.build(inputShape: kind.shape, dtype: .float64)
    let input =
      kind.shape.count == 2
      ? Tensor([Int32(1), 4, 2, 0, 3, 3], shape: [2, 3]) : Tensor.varied([2, 5, 3], seed: 4)
    func gradients() throws -> [Tensor] {
      let output = try model.forward(Signal(input), ForwardContext(isRecording: true)).value
      let seed = Tensor.varied(output.shape, seed: 5)
      return output.gradients(withRespectTo: model.parameters.map(\.tracked), seed: seed)
    }
    let before = try gradients()
    #expect(layer.isTrainable && model.isTrainable)
    layer.isTrainable = false
    #expect(!layer.isTrainable && model.isTrainable && layer.parameters.allSatisfy { !$0.isTrainable })
    let frozen = try gradients()
    let count = layer.parameters.count
    #expect(count > 0 && before[..<count].contains { $0.doubles.contains { $0 != 0 } })
    for gradient in frozen[..<count] { #expect(gradient.doubles.allSatisfy { $0 == 0 }) }
    for (gradient, former) in zip(frozen[count...], before[count...]) { expectIdentical(gradient, former) }
    let loaded = try Sequential(configuration: model.json)
    #expect(loaded.layers[0].isTrainable == false && loaded.layers[1].isTrainable)
    layer.isTrainable = true
    for (gradient, former) in zip(try gradients(), before) { expectIdentical(gradient, former) }
  }

  @Test func dropoutInAModelDropsInTrainingAlone() throws {
    let model = Sequential(seed: 3) {
      Dropout(rate: 0.5)
      TimeDistributed(Dropout(rate: 0.5))
      Sequential(name: "inner") { Dropout(rate: 0.5) }
    }
    try model.build(inputShape: [nil, 4, 6])
    let input = Tensor.varied([3, 4, 6], in: 1...2, dtype: .float32)
    expectIdentical(try model(input), input)
    expectIdentical(try model.forward(Signal(input), ForwardContext()).value, input)
    expectIdentical(try model.forward(Signal(input), ForwardContext(isRecording: true)).value, input)
    let dropped = try model.forward(Signal(input), ForwardContext(isTraining: true)).value
    #expect(dropped.doubles.contains(0))
  }

  @Test func dropoutLayersDropDifferentPlaces() throws {
    let ones = Tensor.ones([100, 40])
    /// The share of ones that is left behind some layers that drop a half each.
    func share(_ layers: [any Layer]) throws -> Double {
      let model = Sequential(layers)
      try model.build(inputShape: [nil, 40])
      let context = ForwardContext(isTraining: true, random: RandomSource(seed: 6))
      let output = try model.forward(Signal(ones), context).value.doubles
      return Double(output.filter { $0 != 0 }.count) / Double(output.count)
    }
    func half() -> Dropout { Dropout(rate: 0.5) }
    // Of those that drop the same places, a half would be left.
    #expect((try share([half()]) - 0.5).magnitude < 0.03)
    #expect((try share([half(), half()]) - 0.25).magnitude < 0.03)
    #expect((try share([half(), half(), half()]) - 0.125).magnitude < 0.03)
    #expect((try share([half(), Sequential([half()])]) - 0.25).magnitude < 0.03)
    #expect((try share([Sequential([half(), half()]), Sequential([half()])]) - 0.125).magnitude < 0.03)
  }

  @Test func dropoutPlacesFollowFromTheSource() throws {
    let layer = Dropout(rate: 0.5)
    let ones = Tensor.ones([20, 30])
    func dropped(_ seed: UInt64, _ stream: Int) throws -> Tensor {
      let context = ForwardContext(isTraining: true, random: RandomSource(seed: seed).stream(stream))
      return try layer.forward(Signal(ones), context).value
    }
    expectIdentical(try dropped(1, 2), try dropped(1, 2))
    #expect(try dropped(1, 2).doubles != dropped(1, 3).doubles)
    #expect(try dropped(1, 2).doubles != dropped(2, 2).doubles)
  }
}
