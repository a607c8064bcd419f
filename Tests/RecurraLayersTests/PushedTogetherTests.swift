import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Every recurrent layer: a row with holes is, to the bit, the row with the timesteps that count pushed together, and
/// what is masked reaches nothing, NaN included.
@Suite struct PushedTogetherTests {
  struct Maker: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (_ sequences: Bool) -> any Layer

    init(_ name: String, _ make: @escaping @Sendable (_ sequences: Bool) -> any Layer) {
      (testDescription, self.make) = (name, make)
    }
  }

  static let makers: [Maker] = [
    Maker("SimpleRNN") { SimpleRNN(units: 4, returnSequences: $0, returnState: true) },
    Maker("LSTM") { LSTM(units: 4, returnSequences: $0, returnState: true) },
    Maker("LSTM, backwards") { LSTM(units: 4, returnSequences: $0, returnState: true, goBackwards: true) },
    Maker("GRU") { GRU(units: 4, returnSequences: $0, returnState: true) },
    Maker("IndRNN") { IndRNN(units: 4, returnSequences: $0, returnState: true) },
    Maker("MGU") { MGU(units: 4, returnSequences: $0, returnState: true) },
    Maker("MinGRU") { MinGRU(units: 4, returnSequences: $0, returnState: true) },
    Maker("MinLSTM") { MinLSTM(units: 4, returnSequences: $0, returnState: true) },
    Maker("SLSTM") { SLSTM(units: 4, returnSequences: $0, returnState: true) },
    Maker("LayerNormLSTM") { LayerNormLSTM(units: 4, returnSequences: $0, returnState: true) },
    Maker("LayerNormGRU") { LayerNormGRU(units: 4, returnSequences: $0, returnState: true) },
    Maker("Bidirectional") { Bidirectional(LSTM(units: 4, returnSequences: $0, returnState: true)) },
    Maker("Bidirectional, multiplied") { Bidirectional(GRU(units: 4, returnSequences: $0), merge: .multiply) },
    Maker("deep Bidirectional") { Bidirectional([GRU(units: 3), SimpleRNN(units: 4, returnSequences: $0)]) },
    Maker("RNN") { RNN([LSTM(units: 3), GRU(units: 4, returnSequences: $0, returnState: true)]) },
  ]

  static let (rows, timesteps, inputs) = (4, 7, 3)
  /// Holes, padding in front, a single timestep, and a full row.
  static let steps: [[Bool]] = [
    [true, false, true, true, false, true, false], [false, false, true, true, true, true, true],
    [false, false, false, true, false, false, false], [true, true, true, true, true, true, true],
  ]
  /// Where each row's timesteps that count stand, and those that do not behind them.
  static let order: [[Int]] = steps.map { row in row.indices.filter { row[$0] } + row.indices.filter { !row[$0] } }
  static let lengths = steps.map { row in row.count { $0 } }

  static func stained(_ x: Tensor, _ mask: SequenceMask, _ number: Double = .nan) -> Tensor {
    let counts = mask.tensor(rows: rows, timesteps: timesteps, dtype: .int32).expanded(at: 2)
    return .select(counts, x, Tensor(number, dtype: x.dtype))
  }

  static func pushed(_ x: Tensor) -> Tensor {
    .stacked(order.enumerated().map { row, order in .stacked(order.map { x[row][$0] }) })
  }

  /// Outputs, states, and gradients of the parameters and then of the input.
  static func run(_ layer: any Layer, _ x: Tensor, _ mask: SequenceMask, upstream: Tensor) throws -> [Tensor] {
    let x = x.tracked
    let output = try layer.forward(Signal(x, mask: mask), ForwardContext(isTraining: true, isRecording: true))
    let states = output.states.map { $0.sum() }.reduce(Tensor(0, dtype: x.dtype)) { $0 + $1 }
    let sum = (output.value * upstream).sum() + states
    return [output.value] + output.states
      + sum.gradients(withRespectTo: layer.parameters.map(\.tracked) + [x])
  }

  @Test(arguments: makers, [true, false])
  func aRowWithHolesIsTheRowPushedTogether(_ maker: Maker, _ sequences: Bool) throws {
    let x = Tensor.varied([Self.rows, Self.timesteps, Self.inputs], seed: 4, dtype: .float32)
    let layer = maker.make(sequences)
    try layer.build(inputShape: [nil, nil, Self.inputs], random: RandomSource(seed: 2), dtype: .float32)
    for (index, parameter) in layer.parameters.enumerated() {
      parameter.value = .varied(parameter.shape, seed: 40 + index, in: -0.8...0.9, dtype: .float32)
    }
    let mask = try SequenceMask(steps: Self.steps)
    let isBackwards = (layer as? LSTM)?.options.goBackwards == true
    let shape = try layer.forward(Signal(x), ForwardContext()).value.shape
    var upstream = Tensor.varied(shape, seed: 9, dtype: .float32)
    // Outputs at masked timesteps repeat others: here nothing hangs on them.
    if sequences { upstream = Self.stained(upstream, mask, 0) }
    let holes = try Self.run(
      layer, Self.stained(x, mask), mask, upstream: sequences && isBackwards ? Self.turned(upstream) : upstream)
    let plain = try Self.run(
      layer, Self.stained(Self.pushed(x), .lengths(Self.lengths)), .lengths(Self.lengths),
      upstream: sequences ? Self.read(Self.pushed(upstream), isBackwards: isBackwards) : upstream)
    for (index, (found, wanted)) in zip(holes, plain).enumerated() {
      let isOutput = sequences && index == 0
      guard isOutput || index == holes.count - 1 else {
        expectIdentical(found, wanted, "\(index)")
        continue
      }
      let found = isOutput && isBackwards ? Self.turned(found) : found
      let wanted = isOutput ? Self.read(wanted, isBackwards: isBackwards) : wanted
      for row in 0..<Self.rows {
        for (place, step) in Self.order[row].enumerated() where place < Self.lengths[row] {
          expectIdentical(found[row][step], wanted[row][place], "\(index), row \(row), timestep \(step)")
        }
      }
      if index == holes.count - 1 {
        let masked = Self.stained(found, mask, 0) - found
        #expect(masked.doubles.allSatisfy { $0 == 0 })
      }
    }
  }

  /// All timesteps in the opposite order, as a layer that reads from the end gives them out with a mask of steps.
  static func turned(_ x: Tensor) -> Tensor {
    .stacked((0..<rows).map { row in .stacked((0..<timesteps).reversed().map { x[row][$0] }) })
  }

  /// Each row's own timesteps in the opposite order, as such a layer gives them out with lengths.
  static func read(_ x: Tensor, isBackwards: Bool) -> Tensor {
    guard isBackwards else { return x }
    return .stacked(
      (0..<rows).map { row in
        let order = (0..<lengths[row]).reversed() + Array(lengths[row]..<timesteps)
        return .stacked(order.map { x[row][$0] })
      })
  }

  /// With lengths a row is as if it stood alone, in every layer of the registry that reads features.
  @Test(arguments: makers, [true, false])
  func whatLiesBehindALengthReachesNothing(_ maker: Maker, _ sequences: Bool) throws {
    let x = Tensor.varied([Self.rows, Self.timesteps, Self.inputs], seed: 4, dtype: .float32)
    let layer = maker.make(sequences)
    try layer.build(inputShape: [nil, nil, Self.inputs], random: RandomSource(seed: 2), dtype: .float32)
    let mask = SequenceMask.lengths([4, 0, 7, 1])
    let upstream = Tensor.varied(try layer.forward(Signal(x), ForwardContext()).value.shape, seed: 9, dtype: .float32)
    let clean = try Self.run(layer, Self.stained(x, mask, 0), mask, upstream: upstream)
    let stained = try Self.run(layer, Self.stained(x, mask), mask, upstream: upstream)
    for (found, wanted) in zip(stained, clean) { expectIdentical(found, wanted) }
    #expect(stained.allSatisfy { $0.doubles.allSatisfy(\.isFinite) })
  }

  /// Layers around that use a mask of steps.
  @Test func whatAMaskLeavesOutReachesNothing() throws {
    let mask = try SequenceMask(steps: Self.steps)
    let x = Tensor.varied([Self.rows, Self.timesteps, Self.inputs], seed: 4, dtype: .float64)
    for layer in [
      GlobalAveragePooling1D(), BatchNormalization(), Sequential([Dense(units: 2), LSTM(units: 3)]),
      Sequential([ActivationLayer(.tanh), Bidirectional(GRU(units: 3, returnSequences: true))]),
    ] as [any Layer] {
      try layer.build(inputShape: [nil, nil, Self.inputs], random: RandomSource(seed: 2), dtype: .float64)
      func run(_ number: Double) throws -> [Tensor] {
        let x = Self.stained(x, mask, number).tracked
        let output = try layer.forward(Signal(x, mask: mask), ForwardContext(isTraining: true, isRecording: true))
        let value =
          output.value.rank > 2
          ? Tensor.select(
            mask.tensor(rows: Self.rows, timesteps: Self.timesteps, dtype: .int32).expanded(at: 2), output.value,
            Tensor(0, dtype: .float64)) : output.value
        return [value] + (value.squared.sum()).gradients(withRespectTo: [x])
      }
      // Dense multiplies what it is given with gradients of 0, and 0 · NaN is NaN: its weights are asked for nothing.
      for (found, wanted) in zip(try run(.nan), try run(9)) { expectIdentical(found, wanted, "\(layer)") }
    }
    let query = Tensor.varied([Self.rows, 5, Self.inputs], seed: 6)
    for layer in [Attention(), AdditiveAttention(), MultiHeadAttention(numHeads: 2, keyDim: 2)] as [any Layer] {
      try layer.build(
        inputShapes: [[nil, 5, Self.inputs], [nil, Self.timesteps, Self.inputs]], random: RandomSource(seed: 2),
        dtype: .float64)
      func run(_ number: Double) throws -> [Tensor] {
        let values = Self.stained(x, mask, number).tracked
        let output = try layer.forward(
          [Value(query), Value(values, mask: mask)], ForwardContext(isTraining: true, isRecording: true))[0].tensor
        return [output]
          + output.squared.sum().gradients(withRespectTo: [values] + layer.parameters.map(\.tracked))
      }
      for (found, wanted) in zip(try run(.nan), try run(0)) { expectIdentical(found, wanted, "\(layer)") }
    }
  }
}
