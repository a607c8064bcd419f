import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Two deep stacks, one each way, against two models of one direction that are joined by hand.
@Suite struct DeepStackTests {
  private static let x = Tensor.varied([5, 7, 3], seed: 4, dtype: .float64)

  /// A stack of three kinds, in one direction.
  private static func layers(backwards: Bool, returnSequences: Bool) -> [any RecurrentLayer] {
    // A layer that reads the output of one before it, which goes back, must see the same order of time.
    [
      LSTM(units: 4, returnSequences: true, goBackwards: backwards),
      GRU(units: 6, returnSequences: true, goBackwards: backwards),
      SimpleRNN(units: 5, returnSequences: returnSequences, goBackwards: backwards),
    ]
  }

  /// The same stack, layer by layer: in the backward one each output is turned into the order of time before the next
  /// reads it.
  private static func byHand(
    _ layers: [any RecurrentLayer], _ x: Tensor, _ lengths: [Int]?, _ context: ForwardContext
  ) throws -> Tensor {
    var signal = Signal(x, lengths: lengths)
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      let parameters = layer.parameters.map { context.tensor($0) }
      let direction = RecurrentDirection(
        weights: parameters[0], bias: parameters[1], isReversed: layer.options.goBackwards)
      let output = signal.value.recurrent(
        layer.cell, [direction], lengths: lengths, returnsSequences: !isLast || layer.options.returnSequences,
        padding: .zero)
      signal = Signal(output.output, lengths: lengths)
    }
    return signal.value
  }

  private static func merged(_ merge: Bidirectional.Merge, _ forward: Tensor, _ backward: Tensor) -> Tensor {
    switch merge {
    case .concat: .concatenated([forward, backward], axis: -1)
    case .sum: forward + backward
    case .average: (forward + backward) * 0.5
    case .multiply: forward * backward
    case .none: forward
    }
  }

  @Test(
    "Values and gradients are those of two models joined by hand, full and ragged",
    arguments: Bidirectional.Merge.allCases,
    [nil, [7, 1, 4, 6, 2]])
  func values(merge: Bidirectional.Merge, lengths: [Int]?) throws {
    for returnSequences in [false, true] {
      let forward = Self.layers(backwards: false, returnSequences: returnSequences)
      let backward = Self.layers(backwards: true, returnSequences: returnSequences)
      let stacks = Bidirectional(forward, merge: merge, backwardLayers: backward)
      try stacks.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 3), dtype: .float64)
      let x = Self.x.tracked
      let context = ForwardContext(isRecording: true)
      let found = try stacks.forward(Signal(x, lengths: lengths), context)
      let hand = try [forward, backward].map { try Self.byHand($0, x, lengths, context) }
      let wanted = Self.merged(merge, hand[0], hand[1])
      expectClose(found.value, wanted, absolute: 1e-13)
      if merge == .none { expectClose(found.furtherValues[0], hand[1], absolute: 1e-13) }
      #expect(found.lengths == (returnSequences ? lengths : nil))
      let shape = try stacks.outputShape(for: [nil, 7, 3])
      #expect(shape.compactMap { $0 } == Array(found.value.shape.dropFirst()))
      let seed = Tensor.varied(wanted.shape, seed: 8, dtype: .float64)
      let sources = [x] + stacks.parameters.map(\.tracked)
      let pairs = zip(
        found.value.gradients(withRespectTo: sources, seed: seed), wanted.gradients(withRespectTo: sources, seed: seed))
      for (found, wanted) in pairs { expectClose(found, wanted, absolute: 1e-12) }
      // In inference, too.
      expectClose(try stacks.forward(Signal(Self.x, lengths: lengths), ForwardContext()).value, wanted, absolute: 1e-13)
    }
  }

  @Test("It is not the join after every layer")
  func otherForm() throws {
    let stacks = Bidirectional([LSTM(units: 4), LSTM(units: 4)])
    let joined = Sequential([Bidirectional(LSTM(units: 4, returnSequences: true)), Bidirectional(LSTM(units: 4))])
    try stacks.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 3), dtype: .float64)
    try joined.build(inputShape: [nil, nil, 3], dtype: .float64)
    // Above, each stack reads four numbers; the join reads eight.
    #expect(stacks.parameterCount == 2 * (4 * 4 * (3 + 4 + 1) + 4 * 4 * (4 + 4 + 1)))
    #expect(joined.parameterCount == 2 * (4 * 4 * (3 + 4 + 1) + 4 * 4 * (8 + 4 + 1)))
  }

  @Test("Layers below the top give out sequences whatever they say, and the backward stack is made of the forward one")
  func defaults() throws {
    let stacks = Bidirectional([GRU(units: 4), GRU(units: 4, returnSequences: true)])
    #expect(stacks.backwardLayers.count == 2 && stacks.backwardLayers.allSatisfy(\.options.goBackwards))
    try stacks.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 3), dtype: .float64)
    #expect(try stacks(Self.x).shape == [5, 7, 8])
    // Every layer has random numbers of its own.
    let values = Set(stacks.parameters.map { $0.value.doubles })
    #expect(values.count >= 5)
  }

  @Test("States go in and come out, forward from the bottom to the top, then backward")
  func states() throws {
    func stacks(_ returnState: Bool) -> Bidirectional {
      Bidirectional([LSTM(units: 4), GRU(units: 5, returnState: returnState)])
    }
    let layer = stacks(true)
    try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 3), dtype: .float64)
    let whole = try layer.forward(Signal(Self.x), ForwardContext())
    #expect(whole.states.map(\.shape) == [[5, 4], [5, 4], [5, 5], [5, 4], [5, 4], [5, 5]])
    expectIdentical(Tensor.concatenated([whole.states[2], whole.states[5]], axis: -1), whole.value)
    // From where the first half ends, the forward stack goes on as if there were no cut.
    let first = try layer.forward(Signal(Self.x.sliced(0..<3, axis: 1)), ForwardContext())
    let zeros = whole.states.map { Tensor.zeros($0.shape, dtype: .float64) }
    let given = Array(first.states.prefix(3)) + Array(zeros.suffix(3))
    let second = try layer.forward(Signal(Self.x.sliced(3..<7, axis: 1), states: given), ForwardContext())
    expectClose(second.states[2], whole.states[2], absolute: 1e-14)
    #expect(throws: RecurraError.self) {
      _ = try layer.forward(Signal(Self.x, states: Array(given.dropLast())), ForwardContext())
    }
    #expect(stacks(false).forwardLayer.options.returnState == false)
  }

  @Test("It is saved and loaded with its parameters, and looked into layer by layer")
  func file() throws {
    let model = Sequential([
      Embedding(inputDim: 9, outputDim: 3, maskZero: true),
      Bidirectional([LSTM(units: 4), LSTM(units: 4)], merge: .sum),
      Dense(units: 2),
    ])
    try model.build(inputShape: [nil, nil])
    let ids = Tensor([3, 1, 4, 0, 5, 2, 6, 5] as [Int32], shape: [2, 4])
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try model.save(to: path)
    let loaded = try Sequential.load(from: path)
    expectIdentical(try loaded(ids), try model(ids))
    #expect(loaded.json == model.json)
    let paths = model.namedParameters.map(\.path).filter { $0.contains("bidirectional") }
    #expect(paths.count == 8 && paths.contains { $0.hasSuffix("/backward_layer_1/weights") }, "\(paths)")
    let traces = try model.traces(ids)
    #expect(traces.map(\.hidden.shape) == [[2, 4, 4], [2, 4, 4], [2, 4, 4], [2, 4, 4]])
    #expect(try model.stateGradientNorms(ids).map(\.count) == [4, 4, 4, 4])
    #expect(try model.stateGradientNorms(ids, row: 1).map(\.count) == [5, 5, 5, 5])
  }

  @Test("Layers that cannot be two stacks are refused when they are built, and when they are read")
  func refusals() throws {
    let twice = LSTM(units: 4)
    let wrong: [Bidirectional] = [
      Bidirectional([] as [any RecurrentLayer]), Bidirectional([twice, twice]),
      Bidirectional([LSTM(units: 4), LSTM(units: 4, goBackwards: true)]),
      Bidirectional([LSTM(units: 4), LSTM(units: 4)], backwardLayers: [LSTM(units: 4, goBackwards: true)]),
      Bidirectional([LSTM(units: 4)], backwardLayers: []),
      Bidirectional(
        [LSTM(units: 4), LSTM(units: 4)],
        backwardLayers: [LSTM(units: 4, goBackwards: true), LSTM(units: 4)]),
      Bidirectional(
        [LSTM(units: 4), LSTM(units: 4)], merge: .sum,
        backwardLayers: [LSTM(units: 4, goBackwards: true), LSTM(units: 5, goBackwards: true)]),
    ]
    for (index, layer) in wrong.enumerated() {
      let error = #expect(throws: RecurraError.self, "\(index)") {
        try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 1), dtype: .float32)
      }
      #expect(error?.kind == .badArgument, "\(index)")
    }
    for text in [
      #"{"layers": []}"#, #"{"layers": 3}"#, #"{"layers": [{"class_name": "Dense", "config": {"units": 3}}]}"#,
      #"{"layers": [{"class_name": "LSTM", "config": {"units": 3}}], "backward_layers": []}"#,
    ] {
      let config = try JSONValue(parsing: Array(#"{"class_name": "Bidirectional", "config": \#(text)}"#.utf8))
      let error = #expect(throws: RecurraError.self, "\(text)") { _ = try Registry.standard.layer(from: config) }
      #expect(error?.kind == .badArgument)
    }
  }

  @Test("Both stacks at once give the bits of one thread")
  func threads() throws {
    let stacks = Bidirectional([LSTM(units: 24), LSTM(units: 24), LSTM(units: 24, returnSequences: true)])
    try stacks.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 3), dtype: .float32)
    let x = Tensor.varied([40, 12, 3], seed: 4, dtype: .float32)
    try expectSameBitsOnAnyThreads {
      let output = try stacks.forward(Signal(x), ForwardContext(isRecording: true)).value
      return [output]
        + output.gradients(
          withRespectTo: stacks.parameters.map(\.tracked), seed: Tensor.varied(output.shape, seed: 6, dtype: .float32))
    }
  }
}
