import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What recurrent layers drop or hold while they are trained.
@Suite(.serialized) struct NoisyLayerTests {
  private static func training(_ seed: UInt64 = 7) -> ForwardContext {
    ForwardContext(isTraining: true, isRecording: false, random: RandomSource(seed: seed))
  }

  /// A layer without bias and functions, with weights [W; U].
  private static func linear(
    _ kernel: Tensor, _ recurrent: Tensor, _ noise: RecurrentNoise, returnSequences: Bool = true
  ) throws -> SimpleRNN {
    let layer = SimpleRNN(
      SimpleRNNCell(activation: .linear), units: recurrent.shape[0], useBias: false, returnSequences: returnSequences,
      noise: noise)
    try layer.build(
      inputShape: [nil, nil, kernel.shape[0]], random: RandomSource(seed: 1), dtype: kernel.dtype)
    try layer.setWeights([kernel, recurrent])
    return layer
  }

  private static func identity(_ count: Int) -> Tensor {
    Tensor((0..<count * count).map { $0 % (count + 1) == 0 ? 1.0 : 0 }, shape: [count, count])
  }

  @Test func anInputIsDroppedForAWholeSequence() throws {
    let layer = try Self.linear(Self.identity(40), .zeros([40, 40], dtype: .float64), RecurrentNoise(dropout: 0.25))
    let x = Tensor.varied([6, 5, 40], seed: 1)
    let output = try layer.forward(Signal(x), Self.training()).value
    let ratio = (output / x).doubles
    var dropped = 0
    for row in 0..<6 {
      for unit in 0..<40 {
        let all = (0..<5).map { ratio[(row * 5 + $0) * 40 + unit] }
        #expect(all.allSatisfy { $0 == 0 } || all.allSatisfy { abs($0 - 4.0 / 3) < 1e-12 }, "\(all)")
        if all[0] == 0 { dropped += 1 }
      }
    }
    #expect((40..<80).contains(dropped), "\(dropped) of 240")
    expectIdentical(try layer.forward(Signal(x), ForwardContext()).value, x, "outside training")
  }

  @Test func aStateIsDroppedForAWholeSequence() throws {
    let layer = try Self.linear(
      .zeros([3, 40], dtype: .float64), Self.identity(40), RecurrentNoise(recurrentDropout: 0.5))
    let output = try layer.forward(
      Signal(.zeros([6, 4, 3], dtype: .float64), states: [.ones([6, 40], dtype: .float64)]), Self.training()
    ).value
    let values = output.doubles
    var dropped = 0
    for row in 0..<6 {
      for unit in 0..<40 {
        let all = (0..<4).map { values[(row * 4 + $0) * 40 + unit] }
        #expect(all == [0, 0, 0, 0] || all == [2, 4, 8, 16], "\(all)")
        if all[0] == 0 { dropped += 1 }
      }
    }
    #expect((90..<150).contains(dropped), "\(dropped) of 240")
  }

  @Test func weightsAreDroppedForAWholeBatch() throws {
    let layer = try Self.linear(
      .zeros([3, 30], dtype: .float64), .ones([30, 30], dtype: .float64), RecurrentNoise(weightDropout: 0.5))
    let output = try layer.forward(
      Signal(.zeros([4, 1, 3], dtype: .float64), states: [.ones([4, 30], dtype: .float64)]), Self.training()
    ).value
    for row in 1..<4 { expectIdentical(output[row], output[0], "row \(row)") }
    let kept = output[0].doubles.reduce(0, +) / 2
    #expect(output[0].doubles.allSatisfy { $0.truncatingRemainder(dividingBy: 2) == 0 })
    #expect((380...520).contains(kept), "\(kept) of 900")
  }

  @Test func heldUnitsAreTheMeanOutsideTraining() throws {
    let layer = try Self.linear(Self.identity(4), .zeros([4, 4], dtype: .float64), RecurrentNoise(zoneout: 0.25))
    let x = Tensor.varied([2, 2, 4], seed: 1)
    let output = try layer.forward(Signal(x), ForwardContext()).value
    let first = x.sliced(0..<1, axis: 1) * 0.75
    expectClose(output.sliced(0..<1, axis: 1), first, relative: 1e-14)
    expectClose(output.sliced(1..<2, axis: 1), first * 0.25 + x.sliced(1..<2, axis: 1) * 0.75, relative: 1e-14)
  }

  static let noises: [RecurrentNoise] = [
    RecurrentNoise(dropout: 0.3), RecurrentNoise(recurrentDropout: 0.3), RecurrentNoise(zoneout: 0.3),
    RecurrentNoise(memoryZoneout: 0.3), RecurrentNoise(weightDropout: 0.3),
    RecurrentNoise(dropout: 0.2, recurrentDropout: 0.2, zoneout: 0.2, memoryZoneout: 0.2, weightDropout: 0.2),
  ]

  @Test(arguments: noises) func aSeedDecidesWhateverTheThreads(_ noise: RecurrentNoise) throws {
    for isBoth in [false, true] {
      let one = Recurrent(LSTMCell(), units: 12, returnSequences: true, noise: noise)
      let layer: any Layer = isBoth ? Bidirectional(one) : one
      try layer.build(inputShape: [nil, nil, 5], random: RandomSource(seed: 3), dtype: .float32)
      let x = Tensor.varied([40, 9, 5], seed: 2, dtype: .float32)
      let mask = SequenceMask.lengths((0..<40).map { 1 + $0 % 9 })
      func run(_ seed: UInt64) throws -> [Tensor] {
        let context = ForwardContext(isTraining: true, isRecording: true, random: RandomSource(seed: seed))
        let output = try layer.forward(Signal(x, mask: mask), context).value
        return [output.detached] + output.sum().gradients(withRespectTo: layer.parameters.map(\.tracked))
      }
      try expectSameBitsOnAnyThreads { try run(5) }
      let (first, second, other) = (try run(5), try run(5), try run(6))
      for (first, second) in zip(first, second) { expectIdentical(first, second) }
      #expect(first[0].doubles != other[0].doubles)
    }
  }

  @Test func aRowHasItsDrawsInAnyBlock() throws {
    let layer = Recurrent(
      GRUCell(), units: 8, returnSequences: true,
      noise: RecurrentNoise(dropout: 0.3, recurrentDropout: 0.3, zoneout: 0.3))
    try layer.build(inputShape: [nil, nil, 5], random: RandomSource(seed: 3), dtype: .float32)
    let x = Tensor.varied([6, 4, 5], seed: 2, dtype: .float32)
    let whole = try layer.forward(Signal(x), Self.training()).value
    for first in [0, 2, 4] {
      var context = Self.training()
      context.firstRow = first
      let block = try layer.forward(Signal(x.sliced(first..<first + 2)), context).value
      expectIdentical(block, whole.sliced(first..<first + 2), "rows from \(first)")
    }
  }

  @Test func statesGivenOutAreTheLayersOwn() throws {
    let layer = Recurrent(
      LSTMCell(), units: 3, returnState: true, noise: RecurrentNoise(recurrentDropout: 0.5, zoneout: 0.5))
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 3), dtype: .float32)
    let output = try layer.forward(Signal(.ones([2, 3, 2])), Self.training())
    #expect(output.states.map(\.shape) == [[2, 3], [2, 3]])
  }

  @Test func badSharesAndCellsAreRefusedWithTheSetting() throws {
    func refusal(_ layer: any Layer) -> String? {
      do throws(RecurraError) {
        try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 3), dtype: .float32)
        return nil
      } catch { return error.description }
    }
    #expect(refusal(LSTM(units: 2, dropout: 1.5)) == "LSTM: expected dropout in 0.0...1.0, got 1.5")
    #expect(refusal(GRU(units: 2, recurrentDropout: .nan))?.contains("recurrent_dropout") == true)
    #expect(
      refusal(Recurrent(MinGRUCell(), units: 2, noise: RecurrentNoise(zoneout: 0.1)))?
        .contains("a cell that does not multiply h with U") == true)
    #expect(
      refusal(Recurrent(GRUCell(), units: 2, noise: RecurrentNoise(memoryZoneout: 0.1)))?
        .contains("a memory beside h") == true)
    #expect(refusal(LSTM(units: 2, clip: -1)) == "LSTM: expected clip a number above 0, got -1.0")
    #expect(refusal(LSTM(units: 2, projectionUnits: 3)) == "LSTM: expected projection_units in 1...2, got 3")
  }
}
