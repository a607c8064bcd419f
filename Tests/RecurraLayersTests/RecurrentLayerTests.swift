import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// The recurrent layers against plain loops in Double, and what holds between them.
@Suite struct RecurrentLayerTests {
  let input = Tensor.varied([3, 5, 4], seed: 1)

  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let naive: NaiveCell.Kind
    let make: @Sendable (RecurrentOptions) -> any RecurrentLayer
  }

  static let kinds = [
    Kind(testDescription: "SimpleRNN", naive: .simpleRNN) { SimpleRNN(cell: .init(), options: $0) },
    Kind(testDescription: "LSTM", naive: .lstm) { LSTM(cell: .init(), options: $0) },
    Kind(testDescription: "GRU", naive: .gruResetAfter) { GRU(cell: .init(), options: $0) },
    Kind(testDescription: "GRU reset before", naive: .gruResetBefore) {
      GRU(cell: .init(resetAfter: false), options: $0)
    },
  ]

  private func built(
    _ kind: Kind, seed: Int = 20, _ change: (inout RecurrentOptions) -> Void = { _ in }
  ) throws -> (layer: any RecurrentLayer, naive: NaiveCell) {
    var options = RecurrentOptions(units: 6)
    options.returnSequences = true
    options.returnState = true
    change(&options)
    let layer = kind.make(options)
    try layer.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float64)
    for (index, parameter) in layer.parameters.enumerated() {
      parameter.value = Tensor.varied(parameter.shape, seed: seed + index)
    }
    let naive = NaiveCell(
      kind.naive, weights: layer.parameters[0].value, bias: options.useBias ? layer.parameters[1].value : nil, units: 6)
    return (layer, naive)
  }

  @Test(arguments: kinds, [nil, [5, 2, 3]])
  func agreesWithPlainLoops(kind: Kind, lengths: [Int]?) throws {
    let states = (0..<(kind.naive == .lstm ? 2 : 1)).map { Tensor.varied([3, 6], seed: 3 + $0) }
    for (useBias, zeroOutput) in [(true, false), (false, true)] {
      let (layer, naive) = try built(kind) {
        $0.useBias = useBias
        $0.zeroOutputForMask = zeroOutput
      }
      let run = naive.run(input, initialStates: states, lengths: lengths, zeroOutput: zeroOutput)
      let found = try layer.forward(Signal(input, lengths: lengths, states: states), ForwardContext())
      expectClose(found.value, run.outputTensor, absolute: 1e-13)
      for (state, wanted) in zip(found.states, run.finalTensors) { expectClose(state, wanted, absolute: 1e-13) }
      #expect(found.lengths == lengths && found.states.count == states.count)
    }
  }

  @Test(arguments: kinds, [nil, [5, 2, 3]])
  func lastOutputIsTheFinalState(kind: Kind, lengths: [Int]?) throws {
    let (layer, naive) = try built(kind) { $0.returnSequences = false }
    let found = try layer.forward(Signal(input, lengths: lengths), ForwardContext())
    let wanted = naive.run(input, lengths: lengths).finalTensors
    expectClose(found.value, wanted[0], absolute: 1e-13)
    expectIdentical(found.value, found.states[0])
    #expect(found.lengths == nil)
  }

  @Test(arguments: kinds)
  func goingBackwardsIsGoingForwardOnReversedInput(kind: Kind) throws {
    let (forward, _) = try built(kind)
    let (backward, _) = try built(kind) { $0.goBackwards = true }
    let reversed = Tensor.stacked((0..<5).reversed().map { input.sliced($0..<$0 + 1, axis: 1).squeezed(1) }, axis: 1)
    let wanted = try forward.forward(Signal(reversed), ForwardContext())
    let found = try backward.forward(Signal(input), ForwardContext())
    expectClose(found.value, wanted.value, absolute: 1e-14)
    for (state, other) in zip(found.states, wanted.states) { expectClose(state, other, absolute: 1e-14) }
  }

  @Test(arguments: kinds)
  func timestepByTimestepGivesTheWholeSequence(kind: Kind) throws {
    let (layer, _) = try built(kind)
    let whole = try layer.forward(Signal(input), ForwardContext())
    var states: [Tensor] = []
    for step in 0..<5 {
      let found = try layer.forward(Signal(input.sliced(step..<step + 1, axis: 1), states: states), ForwardContext())
      expectClose(found.value, whole.value.sliced(step..<step + 1, axis: 1), absolute: 1e-13)
      states = found.states
    }
    for (state, wanted) in zip(states, whole.states) { expectClose(state, wanted, absolute: 1e-13) }
  }

  @Test(arguments: kinds, [nil, [1, 5, 4]])
  func bothDirectionsMergedInEveryMode(kind: Kind, lengths: [Int]?) throws {
    for merge in Bidirectional.Merge.allCases {
      var options = RecurrentOptions(units: 6)
      options.returnSequences = true
      options.returnState = true
      let layer = Bidirectional(kind.make(options), merge: merge)
      try layer.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float64)
      for (index, parameter) in layer.parameters.enumerated() {
        parameter.value = Tensor.varied(parameter.shape, seed: 40 + index)
      }
      let runs = [(layer.forwardLayer, false), (layer.backwardLayer, true)].map { layer, isReversed in
        NaiveCell(kind.naive, weights: layer.parameters[0].value, bias: layer.parameters[1].value, units: 6)
          .run(input, lengths: lengths, isReversed: isReversed, zeroOutput: true)
      }
      let (first, second) = (runs[0].outputTensor, runs[1].outputTensor)
      let found = try layer.forward(Signal(input, lengths: lengths), ForwardContext())
      let wanted: Tensor =
        switch merge {
        case .concat: Tensor.concatenated([first, second], axis: -1)
        case .sum: first + second
        case .average: (first + second) / 2
        case .multiply: first * second
        case .none: first
        }
      expectClose(found.value, wanted, absolute: 1e-13, "\(merge)")
      #expect(found.furtherValues.count == (merge == .none ? 1 : 0))
      if merge == .none { expectClose(found.furtherValues[0], second, absolute: 1e-13) }
      for (state, other) in zip(found.states, runs.flatMap(\.finalTensors)) {
        expectClose(state, other, absolute: 1e-13)
      }
      #expect(found.states.count == 2 * layer.forwardLayer.cell.stateCount && found.lengths == lengths)
      let shape = try layer.outputShape(for: [nil, 5, 4])
      #expect(shape == [nil, 5, merge == .concat ? 12 : 6])
    }
  }

  @Test func anOwnBackwardLayerMayBeOfAnotherKindAndSize() throws {
    let layer = Bidirectional(
      LSTM(units: 6, returnSequences: true),
      backwardLayer: SimpleRNN(units: 7, activation: .softsign, returnSequences: true, goBackwards: true))
    try layer.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 5), dtype: .float64)
    let output = try layer(input)
    #expect(output.shape == [3, 5, 13])
    let alone = try layer.forwardLayer.forward(Signal(input), ForwardContext()).value
    expectClose(output.sliced(0..<6, axis: -1), alone, absolute: 1e-14)
  }

  @Test func theTraceShowsGatesAndMemoryAtEveryTimestep() throws {
    let (layer, naive) = try built(Self.kinds[1])
    let trace = try layer.trace(Signal(input, lengths: [5, 3, 1]))
    let states = naive.run(input, lengths: [5, 3, 1]).states
    #expect(trace.gates.count == 4)
    let memory = try #require(trace.memory).doubles
    for row in 0..<3 {
      for step in 0..<[5, 3, 1][row] {
        for unit in 0..<6 {
          #expect(abs(memory[(row * 5 + step) * 6 + unit] - states[1][row][step][unit]) < 1e-13)
        }
      }
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() throws {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: 40, outputDim: 24, maskZero: true)
      Bidirectional(LSTM(units: 19, returnSequences: true))
      Bidirectional(GRU(units: 13), merge: .sum)
      Dense(units: 5, activation: .softmax)
    }
    try model.build(inputShape: [nil, nil])
    var numbers = [Int32](repeating: 0, count: 70 * 11)
    for row in 0..<70 {
      for step in 0..<3 + row % 9 { numbers[row * 11 + step] = Int32(1 + (row * 11 + step) * 7 % 39) }
    }
    let ids = Tensor(numbers, shape: [70, 11])
    try expectSameBitsOnAnyThreads {
      let output = try model.forward(Signal(ids), ForwardContext(isRecording: true)).value
      let seed = Tensor.varied(output.shape, seed: 6, dtype: .float32)
      return [output] + output.gradients(withRespectTo: model.parameters.map(\.tracked), seed: seed)
    }
  }
}
