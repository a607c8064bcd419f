import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Every cell gives what plain loops in Double give") struct NaiveComparison {
    @Test(
      "Lengths, directions, initial states, padding and last outputs",
      arguments: NaiveCell.Kind.allCases, [[false], [true], [false, true]])
    func options(kind: NaiveCell.Kind, reversals: [Bool]) {
      let ragged = [[3, 0, 6, 1, 6], [7, 5, 5, 2, 1], [4, 4, 4, 4, 4], [0, 0, 0, 0, 0], [1, 7, 2, 7, 3]]
      for (index, lengths) in ([nil] + ragged).enumerated() {
        for hasInitialStates in [false, true] {
          for (returnsSequences, padding) in [(true, PaddedOutput.repeatsLast), (true, .zero), (false, .repeatsLast)] {
            expectAgreement(
              LayerCase(
                kind: kind, batch: 5, timesteps: 7, inputs: 3, units: 9, reversals: reversals, lengths: lengths,
                hasInitialStates: hasInitialStates, returnsSequences: returnsSequences, padding: padding,
                seed: index))
          }
        }
      }
    }

    @Test(
      "Sizes that fill no register and no panel", arguments: NaiveCell.Kind.allCases,
      [
        (1, 2, 3, 1), (2, 3, 5, 7), (1, 9, 16, 17), (3, 4, 8, 31), (4, 13, 17, 33), (5, 6, 31, 16), (7, 3, 33, 64),
        (17, 2, 1, 65), (31, 3, 9, 10), (33, 2, 10, 72), (70, 3, 6, 5), (1, 4, 60, 129),
      ])
    func sizes(kind: NaiveCell.Kind, size: (batch: Int, timesteps: Int, inputs: Int, units: Int)) {
      let full = LayerCase(
        kind: kind, batch: size.batch, timesteps: size.timesteps, inputs: size.inputs, units: size.units,
        reversals: [false, true], hasInitialStates: true, seed: size.units)
      expectAgreement(full)
      expectAgreement(full.with { $0.lengths = (0..<size.batch).map { ($0 * 5 + 2) % (size.timesteps + 1) } })
      expectAgreement(full.with { $0.hasBias = false })
    }

    @Test(
      "Every activation in every place", arguments: NaiveCell.Kind.allCases,
      LayerCase.activations)
    func activations(kind: NaiveCell.Kind, activation: Activation) {
      var test = LayerCase(kind: kind, timesteps: 5, units: 6, lengths: [5, 2, 4], hasInitialStates: true)
      test.activation = activation
      expectAgreement(test)
      (test.activation, test.recurrentActivation) = (.tanh, activation)
      if kind != .simpleRNN { expectAgreement(test) }
    }

    @Test("A batch without rows, and timesteps without inputs", arguments: NaiveCell.Kind.allCases)
    func emptyExtents(kind: NaiveCell.Kind) {
      expectAgreement(LayerCase(kind: kind, batch: 2, timesteps: 4, inputs: 0, units: 5, reversals: [false, true]))
      for multiplier in EngineSettings.multipliers {
        EngineSettings.with(multiplier) {
          let test = LayerCase(kind: kind, batch: 0, timesteps: 4, inputs: 3, units: 5, reversals: [false, true])
          let (results, gradients) = test.resultsAndGradients(of: test.values(.float32))
          #expect(results[0].shape == [0, 4, 10])
          #expect(gradients[1].doubles.allSatisfy { $0 == 0 })
        }
      }
    }

    /// Holds all ways of computing a case against the plain loops.
    private func expectAgreement(_ test: LayerCase, sourceLocation: SourceLocation = #_sourceLocation) {
      let wide = test.values(.float64)
      let wanted = test.naiveResults(of: wide)
      for (name, (found, wanted)) in zip(test.resultNames, zip(test.results(of: wide), wanted)) {
        expectClose(
          found, wanted, relative: Tolerance.float64, toLargest: true, "\(name), float64, \(test.testDescription)",
          sourceLocation: sourceLocation)
      }
      for multiplier in EngineSettings.multipliers {
        let found = EngineSettings.with(multiplier) { test.results(of: test.values(.float32)) }
        for (name, (found, wanted)) in zip(test.resultNames, zip(found, wanted)) {
          // Terms of order 1 that cancel leave an error of their own size.
          expectClose(
            found, wanted, relative: Tolerance.float32Accumulated, absolute: Tolerance.float32 / 10, toLargest: true,
            "\(name), \(multiplier), \(test.testDescription)", sourceLocation: sourceLocation)
        }
      }
    }
  }
}
