import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("Gradients agree with central differences in float64") struct GradientTests {
  @Test(
    "Of outputs and final states, for everything given", arguments: NaiveCell.Kind.allCases,
    [[false], [true], [false, true]])
  func everything(kind: NaiveCell.Kind, reversals: [Bool]) {
    let full = LayerCase(
      kind: kind, batch: 3, timesteps: 5, inputs: 2, units: 4, reversals: reversals, hasInitialStates: true)
    expectGradients(full)
    expectGradients(full.with { ($0.hasBias, $0.hasInitialStates, $0.seed) = (false, false, 2) })
    expectGradients(full.with { $0.returnsSequences = false })
  }

  @Test(
    "Of ragged batches, padded repeats included", arguments: NaiveCell.Kind.allCases,
    [[false], [true], [false, true], [false, false]])
  func ragged(kind: NaiveCell.Kind, reversals: [Bool]) {
    for (index, lengths) in [[2, 5, 0, 3], [5, 4, 4, 1], [3, 3, 3, 3], [0, 0, 0, 0], [1, 0, 5, 5]].enumerated() {
      let test = LayerCase(
        kind: kind, batch: 4, timesteps: 5, inputs: 3, units: 2, reversals: reversals, lengths: lengths,
        hasInitialStates: true, seed: index)
      expectGradients(test)
      expectGradients(test.with { $0.padding = .zero })
      expectGradients(test.with { $0.returnsSequences = false })
    }
  }

  @Test(
    "With every activation in every place", arguments: NaiveCell.Kind.allCases,
    LayerCase.activations)
  func activations(kind: NaiveCell.Kind, activation: Activation) {
    // Two sequences of three timesteps keep few enough arguments near the kinks of relu and of the hard sigmoid.
    var test = LayerCase(kind: kind, batch: 2, timesteps: 3, inputs: 4, units: 3, hasInitialStates: true, seed: 3)
    test.activation = activation
    expectGradients(test)
    (test.activation, test.recurrentActivation) = (.tanh, activation)
    if kind != .simpleRNN { expectGradients(test) }
  }

  @Test("Where one result alone is used", arguments: NaiveCell.Kind.allCases)
  func singleResults(kind: NaiveCell.Kind) {
    let test = LayerCase(
      kind: kind, batch: 2, timesteps: 4, inputs: 3, units: 2, reversals: [false, true], lengths: [4, 2],
      hasInitialStates: true)
    for result in test.resultNames.indices {
      TestSupport.expectGradients(
        of: { test.results(of: $0)[result] }, at: test.values(.float64), bound: bound(test), step: step(test),
        "\(test.resultNames[result])")
    }
  }

  @Test("Over three blocks of rows, with rows that come and go in every block", arguments: NaiveCell.Kind.allCases)
  func rowBlocks(kind: NaiveCell.Kind) {
    expectGradients(
      LayerCase(
        kind: kind, batch: 66, timesteps: 4, inputs: 2, units: 3, reversals: [false, true],
        lengths: (0..<66).map { $0 * 7 % 5 }, hasInitialStates: true))
  }

  @Test("Asked for twice, they are the same to the bit", arguments: NaiveCell.Kind.allCases)
  func twice(kind: NaiveCell.Kind) {
    for dtype in [DType.float32, .float64] {
      let test = LayerCase(
        kind: kind, batch: 6, reversals: [false, true], lengths: [7, 2, 0, 7, 5, 1], hasInitialStates: true)
      let tracked = test.values(dtype).map(\.tracked)
      let objective = LayerCase.objective(test.results(of: tracked))
      let first = objective.gradients(withRespectTo: tracked)
      let second = objective.gradients(withRespectTo: tracked)
      for (name, (first, second)) in zip(test.valueNames, zip(first, second)) { expectIdentical(second, first, name) }
    }
  }

  @Test("Values that are not tracked change nothing for those that are", arguments: NaiveCell.Kind.allCases)
  func partlyTracked(kind: NaiveCell.Kind) {
    let test = LayerCase(kind: kind, reversals: [true, false], lengths: [2, 7, 3], hasInitialStates: true)
    let values = test.values(.float64)
    let all = test.resultsAndGradients(of: values).gradients
    for index in values.indices {
      var some = values
      some[index] = some[index].tracked
      let alone = LayerCase.objective(test.results(of: some)).gradients(withRespectTo: [some[index]])[0]
      expectIdentical(alone, all[index], test.valueNames[index])
    }
  }

  /// Where there are kinks, few arguments lie within a small step of one.
  private func step(_ test: LayerCase) -> Double { test.hasKinks ? 1e-5 : 3e-4 }
  private func bound(_ test: LayerCase) -> Double { test.hasKinks ? 1e-5 : Tolerance.gradient }

  private func expectGradients(_ test: LayerCase, sourceLocation: SourceLocation = #_sourceLocation) {
    TestSupport.expectGradients(
      of: { values in .concatenated(test.results(of: values).map(\.flattened)) }, at: test.values(.float64),
      bound: bound(test), step: step(test), test.testDescription, sourceLocation: sourceLocation)
  }
}

extension EngineSettings {
  @Suite("Gradients in float32 agree with those in float64") struct Float32Gradients {
    @Test(
      "With both multipliers, full and ragged", arguments: NaiveCell.Kind.allCases,
      [
        (1, 9, 16, 17), (3, 11, 5, 8), (5, 4, 33, 31), (17, 6, 10, 33), (70, 3, 9, 16), (2, 5, 60, 100),
      ])
    func sizes(kind: NaiveCell.Kind, size: (batch: Int, timesteps: Int, inputs: Int, units: Int)) {
      for isRagged in [false, true] {
        var test = LayerCase(
          kind: kind, batch: size.batch, timesteps: size.timesteps, inputs: size.inputs, units: size.units,
          reversals: [false, true], hasInitialStates: true, seed: size.units)
        if isRagged { test.lengths = (0..<size.batch).map { ($0 * 5 + 2) % (size.timesteps + 1) } }
        let wanted = test.resultsAndGradients(of: test.values(.float64)).gradients
        for multiplier in EngineSettings.multipliers {
          let found = EngineSettings.with(multiplier) {
            test.resultsAndGradients(of: test.values(.float32)).gradients
          }
          for (name, (found, wanted)) in zip(test.valueNames, zip(found, wanted)) {
            expectClose(
              found, wanted, relative: Tolerance.float32Gradient, toLargest: true,
              "\(name), \(multiplier), \(test.testDescription)")
          }
        }
      }
    }
  }
}
