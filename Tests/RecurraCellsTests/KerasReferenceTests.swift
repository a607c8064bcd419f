import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Values and gradients of Keras") struct KerasReference {
    @Test(
      "One direction", arguments: [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter, .gruResetBefore],
      EngineSettings.multipliers)
    func layer(kind: NaiveCell.Kind, multiplier: MultiplierChoice) throws {
      let file = try Fixture("keras_\(Self.name(kind))")
      #expect(file.cases.count >= 14)
      try EngineSettings.with(multiplier) {
        for test in file.cases {
          let layer = KerasLayer(kind, test)
          let isReversed = test.flag("go_backwards")
          let result = try layer.run(
            test, prefixes: [""], reversals: [isReversed],
            padding: test.flag("zero_output_for_mask") ? .zero : .repeatsLast)
          // Keras gives the outputs of a layer that goes backwards in the order of processing.
          let flips = isReversed && layer.returnsSequences
          var results = layer.states(result, [""])
          results["output"] = flips ? result.output.reversed(axis: 1) : result.output
          try test.expect(results: results, sources: layer.sources, "\(multiplier)")
        }
      }
    }

    @Test(
      "Two directions in every merge mode", arguments: [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter],
      EngineSettings.multipliers)
    func bidirectional(kind: NaiveCell.Kind, multiplier: MultiplierChoice) throws {
      let file = try Fixture("keras_bidirectional_\(Self.name(kind))")
      #expect(file.cases.count >= 20)
      try EngineSettings.with(multiplier) {
        for test in file.cases {
          let layer = KerasLayer(kind, test)
          let prefixes = ["", "backward_"]
          let result = try layer.run(
            test, prefixes: prefixes, reversals: [false, true], padding: layer.returnsSequences ? .zero : .repeatsLast)
          let units = result.states[0].shape[1]
          let halves = result.output.split([units, units], axis: -1)
          var results = layer.states(result, prefixes)
          switch test.arguments?["merge"] {
          case .string("concat"): results["output"] = result.output
          case .string("sum"): results["output"] = halves[0] + halves[1]
          case .string("ave"): results["output"] = (halves[0] + halves[1]) / 2
          case .string("mul"): results["output"] = halves[0] * halves[1]
          default: (results["output"], results["backward_output"]) = (halves[0], halves[1])
          }
          try test.expect(results: results, sources: layer.sources, "\(multiplier)")
        }
      }
    }

    private static func name(_ kind: NaiveCell.Kind) -> String {
      switch kind {
      case .simpleRNN: "simple_rnn"
      case .lstm: "lstm"
      case .gruResetAfter: "gru"
      case .gruResetBefore: "gru_reset_before"
      default: "\(kind), which Keras has not"
      }
    }
  }
}

/// A layer with the weights of a case, by Keras' names.
private struct KerasLayer {
  let cell: any GatedCell
  /// Everything that has a gradient in the file, tracked.
  let sources: [String: Tensor]
  let returnsSequences: Bool

  init(_ kind: NaiveCell.Kind, _ test: Fixture.Case) {
    var parts = LayerCase(kind: kind)
    parts.activation = test.activation("activation", default: .tanh)
    parts.recurrentActivation = test.activation("recurrent_activation", default: .sigmoid)
    cell = parts.cell
    returnsSequences = test.flag("return_sequences")
    let endings = ["input", "kernel", "bias", "initial_h", "initial_c"]
    sources = test.tensors.filter { name, _ in !name.hasPrefix("grad_") && endings.contains(where: name.hasSuffix) }
      .mapValues(\.tracked)
  }

  func run(
    _ test: Fixture.Case, prefixes: [String], reversals: [Bool], padding: PaddedOutput
  ) throws -> RecurrentOutput {
    let directions = try zip(prefixes, reversals).map { prefix, isReversed in
      RecurrentDirection(
        weights: .concatenated([
          try #require(sources["\(prefix)kernel"]), try #require(sources["\(prefix)recurrent_kernel"]),
        ]),
        bias: sources["\(prefix)bias"],
        initialStates: ["h", "c"].compactMap { sources["\(prefix)initial_\($0)"] }, isReversed: isReversed)
    }
    return try #require(sources["input"]).recurrent(
      cell, directions, lengths: test.lengths, returnsSequences: returnsSequences, padding: padding)
  }

  /// The final states by Keras' names.
  func states(_ result: RecurrentOutput, _ prefixes: [String]) -> [String: Tensor] {
    let names = prefixes.flatMap { prefix in ["h", "c"].prefix(cell.stateCount).map { "\(prefix)final_\($0)" } }
    return Dictionary(uniqueKeysWithValues: zip(names, result.states))
  }
}
