import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What can be seen inside a recurrent layer, against plain loops in Double.
@Suite struct InsideTests {
  private static let kinds: [NaiveCell.Kind] = NaiveCell.Kind.allCases

  private static func layer(_ kind: NaiveCell.Kind, goBackwards: Bool = false) -> any RecurrentLayer {
    switch kind {
    case .simpleRNN: SimpleRNN(units: 5, goBackwards: goBackwards)
    case .lstm: LSTM(units: 5, goBackwards: goBackwards)
    case .gruResetAfter: GRU(units: 5, goBackwards: goBackwards)
    case .gruResetBefore: GRU(units: 5, goBackwards: goBackwards, resetAfter: false)
    case .peepholeLSTM: LSTM(units: 5, goBackwards: goBackwards, usePeepholes: true)
    case .indRNN: IndRNN(units: 5, activation: .tanh, goBackwards: goBackwards)
    case .clippedRNN: SimpleRNN(units: 5, goBackwards: goBackwards, clip: kind.clip)
    case .clippedGRU: GRU(units: 5, goBackwards: goBackwards, resetAfter: false, clip: kind.clip)
    case .clippedLSTM:
      LSTM(
        units: 5, goBackwards: goBackwards, usePeepholes: true, clip: kind.clip, memoryClip: kind.memoryClip)
    case .coupledLSTM: LSTM(units: 5, goBackwards: goBackwards, usePeepholes: true, coupleGates: true)
    case .mgu: MGU(units: 5, goBackwards: goBackwards)
    case .minGRU: MinGRU(units: 5, activation: .tanh, goBackwards: goBackwards)
    case .minLSTM: MinLSTM(units: 5, activation: .tanh, goBackwards: goBackwards)
    case .sLSTM: SLSTM(units: 5, goBackwards: goBackwards)
    case .layerNormLSTM: LayerNormLSTM(units: 5, goBackwards: goBackwards)
    case .layerNormGRU: LayerNormGRU(units: 5, goBackwards: goBackwards)
    }
  }

  private static func naive(_ kind: NaiveCell.Kind, _ layer: any RecurrentLayer) throws -> NaiveCell {
    let parameters = layer.parameters
    let bias = layer.bias
    return NaiveCell(
      kind, weights: parameters[0].value, bias: bias,
      parameters: parameters.dropFirst(bias == nil ? 1 : 2).map(\.value), units: 5)
  }

  /// ‖∂hₜ/∂hₜ₋ₖ‖ by central differences, the memory held as it is.
  private static func norms(_ cell: NaiveCell, _ x: [[Double]]) throws -> [Double] {
    let zeros = [[Double]](repeating: [0, 0, 0, 0, 0], count: cell.kind.stateCount)
    var states = [zeros]
    for input in x { states.append(cell.step(input, states[states.count - 1])) }
    return try states.indices.reversed().map { start in
      let columns = (0..<5).map { unit -> [Double] in
        let ends = [1e-6, -1e-6].map { change -> [Double] in
          var state = states[start]
          state[0][unit] += change
          for input in x[start...] { state = cell.step(input, state) }
          return state[0]
        }
        return zip(ends[0], ends[1]).map { ($0 - $1) / 2e-6 }
      }
      return try Tensor(columns).svd().s.doubles[0]
    }
  }

  private static let ids = Tensor([3, 1, 4, 1, 5, 2, 6, 5, 3, 0, 0, 0] as [Int32], shape: [2, 6])

  @Test("Gradient norms are those of plain loops in Double, forward and back, behind an embedding", arguments: kinds)
  func gradientNorms(kind: NaiveCell.Kind) throws {
    for (dtype, tolerance) in [(DType.float64, 1e-6), (.float32, 1e-4)] {
      for goBackwards in [false, true] {
        let layer = Self.layer(kind, goBackwards: goBackwards)
        let table = Embedding(inputDim: 7, outputDim: 3, maskZero: true)
        let model = Sequential([table, layer, Dense(units: 2)], seed: 4)
        try model.build(inputShape: [nil, nil], dtype: dtype)
        let vectors = try table(Self.ids).converted(to: .float64)
        for (row, length) in [(0, 6), (1, 3)] {
          let found = try model.stateGradientNorms(Self.ids, row: row)
          var x = (0..<length).map { vectors[row][$0].doubles }
          if goBackwards { x.reverse() }
          let wanted = try Self.norms(Self.naive(kind, layer), x)
          #expect(found.count == 1 && found[0].count == length + 1)
          for (found, wanted) in zip(found[0], wanted) {
            #expect(abs(found - wanted) <= tolerance * max(wanted, 1e-3), "\(found) \(wanted)")
          }
          #expect(abs(found[0][0] - 1) < 1e-12)
        }
        // A step in the middle is reached over those before it in the direction's own order.
        let middle = try model.stateGradientNorms(Self.ids, of: model.layerNames[1], step: 2)
        #expect(middle[0].count == (goBackwards ? 5 : 4))
      }
    }
  }

  @Test("Both directions of a Bidirectional are looked into, each along its own way")
  func bidirectional() throws {
    let both = Bidirectional(LSTM(units: 5, returnSequences: true))
    let model = Sequential([Embedding(inputDim: 7, outputDim: 3, maskZero: true), both], seed: 9)
    try model.build(inputShape: [nil, nil], dtype: .float64)
    let norms = try model.stateGradientNorms(Self.ids, row: 1)
    #expect(norms.map(\.count) == [4, 4])
    let traces = try model.traces(Self.ids)
    let output = try model(Self.ids)
    #expect(traces.count == 2)
    expectIdentical(Tensor.concatenated(traces.map(\.hidden), axis: -1), output)
    for (index, layer) in [both.forwardLayer, both.backwardLayer].enumerated() {
      let table = try #require(model.layers[0] as? Embedding)
      let x = try table(Self.ids)
      let run = try Self.naive(.lstm, layer).run(x, lengths: [6, 3], isReversed: index == 1)
      for (row, length) in [(0, 6), (1, 3)] {
        for step in 0..<length {
          for unit in 0..<5 {
            let place = (row * 6 + step) * 5 + unit
            #expect(abs(traces[index].hidden.doubles[place] - run.states[0][row][step][unit]) < 1e-12)
            #expect(abs((traces[index].memory?.doubles[place] ?? 9) - run.states[1][row][step][unit]) < 1e-12)
          }
        }
      }
    }
  }

  @Test("Gates have names, and layers of models within models are found by theirs")
  func names() throws {
    let inner = Sequential([GRU(units: 5, returnSequences: true), LSTM(units: 5)], name: "inner")
    let model = Sequential([Embedding(inputDim: 7, outputDim: 3), inner, Dense(units: 2)])
    let first = try model.traces(Self.ids)[0]
    #expect(first.gateNames == ["update", "reset", "candidate", "candidate from the state"])
    #expect(first.memory == nil)
    let second = try model.traces(Self.ids, of: "\(model.layerNames[1])/lstm")[0]
    #expect(second.gateNames == ["input", "forget", "candidate", "output"])
    #expect(second["forget"]?.doubles == second.gates[1].doubles)
    #expect(second["no gate"] == nil)
    for path in ["dense", "inner", "lstm", "\(model.layerNames[1])/dense", "", "/"] {
      let error = #expect(throws: RecurraError.self) { _ = try model.traces(Self.ids, of: path) }
      #expect(error?.kind == .badArgument)
      let inside = model.layerNames[1]
      #expect(error?.expected == "a recurrent layer: \"\(inside)/gru\", \"\(inside)/lstm\"")
    }
    for row in [-1, 2] {
      let error = #expect(throws: RecurraError.self) { _ = try model.stateGradientNorms(Self.ids, row: row) }
      #expect(error?.kind == .badArgument)
    }
    for step in [-1, 6] {
      #expect(throws: RecurraError.self) { _ = try model.stateGradientNorms(Self.ids, step: step) }
    }
    #expect(throws: RecurraError.self) { _ = try model.stateGradientNorms(Self.ids, lengths: []) }
  }

  /// An LSTM of one unit whose input and forget gates stand at 0 or 1 whatever it reads.
  private static func driven(enter: Bool, keep: Bool) throws -> LSTM {
    let layer = LSTM(units: 1, returnSequences: true)
    try layer.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float64)
    // Columns i f c o: only the candidate reads the input.
    layer.parameters[0].value = Tensor([[0, 0, 1, 0], [0, 0, 0, 0]] as [[Double]])
    layer.parameters[1].value = Tensor([enter ? 800 : -800, keep ? 800 : -800, 0, 800] as [Double])
    return layer
  }

  @Test(
    "The corners of input and forget gate keep, fuse, clear and replace the memory, to the bit",
    arguments: MemoryAction.allCases)
  func corners(action: MemoryAction) throws {
    let (enter, keep) = (action == .fuse || action == .replace, action == .keep || action == .fuse)
    let layer = try Self.driven(enter: enter, keep: keep)
    let x: [Double] = [0.3, -1.2, 0.7]
    let c = 0.4
    let signal = Signal(
      Tensor(x, shape: [1, 3, 1]), states: [Tensor([0], shape: [1, 1]), Tensor([c], shape: [1, 1])])
    let trace = try layer.trace(signal)
    var memory = c
    let wanted = x.map { input -> Double in
      let candidate = Activation.tanh.value(input)
      switch action {
      case .keep: break
      case .fuse: memory += candidate
      case .clear: memory = 0
      case .replace: memory = candidate
      }
      return memory
    }
    #expect(trace.memory?.doubles == wanted)
    #expect(try trace.actions() == [[[action], [action], [action]]])
    #expect(try trace.actions(threshold: 0.001) == [[[action], [action], [action]]])
  }

  @Test("Between the corners the threshold decides, and padding has no actions")
  func threshold() throws {
    let layer = LSTM(units: 1, returnSequences: true)
    try layer.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float64)
    layer.parameters[0].value = .zeros([2, 4], dtype: .float64)
    // σ(−1) = 0.27 enters, σ(1) = 0.73 stays.
    layer.parameters[1].value = Tensor([-1, 1, 0, 0] as [Double])
    let trace = try layer.trace(Signal(.zeros([2, 2, 1], dtype: .float64), lengths: [2, 1]))
    #expect(try trace.actions() == [[[.keep], [.keep]], [[.keep]]])
    #expect(try trace.actions(threshold: 0.2) == [[[.fuse], [.fuse]], [[.fuse]]])
    #expect(try trace.actions(threshold: 0.8) == [[[.clear], [.clear]], [[.clear]]])
    for wrong in [0, 1, -0.5, .nan] {
      #expect(throws: RecurraError.self) { _ = try trace.actions(threshold: wrong) }
    }
    let gru = GRU(units: 1)
    try gru.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float64)
    gru.parameters[0].value = .zeros([2, 3], dtype: .float64)
    gru.parameters[1].value = Tensor([[1, 0, 0], [0, 0, 0]] as [[Double]])
    let other = try gru.trace(Signal(.zeros([1, 1, 1], dtype: .float64)))
    #expect(try other.actions() == [[[.keep]]])
    #expect(try other.actions(threshold: 0.75) == [[[.clear]]])
    let plain = SimpleRNN(units: 1)
    try plain.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float64)
    let without = try plain.trace(Signal(.zeros([1, 1, 1], dtype: .float64)))
    let error = #expect(throws: RecurraError.self) { _ = try without.actions() }
    #expect(error?.kind == .badArgument)
  }

  @Test("The spectrum of U is that of each gate's matrix")
  func spectrum() throws {
    let layer = LSTM(units: 2)
    try layer.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float32)
    // A turn by 90° times 3, a shear, a diagonal, zeros.
    layer.parameters[0].value = Tensor(
      [[9, 9, 9, 9, 9, 9, 9, 9], [0, -3, 1, 2, 0.5, 0, 0, 0], [3, 0, 0, 1, 0, -2, 0, 0]] as [[Float]])
    let spectra = try layer.recurrentSpectra()
    #expect(spectra.map(\.gate) == ["input", "forget", "candidate", "output"])
    for (found, wanted) in zip(spectra.map(\.spectralRadius), [3.0, 1, 2, 0]) { #expect(abs(found - wanted) < 1e-7) }
    let root = 2.0.squareRoot()
    let values = [[3, 3], [1 + root, root - 1], [2, 0.5], [0, 0]]
    for (found, wanted) in zip(spectra.flatMap(\.singularValues), values.joined()) {
      #expect(abs(found - wanted) < 1e-7)
    }
    #expect(throws: RecurraError.self) { _ = try LSTM(units: 2).recurrentSpectra() }
    let orthogonal = SimpleRNN(units: 6)
    try orthogonal.build(inputShape: [nil, nil, 1], random: RandomSource(seed: 1), dtype: .float32)
    let only = try orthogonal.recurrentSpectra()
    #expect(only.map(\.gate) == ["slot 0"] && abs(only[0].spectralRadius - 1) < 1e-6)
  }
}
