import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// The one recurrent layer with cells of one's own, and with those that have parameters beside `[W; U]`.
@Suite struct RecurrentOfOwnTests {
  private let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path

  @Test func aComposedCellIsSavedReversedAndMaskedLikeAnyOther() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let registry = Registry.standard.adding(Recurrent<SlowCell>.self)
    let model = Sequential(seed: 3) {
      Bidirectional(Recurrent(SlowCell(rate: 0.25), units: 4, returnSequences: true))
      Recurrent(SlowCell(), units: 3, useBias: false)
    }
    let input = Tensor.varied([3, 5, 2], seed: 1, dtype: .float32)
    let wanted = try model(input, lengths: [5, 2, 4])
    #expect(model.namedParameters.map(\.path).filter { $0.hasSuffix("bias") }.count == 2)
    try model.save(to: path)
    let loaded = try Sequential.load(from: path, registry: registry)
    expectIdentical(try loaded(input, lengths: [5, 2, 4]), wanted)
    #expect(loaded.json == model.json)
    #expect(model.json.text.contains("\"rate\":0.25"))
    // A short row is what it is alone.
    expectClose(
      try model(input.sliced(1..<2).sliced(0..<2, axis: 1)), wanted.sliced(1..<2), relative: Tolerance.float32)
    // And NaN in its padding changes nothing.
    let isValid = Tensor((0..<15).map { Int32([5, 2, 4][$0 / 5] > $0 % 5 ? 1 : 0) }, shape: [3, 5, 1])
    let spoilt = Tensor.select(isValid, input, .zeros([3, 5, 2]) + .nan)
    expectIdentical(try model(spoilt, lengths: [5, 2, 4]), wanted)
  }

  @Test func parametersStartAsTheCellSays() throws {
    let layer = Recurrent(SlowCell(), units: 50)
    try layer.build(inputShape: [nil, nil, 30], random: RandomSource(seed: 5), dtype: .float64)
    #expect(layer.parameters.map(\.name) == ["kernel", "gain", "bias"])
    #expect(layer.parameters[1].value.doubles == [Double](repeating: 1, count: 50))
    #expect(layer.parameters[2].value.doubles == [Double](repeating: 0, count: 50))
    let limit = (6.0 / 80).squareRoot()
    let kernel = layer.parameters[0].value.doubles
    #expect(kernel.allSatisfy { abs($0) <= limit } && kernel.contains { abs($0) > 0.9 * limit })

    let independent = IndRNN(units: 200)
    try independent.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 5), dtype: .float64)
    #expect(independent.weights.map(\.shape) == [[3, 200], [200], [200]])
    #expect(independent.parameters.map(\.name) == ["weights", "bias", "recurrent_kernel"])
    #expect(independent.recurrentKernel == nil)
    let u = independent.weights[2].doubles
    #expect(u.allSatisfy { (0...1).contains($0) } && u.contains { $0 < 0.05 } && u.contains { $0 > 0.95 })

    let looking = LSTM(units: 50, usePeepholes: true)
    try looking.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 5), dtype: .float64)
    #expect(
      looking.parameters.map(\.name)
        == ["weights", "bias", "input_peephole", "forget_peephole", "output_peephole"])
    #expect(looking.bias?.doubles == (0..<200).map { $0 / 50 == 1 ? 1 : 0 })
    let peepholes = looking.weights[3...5].flatMap(\.doubles)
    // A vector's fans are its own length.
    #expect(peepholes.allSatisfy { abs($0) <= (6.0 / 100).squareRoot() } && Set(peepholes).count == 150)
    let odd = LSTM(
      units: 4, kernelInitializer: .orthogonal(), unitForgetBias: false, usePeepholes: true)
    try odd.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 5), dtype: .float64)
    #expect(abs(odd.weights[3].squared.sum().doubles[0] - 1) < 1e-12)
    #expect(odd.bias?.doubles.allSatisfy { $0 == 0 } == true)
  }

  @Test func weightsGoOverInTheOrderTheyComeIn() throws {
    for layer in [LSTM(units: 3, usePeepholes: true), IndRNN(units: 3), Recurrent(SlowCell(), units: 3)] as [any Layer]
    {
      try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 5), dtype: .float64)
      let given = layer.weights.enumerated().map { Tensor.varied($1.shape, seed: 30 + $0) }
      try layer.setWeights(given)
      for (found, wanted) in zip(layer.weights, given) { expectIdentical(found, wanted) }
      #expect(throws: RecurraError.self) { try layer.setWeights(Array(given.dropLast())) }
      #expect(throws: RecurraError.self) { try layer.setWeights(given.reversed()) }
    }
  }

  @Test func aCellWithoutUHasNoSpectra() throws {
    let layer = IndRNN(units: 3)
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 5), dtype: .float64)
    let error = #expect(throws: RecurraError.self) { try layer.recurrentSpectra() }
    #expect(error?.kind == .badArgument)
  }
}
