import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Values and gradients of PyTorch") struct TorchReference {
    @Test(
      "One and two directions, packed or not, one and two layers",
      arguments: [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter], EngineSettings.multipliers)
    func layers(kind: NaiveCell.Kind, multiplier: MultiplierChoice) throws {
      let names = [NaiveCell.Kind.simpleRNN: "torch_rnn", .lstm: "torch_lstm", .gruResetAfter: "torch_gru"]
      let file = try Fixture(#require(names[kind]))
      #expect(file.cases.count >= 11)
      try EngineSettings.with(multiplier) {
        for test in file.cases {
          let network = TorchNetwork(kind, test)
          try test.expect(results: network.run(test), sources: network.sources, "\(multiplier)")
        }
      }
    }
  }
}

/// A stack of layers with weights in PyTorch's layout. The conversion is made of tracked operations, so gradients come
/// back in that layout too.
private struct TorchNetwork {
  let kind: NaiveCell.Kind
  let cell: any RecurrentCell
  /// Everything that has a gradient in the file, tracked.
  let sources: [String: Tensor]

  init(_ kind: NaiveCell.Kind, _ test: Fixture.Case) {
    self.kind = kind
    var parts = LayerCase(kind: kind)
    parts.activation = test.activation("nonlinearity", default: .tanh)
    let projection = test.tensors["weight_hr_l0"].map { $0.shape[0] }
    cell = projection.map { LSTMCell(activation: .tanh, projectionUnits: $0) } ?? parts.cell
    sources = test.tensors.filter { name, _ in
      ["input", "weight", "bias", "initial"].contains(where: name.hasPrefix)
    }.mapValues(\.tracked)
  }

  func run(_ test: Fixture.Case) throws -> [String: Tensor] {
    let layers = sources["weight_ih_l1"] == nil ? 1 : 2
    let suffixes = test.flag("bidirectional") ? ["", "_reverse"] : [""]
    var output = try #require(sources["input"])
    var states: [[Tensor]] = []
    for layer in 0..<layers {
      let directions = try suffixes.enumerated().map { index, suffix in
        try direction("l\(layer)\(suffix)", layer * suffixes.count + index, isReversed: index == 1)
      }
      let result = output.recurrent(
        cell, directions, lengths: test.lengths, returnsSequences: true, padding: .zero)
      output = result.output
      for index in suffixes.indices {
        states.append(Array(result.states[(index * cell.stateCount)..<((index + 1) * cell.stateCount)]))
      }
    }
    var results = ["output": output]
    for (index, name) in ["final_h", "final_c"].prefix(cell.stateCount).enumerated() {
      results[name] = .stacked(states.map { $0[index] })
    }
    return results
  }

  private func direction(_ suffix: String, _ position: Int, isReversed: Bool) throws -> RecurrentDirection {
    let weights = try ["ih", "hh"].map { try reordered(#require(sources["weight_\($0)_\(suffix)"])).transposed() }
    let biases = ["ih", "hh"].compactMap { sources["bias_\($0)_\(suffix)"] }.map(reordered)
    let bias: Tensor?
    switch (biases.isEmpty, kind) {
    case (true, _): bias = nil
    // A reset gate after the product tells the two biases apart; elsewhere only their sum counts.
    case (false, .gruResetAfter): bias = .stacked(biases)
    case (false, _): bias = biases[0] + biases[1]
    }
    return RecurrentDirection(
      weights: .concatenated(weights), bias: bias,
      parameters: sources["weight_hr_\(suffix)"].map { [$0.transposed()] } ?? [],
      initialStates: ["h", "c"].compactMap { sources["initial_\($0)"]?[position] }, isReversed: isReversed)
  }

  /// Turns gate rows r z n into z r n; i f g o are i f c o.
  private func reordered(_ rows: Tensor) -> Tensor {
    guard kind == .gruResetAfter else { return rows }
    let units = rows.shape[0] / 3
    let gates = rows.split([units, units, units])
    return .concatenated([gates[1], gates[0], gates[2]])
  }
}
