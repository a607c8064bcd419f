import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Values and gradients of PyTorch, through the conversion of its layout, gate order and two biases.
@Suite struct TorchFixtureTests {
  @Test(arguments: ["rnn", "lstm", "gru"])
  func recurrentLayersAgree(cell: String) throws {
    let fixture = try Fixture("torch_\(cell)")
    #expect(fixture.cases.count >= 11)
    // Projections are compared where cells are.
    for reference in fixture.cases where !reference.name.hasPrefix("projected") {
      try compare(cell, reference, name: "\(cell) \(reference.name)")
    }
  }

  private func makeLayer(_ cell: String, _ reference: Fixture.Case) -> any RecurrentLayer {
    let useBias = reference.arguments?["bias"] != .bool(false)
    switch cell {
    case "lstm": return LSTM(units: 5, useBias: useBias, returnSequences: true, returnState: true)
    case "gru": return GRU(units: 5, useBias: useBias, returnSequences: true, returnState: true)
    default:
      let activation: Activation = reference.arguments?["nonlinearity"] == .string("relu") ? .relu : .tanh
      var options = RecurrentOptions(units: 5)
      options.useBias = useBias
      options.returnSequences = true
      options.returnState = true
      // PyTorch pads the output with zeros in either direction.
      options.zeroOutputForMask = true
      return SimpleRNN(cell: .init(activation: activation), options: options)
    }
  }

  /// PyTorch's rows of gates as Keras' columns: i f g o are i f c o; r z n are exchanged to z r h.
  private func columns(_ matrix: Tensor, _ cell: String) -> Tensor {
    guard cell == "gru" else { return matrix.rank == 2 ? matrix.transposed() : matrix }
    let gates = matrix.split([5, 5, 5])
    let ordered = Tensor.concatenated([gates[1], gates[0], gates[2]])
    return ordered.rank == 2 ? ordered.transposed() : ordered
  }

  private func weights(_ cell: String, _ reference: Fixture.Case, _ prefix: String, _ suffix: String) throws -> [Tensor]
  {
    var result = [
      columns(try reference.required("\(prefix)weight_ih\(suffix)"), cell),
      columns(try reference.required("\(prefix)weight_hh\(suffix)"), cell),
    ]
    if let first = reference["\(prefix)bias_ih\(suffix)"], let second = reference["\(prefix)bias_hh\(suffix)"] {
      let (a, b) = (columns(first, cell), columns(second, cell))
      if cell == "gru" {
        result.append(Tensor.stacked([a, b]))
      } else {
        // Both biases of PyTorch have the gradient of the one that is their sum.
        result.append(prefix.isEmpty ? a + b : a)
      }
    }
    return result
  }

  private func compare(_ cell: String, _ reference: Fixture.Case, name: String) throws {
    let isBidirectional = reference.arguments?["bidirectional"] == .bool(true)
    let depth = reference.arguments?["num_layers"] == nil ? 1 : 2
    let suffixes = isBidirectional ? ["", "_reverse"] : [""]
    let input = try reference.required("input").tracked
    let stateNames = cell == "lstm" ? ["h", "c"] : ["h"]
    let context = ForwardContext(isRecording: true)

    var value = input
    var layers: [any Layer] = []
    var initial: [[Tensor]] = []
    var finals: [[Tensor]] = []
    for level in 0..<depth {
      let one = makeLayer(cell, reference)
      let layer: any Layer =
        isBidirectional ? Bidirectional(one) : (reference.lengths == nil ? one : padded(one))
      try layer.build(inputShape: anyBatch(of: value), random: RandomSource(seed: 1), dtype: .float32)
      try layer.setWeights(suffixes.flatMap { try weights(cell, reference, "", "_l\(level)\($0)") })
      let states = suffixes.indices.flatMap { direction in
        stateNames.compactMap { state in
          reference["initial_\(state)"]?[level * suffixes.count + direction].tracked
        }
      }
      let result = try layer.forward(Signal(value, lengths: reference.lengths, states: states), context)
      value = result.value
      layers.append(layer)
      initial.append(states)
      finals.append(result.states)
    }

    expectClose(value, try reference.required("output"), relative: Tolerance.peers, toLargest: true, name)
    var objective = (value * (try reference.required("upstream"))).sum()
    for (index, state) in stateNames.enumerated() {
      // PyTorch keeps one tensor for each kind of state: [layer · direction, B, H].
      let kind = finals.flatMap { states in
        stride(from: index, to: states.count, by: stateNames.count).map { states[$0] }
      }
      let stacked = Tensor.stacked(kind)
      expectClose(
        stacked, try reference.required("final_\(state)"), relative: Tolerance.peers, toLargest: true,
        "\(name) \(state)")
      objective = objective + (stacked * (try reference.required("upstream_\(state)"))).sum()
    }

    let gradients = objective.gradients(withRespectTo: [input] + layers.flatMap { $0.parameters.map(\.tracked) })
    expectClose(
      gradients[0], try reference.required("grad_input"), relative: Tolerance.peers, toLargest: true, "\(name) input")
    var position = 1
    for level in 0..<depth {
      for suffix in suffixes {
        let wanted = try weights(cell, reference, "grad_", "_l\(level)\(suffix)")
        expectClose(
          gradients[position], Tensor.concatenated(Array(wanted[..<2])), relative: Tolerance.peers, toLargest: true,
          "\(name) weights \(level)\(suffix)")
        position += 1
        guard wanted.count == 3 else { continue }
        expectClose(
          gradients[position], wanted[2], relative: Tolerance.peers, toLargest: true, "\(name) bias \(level)\(suffix)")
        position += 1
      }
    }
    for (index, state) in stateNames.enumerated() where reference["initial_\(state)"] != nil {
      let kind = initial.flatMap { states in
        stride(from: index, to: states.count, by: stateNames.count).map { states[$0] }
      }
      let found = Tensor.stacked(objective.gradients(withRespectTo: kind))
      expectClose(
        found, try reference.required("grad_initial_\(state)"), relative: Tolerance.peers, toLargest: true,
        "\(name) initial \(state)")
    }
  }

  /// The same layer with zeros at padded timesteps.
  private func padded(_ layer: any RecurrentLayer) -> any RecurrentLayer {
    func copy<L: RecurrentLayer>(_ layer: L) -> L {
      var options = layer.options
      options.zeroOutputForMask = true
      return L(cell: layer.cell, options: options)
    }
    return copy(layer)
  }
}
