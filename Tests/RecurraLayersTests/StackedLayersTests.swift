import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// A stack of recurrent layers in a model against its layers one by one: how the model runs them must not show, to the
/// bit.
@Suite(.serialized) struct StackedLayersTests {
  struct Stack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable () -> [any Layer]

    init(_ reason: String, _ make: @escaping @Sendable () -> [any Layer]) {
      (testDescription, self.make) = (reason, make)
    }
  }

  static let stacks = [
    Stack("three kinds and widths") {
      [
        LSTM(units: 9, returnSequences: true), GRU(units: 14, returnSequences: true),
        SimpleRNN(units: 5, returnSequences: true),
      ]
    },
    Stack("the last timestep alone") { [GRU(units: 9, returnSequences: true), LSTM(units: 14)] },
    Stack("the first goes backwards") {
      [LSTM(units: 9, returnSequences: true, goBackwards: true), LSTM(units: 7, returnSequences: true)]
    },
    Stack("the middle goes backwards") {
      [
        LSTM(units: 9, returnSequences: true), GRU(units: 8, returnSequences: true, goBackwards: true),
        LSTM(units: 7, returnSequences: true),
      ]
    },
    Stack("the last goes backwards, sequences") {
      [LSTM(units: 9, returnSequences: true), LSTM(units: 7, returnSequences: true, goBackwards: true)]
    },
    Stack("the last goes backwards, one timestep") {
      [LSTM(units: 9, returnSequences: true), SimpleRNN(units: 7, goBackwards: true)]
    },
    Stack("the last returns its states, sequences") {
      [LSTM(units: 9, returnSequences: true), LSTM(units: 7, returnSequences: true, returnState: true)]
    },
    Stack("the last returns its state, one timestep") {
      [LSTM(units: 9, returnSequences: true), GRU(units: 7, returnState: true)]
    },
    Stack("one without a bias") {
      [LSTM(units: 9, useBias: false, returnSequences: true), GRU(units: 7, returnSequences: true)]
    },
    Stack("none with a bias") {
      [
        GRU(units: 9, useBias: false, returnSequences: true),
        SimpleRNN(units: 7, useBias: false, returnSequences: true),
      ]
    },
    Stack("one that has no kernels of its own") {
      [
        LSTM(units: 9, returnSequences: true), LSTM(units: 9, returnSequences: true),
        GRU(units: 8, returnSequences: true, resetAfter: false), LSTM(units: 7, returnSequences: true),
        LSTM(units: 6, activation: .softsign, returnSequences: true), LSTM(units: 5, returnSequences: true),
      ]
    },
    Stack("layers of other kinds between them") {
      [
        Dense(units: 6), LSTM(units: 9, returnSequences: true), GRU(units: 9, returnSequences: true),
        LayerNormalization(), Dropout(rate: 0.4), Bidirectional(LSTM(units: 5, returnSequences: true)),
        GRU(units: 4, returnSequences: true), SimpleRNN(units: 6), Dense(units: 3, activation: .softmax),
      ]
    },
    Stack("a model among the layers") {
      [
        LSTM(units: 9, returnSequences: true),
        Sequential([LSTM(units: 6, returnSequences: true), GRU(units: 4, returnSequences: true)]),
        SimpleRNN(units: 3),
      ]
    },
    Stack("more than are looked at together") {
      (0..<40).map { LSTM(units: 3 + $0 % 5, returnSequences: true) }
    },
  ]

  /// Runs the layers of a built model one by one.
  private func inTurn(_ model: Sequential, _ input: Signal, _ context: ForwardContext) throws -> Signal {
    try model.layers.enumerated().reduce(input) { signal, layer in
      if let inner = layer.element as? Sequential {
        return try inTurn(inner, signal, context.forSublayer(layer.offset))
      }
      return try layer.element.forward(signal, context.forSublayer(layer.offset))
    }
  }

  private func expectSame(
    _ stack: Stack, _ dtype: DType = .float32, context: ForwardContext = ForwardContext(), inputs: Int = 4,
    sourceLocation: SourceLocation = #_sourceLocation, _ signal: (_ batch: Int, _ timesteps: Int) -> Signal
  ) throws {
    let model = Sequential(stack.make(), seed: 3)
    try model.build(inputShape: [nil, nil, inputs], dtype: dtype)
    for (index, parameter) in model.parameters.enumerated() {
      parameter.value = Tensor.varied(parameter.shape, seed: 60 + index, in: -0.6...0.8, dtype: dtype)
    }
    // A graph of the same layers, one after the other.
    let first = Input(shape: [nil, inputs])
    let graph = try Model(inputs: [first], outputs: [model.layers.reduce(first) { $1($0) }], dtype: dtype)
    let former = Threads.count
    (Threads.count, Threads.ignoresCosts) = (3, true)
    defer { (Threads.count, Threads.ignoresCosts) = (former, false) }
    try MultiplierChoice.with(.packed) {
      for (batch, timesteps) in [(1, 24), (2, 37), (3, 6)] {
        let input = signal(batch, timesteps)
        let (found, wanted) = (try model.forward(input, context), try inTurn(model, input, context))
        expectIdentical(
          found.value, wanted.value, "\(stack.testDescription), \(batch) rows", sourceLocation: sourceLocation)
        #expect(found.lengths == wanted.lengths, sourceLocation: sourceLocation)
        #expect(found.states.count == wanted.states.count, sourceLocation: sourceLocation)
        for (state, other) in zip(found.states, wanted.states) {
          expectIdentical(state, other, sourceLocation: sourceLocation)
        }
        guard input.states.isEmpty else { continue }
        for model in [model, graph] as [any Network] {
          let before = try model.forwardBeforeActivations([Value(input.value, mask: input.mask)], context)[0]
          expectIdentical(before.activation(before.value.tensor), wanted.value, sourceLocation: sourceLocation)
          let whole = try model.forward([Value(input.value, mask: input.mask)], context)[0]
          expectIdentical(whole.tensor, wanted.value, sourceLocation: sourceLocation)
        }
      }
    }
  }

  @Test(arguments: stacks) func whole(_ stack: Stack) throws {
    try expectSame(stack) { Signal(.varied([$0, $1, 4], seed: 2, dtype: .float32)) }
  }

  @Test(arguments: stacks) func rowsOfDifferentLengths(_ stack: Stack) throws {
    try expectSame(stack) { batch, timesteps in
      Signal(
        .varied([batch, timesteps, 4], seed: 2, dtype: .float32), lengths: (0..<batch).map { timesteps - 1 - 2 * $0 })
    }
  }

  @Test(arguments: stacks) func doublePrecision(_ stack: Stack) throws {
    try expectSame(stack, .float64) { Signal(.varied([$0, $1, 4], seed: 2)) }
  }

  @Test(arguments: stacks) func inTraining(_ stack: Stack) throws {
    let context = ForwardContext(isTraining: true, isRecording: true, random: RandomSource(seed: 8))
    try expectSame(stack, context: context) { Signal(.varied([$0, $1, 4], seed: 2, dtype: .float32)) }
  }

  @Test func startingFromStates() throws {
    let stack = Stack("states in front") { [LSTM(units: 9), Dense(units: 2)] }
    try expectSame(stack) { batch, timesteps in
      Signal(
        .varied([batch, timesteps, 4], seed: 2, dtype: .float32),
        states: [.varied([batch, 9], seed: 3, dtype: .float32), .varied([batch, 9], seed: 4, dtype: .float32)])
    }
    let model = Sequential { [GRU(units: 9, returnSequences: true), GRU(units: 9, returnSequences: true)] }
    try model.build(inputShape: [nil, nil, 4])
    let (input, state) = (Tensor.varied([1, 30, 4], dtype: .float32), Tensor.varied([1, 9], seed: 3, dtype: .float32))
    let first = try model.layers[0].forward(Signal(input, states: [state]), ForwardContext())
    let wanted = try model.layers[1].forward(first, ForwardContext())
    expectIdentical(try model.forward(Signal(input, states: [state]), ForwardContext()).value, wanted.value)
  }

  @Test func behindAnEmbeddingWithPadding() throws {
    for maskZero in [false, true] {
      let model = Sequential(seed: 5) {
        Embedding(inputDim: 9, outputDim: 5, maskZero: maskZero)
        LSTM(units: 8, returnSequences: true)
        GRU(units: 6, returnSequences: true)
        LSTM(units: 4)
      }
      try model.build(inputShape: [nil, nil])
      var numbers = (0..<60).map { Int32(1 + $0 * 5 % 8) }
      for position in 50..<60 { numbers[position] = 0 }
      let ids = Tensor(numbers, shape: [2, 30])
      for lengths in [nil, [30, 11], [30, 25]] as [[Int]?] {
        let input = Signal(ids, lengths: lengths)
        let wanted = try inTurn(model, input, ForwardContext()).value
        expectIdentical(try model.forward(input, ForwardContext()).value, wanted, "\(maskZero) \(lengths ?? [])")
      }
    }
  }

  @Test func statesBetweenRecurrentLayersAreRefused() throws {
    let layers: [(first: any Layer, second: any Layer)] = [
      (LSTM(units: 2, returnSequences: true, returnState: true), Bidirectional(LSTM(units: 2))),
      (Bidirectional(LSTM(units: 2, returnSequences: true, returnState: true)), LSTM(units: 2)),
      (GRU(units: 2, returnSequences: true, returnState: true), Sequential([GRU(units: 2)])),
      (Sequential([GRU(units: 2, returnSequences: true, returnState: true), Dropout(rate: 0)]), GRU(units: 2)),
    ]
    for (first, second) in layers {
      let model = Sequential([first, Dense(units: 4), second])
      let error = #expect(throws: RecurraError.self) { try model.build(inputShape: [nil, nil, 3]) }
      #expect(error?.expected == "returnState on the last recurrent layer only" && error?.kind == .badArgument)
      #expect(error?.operation == model.layerNames[0])
    }
    // States that stay within a graph go nowhere.
    let x = Input(shape: [nil, 3])
    let encoded = GRU(units: 4, returnSequences: true, returnState: true)([x])
    let graph = try Model(inputs: [x], outputs: [GRU(units: 4, returnSequences: true)(encoded[0], encoded[1])])
    #expect(try Sequential([graph, LSTM(units: 2)])(.zeros([2, 3, 3])).shape == [2, 2])
    let apart = Sequential([Bidirectional(LSTM(units: 2), merge: .none), Dense(units: 3)])
    let error = #expect(throws: RecurraError.self) { try apart.build(inputShape: [nil, nil, 3]) }
    #expect(error?.expected == "directions kept apart in the last layer only")
  }
}
