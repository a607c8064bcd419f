import Foundation
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Gates that begin to remember for a number of timesteps.
@Suite struct ChronoTests {
  private static func bias(_ layer: any RecurrentLayer, seed: UInt64 = 3) throws -> Tensor {
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: seed), dtype: .float64)
    return layer.parameters[1].value
  }

  @Test("An LSTM's forget gates begin at log u, its input gates at −log u, the others at 0")
  func lstm() throws {
    let bias = try Self.bias(LSTM(units: 20_000, biasInitializer: .chrono(steps: 101))).doubles
    let (enter, keep, rest) = (bias[0..<20_000], bias[20_000..<40_000], bias[40_000...])
    #expect(zip(enter, keep).allSatisfy { $0 == -$1 })
    #expect(rest.allSatisfy { $0 == 0 })
    let u = keep.map { exp($0) }
    #expect(u.allSatisfy { $0 >= 1 && $0 <= 100 })
    // Evenly from 1 to 100: mean 50.5, a fifth of the numbers in each fifth of the range.
    #expect(abs(u.reduce(0, +) / 20_000 - 50.5) < 0.8)
    for fifth in 0..<5 {
      let count = u.count { $0 >= 1 + 19.8 * Double(fifth) && $0 < 1 + 19.8 * Double(fifth + 1) }
      #expect((3_800...4_200).contains(count))
    }
    #expect(try Self.bias(LSTM(units: 20_000, biasInitializer: .chrono(steps: 101))).doubles == bias)
    #expect(try Self.bias(LSTM(units: 20_000, biasInitializer: .chrono(steps: 101)), seed: 4).doubles != bias)
  }

  @Test("A GRU's update gates begin at log u, all else at 0, whatever the shape of the bias", arguments: [false, true])
  func gru(resetAfter: Bool) throws {
    let bias = try Self.bias(GRU(units: 6, biasInitializer: .chrono(steps: 10), resetAfter: resetAfter))
    #expect(bias.shape == (resetAfter ? [2, 18] : [18]))
    #expect(bias.doubles[0..<6].allSatisfy { $0 > 0 && $0 <= log(9) })
    #expect(bias.doubles[6...].allSatisfy { $0 == 0 })
  }

  @Test("Layers without such gates, and fewer than three steps, are refused when they are built")
  func refusals() throws {
    let layers: [any Layer] = [
      SimpleRNN(units: 3, biasInitializer: .chrono(steps: 9)), LSTM(units: 3, biasInitializer: .chrono(steps: 2)),
      LSTM(units: 3, biasInitializer: .chrono(steps: .max)), GRU(units: 3, biasInitializer: .chrono(steps: -1)),
      LSTM(units: 3, kernelInitializer: .chrono(steps: 9)), LSTM(units: 3, recurrentInitializer: .chrono(steps: 9)),
    ]
    for layer in layers {
      let error = #expect(throws: RecurraError.self) {
        try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 1), dtype: .float32)
      }
      #expect(error?.kind == .badArgument)
    }
    let dense = Dense(units: 3, biasInitializer: .chrono(steps: 9))
    #expect(throws: RecurraError.self) {
      try dense.build(inputShape: [nil, 2], random: RandomSource(seed: 1), dtype: .float32)
    }
  }

  @Test("It is written to a file and read again")
  func configuration() throws {
    let model = Sequential([LSTM(units: 3, biasInitializer: .chrono(steps: 40))])
    let again = try Registry.standard.layer(from: model.json)
    let layer = try #require((again as? Sequential)?.layers[0] as? LSTM)
    #expect(layer.options.biasInitializer == .chrono(steps: 40))
    let expected = #""bias_initializer":{"class_name":"Chrono","config":{"steps":40}}"#
    #expect(model.json.text.contains(expected), "\(model.json.text)")
  }
}
