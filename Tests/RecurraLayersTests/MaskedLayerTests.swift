import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Masks with holes: recurrent layers compute as the naive cell does, and what is masked reaches nothing.
@Suite struct MaskedLayerTests {
  /// B 5, T 6: holes, padding in front, a full row, one that ends early, and one of which nothing counts.
  static let steps: [[Bool]] = [
    [true, false, true, true, false, true], [false, false, true, true, true, true],
    [true, true, true, true, true, true], [true, true, false, false, false, false],
    [false, false, false, false, false, false],
  ]
  static let inputs = 3
  static let units = 4

  enum Kind: String, CaseIterable, Sendable {
    case simpleRNN, lstm, gru, gruBefore

    var naive: NaiveCell.Kind {
      switch self {
      case .simpleRNN: .simpleRNN
      case .lstm: .lstm
      case .gru: .gruResetAfter
      case .gruBefore: .gruResetBefore
      }
    }

    func layer(returnSequences: Bool, goBackwards: Bool = false, zero: Bool = false) -> any RecurrentLayer {
      var options = RecurrentOptions(units: MaskedLayerTests.units)
      (options.returnSequences, options.returnState) = (returnSequences, true)
      (options.goBackwards, options.zeroOutputForMask) = (goBackwards, zero)
      return switch self {
      case .simpleRNN: SimpleRNN(cell: SimpleRNNCell(), options: options)
      case .lstm: LSTM(cell: LSTMCell(), options: options)
      case .gru: GRU(cell: GRUCell(resetAfter: true), options: options)
      case .gruBefore: GRU(cell: GRUCell(resetAfter: false), options: options)
      }
    }
  }

  static func mask() throws -> SequenceMask { try SequenceMask(steps: steps) }

  /// Numbers that look random, with NaN wherever nothing counts.
  static func x(masked: Double = .nan, dtype: DType = .float64) throws -> Tensor {
    let x = Tensor.varied([5, 6, inputs], seed: 4, dtype: .float64)
    let flags = try mask().tensor(rows: 5, timesteps: 6, dtype: .int32).expanded(at: 2)
    return Tensor.select(flags, x, Tensor(masked, dtype: .float64)).converted(to: dtype)
  }

  static func built(_ layer: any Layer, dtype: DType = .float64) throws {
    try layer.build(inputShape: [nil, nil, inputs], random: RandomSource(seed: 2), dtype: dtype)
    for (index, parameter) in layer.parameters.enumerated() {
      parameter.value = Tensor.varied(parameter.shape, seed: 40 + index, in: -0.8...0.9, dtype: dtype)
    }
  }

  @Test(arguments: Kind.allCases, [false, true])
  func aCellRunsOverWhatCountsAlone(_ kind: Kind, _ isReversed: Bool) throws {
    for dtype in [DType.float64, .float32] {
      for (isWhole, zero) in [(true, false), (true, true), (false, false)] {
        let layer = kind.layer(returnSequences: isWhole, goBackwards: isReversed, zero: zero)
        try Self.built(layer, dtype: dtype)
        let states = (0..<layer.cell.stateCount).map {
          Tensor.varied([5, Self.units], seed: 70 + $0, dtype: dtype)
        }
        let found = try layer.forward(
          Signal(try Self.x(dtype: dtype), mask: try Self.mask(), states: states), ForwardContext())
        let naive = NaiveCell(
          kind.naive, weights: layer.parameters[0].value, bias: layer.parameters[1].value, units: Self.units)
        let wanted = naive.run(
          try Self.x(dtype: dtype), initialStates: states, steps: Self.steps, isReversed: isReversed, zeroOutput: zero)
        let tolerance = dtype == .float64 ? 1e-12 : 2e-6
        var outputs = wanted.outputs
        if isReversed { outputs = outputs.map { $0.reversed() } }
        if isWhole {
          let all = Tensor(outputs.flatMap { $0.flatMap { $0 } }, shape: [5, 6, Self.units])
          expectClose(found.value, all, relative: tolerance, absolute: tolerance)
        } else {
          // The last output; nothing where nothing counts.
          var last = wanted.finalStates[0].flatMap { $0 }
          for unit in 0..<Self.units { last[4 * Self.units + unit] = 0 }
          expectClose(
            found.value, Tensor(last, shape: [5, Self.units]), relative: tolerance, absolute: tolerance)
        }
        for (state, numbers) in zip(found.states, wanted.finalStates) {
          expectClose(
            state, Tensor(numbers.flatMap { $0 }, shape: [5, Self.units]), relative: tolerance, absolute: tolerance)
        }
        // Keras' mask of steps is not turned round.
        #expect(found.mask == (isWhole ? try Self.mask() : .all))
      }
    }
  }

  @Test(arguments: Kind.allCases, [false, true])
  func gradientsAreThoseOfWhatCounts(_ kind: Kind, _ isReversed: Bool) throws {
    for isWhole in [true, false] {
      let layer = kind.layer(returnSequences: isWhole, goBackwards: isReversed)
      let states = (0..<layer.cell.stateCount).map { Tensor.varied([5, Self.units], seed: 70 + $0) }
      let x = Tensor.varied([5, 6, Self.inputs], seed: 4)
      try expectLayerGradients(
        layer, input: Signal(x, mask: try Self.mask(), states: states), "\(kind) \(isReversed) \(isWhole)")
    }
  }

  @Test func bothDirectionsAndStacksOfThem() throws {
    let x = Tensor.varied([5, 6, Self.inputs], seed: 4)
    for merge in Bidirectional.Merge.allCases {
      let both = Bidirectional(LSTM(units: 4, returnSequences: true, returnState: true), merge: merge)
      try expectLayerGradients(both, input: Signal(x, mask: try Self.mask()), "\(merge)")
    }
    let deep = Bidirectional(
      [GRU(units: 4), LSTM(units: 3, returnSequences: true, returnState: true)], merge: .concat)
    try expectLayerGradients(deep, input: Signal(x, mask: try Self.mask()), "deep")
    let last = Bidirectional([GRU(units: 4), LSTM(units: 3)], merge: .sum)
    try expectLayerGradients(last, input: Signal(x, mask: try Self.mask()), "last")
  }

  @Test func aBidirectionalGivesZerosWhereNothingCounts() throws {
    let both = Bidirectional(GRU(units: 4, returnSequences: true))
    try Self.built(both)
    let output = try both(try Self.x(), mask: try Self.mask())
    for (layer, isReversed) in [(both.forwardLayer, false), (both.backwardLayer, true)] {
      let naive = NaiveCell(
        .gruResetAfter, weights: layer.parameters[0].value, bias: layer.parameters[1].value, units: 4)
      let wanted = naive.run(try Self.x(), steps: Self.steps, isReversed: isReversed, zeroOutput: true)
      expectClose(
        output.split([4, 4], axis: 2)[isReversed ? 1 : 0],
        Tensor(wanted.outputs.flatMap { $0.flatMap { $0 } }, shape: [5, 6, 4]), relative: 1e-12, absolute: 1e-12)
    }
  }

  @Test(arguments: Kind.allCases) func whatIsMaskedReachesNothing(_ kind: Kind) throws {
    for dtype in [DType.float32, .float64] {
      let layers: [any Layer] = [
        kind.layer(returnSequences: true), kind.layer(returnSequences: true, goBackwards: true),
        Bidirectional(kind.layer(returnSequences: true)), Bidirectional(kind.layer(returnSequences: false)),
      ]
      for layer in layers {
        try Self.built(layer, dtype: dtype)
        func run(_ masked: Double) throws -> [Tensor] {
          let x = try Self.x(masked: masked, dtype: dtype).tracked
          let output = try layer.forward(
            Signal(x, mask: try Self.mask()), ForwardContext(isTraining: true, isRecording: true))
          let sum = (output.value * Tensor.varied(output.value.shape, seed: 5, dtype: dtype)).sum()
          let gradients = sum.gradients(withRespectTo: layer.parameters.map(\.tracked) + [x])
          return [output.value] + output.states + gradients
        }
        let (clean, stained) = (try run(0), try run(.nan))
        for (first, second) in zip(clean, stained) { expectIdentical(first, second, "\(kind)") }
        let ofInput = try #require(stained.last)
        let flags = try Self.mask().tensor(rows: 5, timesteps: 6, dtype: .int32).expanded(at: 2)
        let masked = Tensor.select(flags, Tensor(0, dtype: dtype), ofInput)
        #expect(masked.doubles.allSatisfy { $0 == 0 })
        #expect(ofInput.doubles.contains { $0 != 0 })
      }
    }
  }

  @Test func wordsAreStillLookedUpWhereTheyLie() throws {
    let embedding = Embedding(inputDim: 9, outputDim: Self.inputs)
    let layer = LSTM(units: 4, returnSequences: true)
    let ids = Tensor((0..<30).map { Int32($0 * 7 % 9) }, shape: [5, 6])
    try embedding.build(inputShape: [nil, nil], random: RandomSource(seed: 8), dtype: .float32)
    try Self.built(layer, dtype: .float32)
    func run(isShortcut: Bool) throws -> [Tensor] {
      let context = ForwardContext(isTraining: true, isRecording: true, differentiatesParametersOnly: isShortcut)
      var vectors = try embedding.forward(Signal(ids, mask: try Self.mask()), context)
      if !isShortcut { vectors.value = vectors.value }
      let output = try layer.forward(vectors, context)
      let parameters = (embedding.parameters + layer.parameters).map(\.tracked)
      return [output.value] + output.value.squared.sum().gradients(withRespectTo: parameters)
    }
    for (found, wanted) in zip(try run(isShortcut: true), try run(isShortcut: false)) {
      expectClose(found, wanted, relative: 1e-4, absolute: 1e-6)
    }
  }

  @Test func aMaskGoesAsFarAsKerasLetsIt() throws {
    let mask = try Self.mask()
    let passing: [any Layer] = [
      Dense(units: 2), Dropout(rate: 0.5), ActivationLayer(.relu), LayerNormalization(),
      TimeDistributed(Dense(units: 2)),
      LSTM(units: 2, returnSequences: true), Bidirectional(GRU(units: 2, returnSequences: true)),
      Sequential([Dense(units: 2)]), GRU(units: 2, returnSequences: true, goBackwards: true),
    ]
    let dropping: [any Layer] = [
      Flatten(), LSTM(units: 2), Bidirectional(GRU(units: 2)), Conv1D(filters: 2, kernelSize: 2),
      RMSNormalization(), GlobalMaxPooling1D(),
    ]
    let x = Tensor.varied([5, 6, Self.inputs], dtype: .float32)
    for (layers, wanted) in [(passing, mask), (dropping, SequenceMask.all)] {
      for layer in layers {
        try layer.build(inputShape: [nil, 6, Self.inputs], random: RandomSource(seed: 1), dtype: .float32)
        #expect(try layer.forward([Value(x, mask: mask)], ForwardContext())[0].mask == wanted, "\(layer)")
      }
    }
  }

  @Test func masksForOtherDataAreRefused() throws {
    let layer = LSTM(units: 2)
    let x = Tensor.varied([2, 6, Self.inputs], dtype: .float32)
    let error = #expect(throws: RecurraError.self) { try layer(x, mask: Self.mask()) }
    #expect(error?.description == "LSTM: expected a mask [2, 6], got [5, 6]")
    #expect(throws: RecurraError.self) { try layer(x, mask: .lengths([7, 1])) }
    #expect(throws: RecurraError.self) { try layer.trace(Signal(try Self.x(dtype: .float32), mask: try Self.mask())) }
  }
}
