import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers that go on from call to call, and states that are learned.
@Suite struct CarriedStateTests {
  private let x = Tensor.varied([3, 8, 2], seed: 8, dtype: .float32)
  private let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path

  private func stateful(_ layer: any Layer) throws -> any Layer {
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 2), dtype: .float32)
    return layer
  }

  @Test func aStatefulLayerGoesOnWhereItWas() throws {
    let pairs: [(carrying: any Layer, plain: any Layer)] = [
      (LSTM(units: 4, returnSequences: true, stateful: true), LSTM(units: 4, returnSequences: true)),
      (
        RNN([GRU(units: 4, stateful: true), SimpleRNN(units: 3, returnSequences: true, stateful: true)]),
        RNN([GRU(units: 4), SimpleRNN(units: 3, returnSequences: true)])
      ),
      (
        Recurrent(SlowCell(rate: 0.25), units: 4, returnSequences: true, stateful: true),
        Recurrent(SlowCell(rate: 0.25), units: 4, returnSequences: true)
      ),
    ]
    for (carrying, plain) in pairs {
      let (carrying, plain) = (try stateful(carrying), try stateful(plain))
      #expect(carrying.isStateful && !plain.isStateful)
      let whole = try plain(x)
      for _ in 0..<2 {
        for piece in [0..<3, 3..<4, 4..<8] {
          expectIdentical(try carrying(x.sliced(piece, axis: 1)), whole.sliced(piece, axis: 1), "\(carrying) \(piece)")
        }
        #expect(throws: RecurraError.self) { try carrying(x.sliced(0..<2)) }
        carrying.reset()
      }
    }
  }

  @Test func theDirectionsOfABidirectionalCarryTheirOwn() throws {
    for layers in [1, 2] {
      let carrying = try stateful(
        Bidirectional(
          (0..<layers).map { _ in LSTM(units: 3, returnSequences: true, returnState: true, stateful: true) }))
      let plain = try stateful(
        Bidirectional((0..<layers).map { _ in LSTM(units: 3, returnSequences: true, returnState: true) }))
      var states: [Value] = []
      for piece in [0..<3, 3..<8] {
        let own = Value(x.sliced(piece, axis: 1))
        let found = try carrying.forward([own], ForwardContext())
        let wanted = try plain.forward([own] + states, ForwardContext())
        for (value, wanted) in zip(found, wanted) { expectIdentical(value.tensor, wanted.tensor) }
        states = Array(wanted.dropFirst())
      }
    }
    let mixed = Bidirectional(
      LSTM(units: 3, stateful: true), backwardLayer: LSTM(units: 3, goBackwards: true))
    #expect(throws: RecurraError.self) { try stateful(mixed) }
  }

  @Test func marksBeginAnewInsideACarriedRow() throws {
    let carrying = try stateful(GRU(units: 4, returnSequences: true, stateful: true))
    let plain = try stateful(GRU(units: 4, returnSequences: true))
    _ = try carrying(x.sliced(0..<3, axis: 1))
    let marks = [[true, false], [false, true], [false, false]]
    let found = try carrying(x.sliced(3..<5, axis: 1), mask: .all.withResets(marks, to: .own))
    expectIdentical(found[0], try plain(x.sliced(3..<5, axis: 1))[0])
    expectIdentical(found[1][1], try plain(x.sliced(4..<5, axis: 1))[1][0])
    expectIdentical(found[2], try plain(x.sliced(0..<5, axis: 1))[2].sliced(3..<5))
  }

  @Test func aLearnedStateIsAParameterWithAGradientAndIsSaved() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let layer = LSTM(units: 3, learnsInitialState: true)
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 2), dtype: .float64)
    #expect(layer.parameters.map(\.name) == ["weights", "bias", "initial_state_0", "initial_state_1"])
    let plain = LSTM(units: 3)
    try plain.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 2), dtype: .float64)
    let double = x.converted(to: .float64)
    // Zeros at first.
    expectIdentical(try layer(double), try plain(double))
    let states = [Tensor.varied([3], seed: 3), .varied([3], seed: 4)]
    for (parameter, value) in zip(layer.parameters.suffix(2), states) { parameter.value = value }
    let spread = states.map { Tensor.zeros([3, 3], dtype: .float64) + $0 }
    let tracked = spread.map(\.tracked)
    let context = ForwardContext(isRecording: true)
    let wanted = try plain.forward([Value(double)] + tracked.map { Value($0) }, ForwardContext())[0].tensor
    let found = try layer.forward([Value(double)], context)[0].tensor
    expectIdentical(found, wanted)
    let gradients = found.sum().gradients(withRespectTo: layer.parameters.suffix(2).map { context.tensor($0) })
    for (gradient, wanted) in zip(gradients, wanted.sum().gradients(withRespectTo: tracked)) {
      expectClose(gradient, wanted.sum(axes: [0]))
    }
    let model = Sequential { LSTM(units: 3, learnsInitialState: true) }
    try model.build(inputShape: [nil, nil, 2])
    try model.setWeights(layer.weights.map { $0.converted(to: .float32) })
    try model.save(to: path)
    expectIdentical(try Sequential.load(from: path)(x), try model(x))
  }

  @Test func settingsAreSaved() throws {
    let layer = GRU(units: 3, stateful: true, learnsInitialState: true)
    let made = try Registry.standard.layer(from: layer.json)
    #expect(made.json == layer.json && made.isStateful)
    #expect(!LSTM(units: 3).json.text.contains("stateful"))
  }
}
