import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Time runs the same way whoever drives it") struct Order {
    @Test(
      "Step by step gives the whole sequence: to the bit on the packed path", arguments: NaiveCell.Kind.allCases,
      EngineSettings.multipliers)
    func steps(kind: NaiveCell.Kind, multiplier: MultiplierChoice) throws {
      for (batch, units) in [(1, 19), (3, 64), (33, 10)] {
        let test = LayerCase(
          kind: kind, batch: batch, timesteps: 7, inputs: 6, units: units, hasInitialStates: batch > 1, seed: units)
        try EngineSettings.with(multiplier) {
          let values = test.values(.float32)
          // A cell without a kernel runs on OpenBLAS whatever is asked for.
          let isExact = multiplier != .openblas && test.cell.kernel != nil
          try expectSteps(test, values, Float.self, tolerance: isExact ? nil : Tolerance.float32Accumulated)
          try expectSteps(test, test.values(.float64), Double.self, tolerance: Tolerance.float64)
        }
      }
    }

    private func expectSteps<S: FloatingScalar>(
      _ test: LayerCase, _ values: [Tensor], _ type: S.Type, tolerance: Double?,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let wanted = test.results(of: values)
      let stepper = RecurrentStepper<S>(
        test.cell, test.directions(of: values)[0], inputs: test.inputs, batch: test.batch)
      // The second time round shows that a reset forgets the first.
      for round in 0..<2 {
        stepper.reset()
        for time in 0..<test.timesteps {
          let h = try stepper.step(values[0].sliced(time..<(time + 1), axis: 1).squeezed(1))
          compare(h, wanted[0].sliced(time..<(time + 1), axis: 1).squeezed(1), "step \(time), round \(round)")
        }
        for (found, wanted) in zip(stepper.states, wanted.dropFirst()) { compare(found, wanted, "final states") }
      }

      func compare(_ found: Tensor, _ wanted: Tensor, _ comment: String) {
        let comment = "\(comment), \(S.dtype), \(test.testDescription)"
        if let tolerance {
          expectClose(
            found, wanted, relative: tolerance, toLargest: true, comment, sourceLocation: sourceLocation)
        } else {
          expectIdentical(found, wanted, comment, sourceLocation: sourceLocation)
        }
      }
    }

    @Test(
      "Reverse is forward on the reversed input, to the bit, gradients too", arguments: NaiveCell.Kind.allCases,
      EngineSettings.multipliers)
    func reverse(kind: NaiveCell.Kind, multiplier: MultiplierChoice) {
      for batch in [2, 17] {
        let backward = LayerCase(
          kind: kind, batch: batch, timesteps: 9, inputs: 5, units: 13, reversals: [true], hasInitialStates: true)
        let forward = backward.with { $0.reversals = [false] }
        EngineSettings.with(multiplier) {
          let values = backward.values(.float32)
          let turned = [values[0].reversed(axis: 1)] + values.dropFirst()
          let (found, wanted) = (backward.results(of: values), forward.results(of: turned))
          expectIdentical(found[0], wanted[0].reversed(axis: 1), backward.testDescription)
          for index in 1..<found.count { expectIdentical(found[index], wanted[index], backward.testDescription) }

          // The objective of the forward run weighs each output as that of the reversed run does.
          let (back, ahead) = (values.map(\.tracked), turned.map(\.tracked))
          let results = forward.results(of: ahead)
          let gradients = LayerCase.objective(backward.results(of: back)).gradients(withRespectTo: back)
          let others = LayerCase.objective([results[0].reversed(axis: 1)] + results.dropFirst())
            .gradients(withRespectTo: ahead)
          expectIdentical(gradients[0], others[0].reversed(axis: 1), backward.testDescription)
          for index in 1..<gradients.count {
            expectIdentical(gradients[index], others[index], backward.testDescription)
          }
        }
      }
    }

    @Test("A ragged row is reversed over its valid part", arguments: NaiveCell.Kind.allCases)
    func raggedReverse(kind: NaiveCell.Kind) {
      let lengths = [4, 9, 1, 6]
      let backward = LayerCase(
        kind: kind, batch: 4, timesteps: 9, inputs: 5, units: 13, reversals: [true], lengths: lengths,
        padding: .zero)
      let forward = backward.with { $0.reversals = [false] }
      for multiplier in EngineSettings.multipliers {
        EngineSettings.with(multiplier) {
          let values = backward.values(.float32)
          let (found, wanted) = (
            backward.results(of: values), forward.results(of: [turned(values[0], lengths)] + values.dropFirst())
          )
          expectClose(
            found[0], turned(wanted[0], lengths), relative: Tolerance.float32Accumulated, toLargest: true,
            "\(multiplier)")
        }
      }
    }

    private func turned(_ x: Tensor, _ lengths: [Int]) -> Tensor {
      .stacked(
        lengths.enumerated().map { row, length in
          x[row].ordered(axis: 0, (0..<length).reversed() + Array(length..<x.shape[1]))
        })
    }

    @Test("Two directions are each direction alone, side by side", arguments: NaiveCell.Kind.allCases)
    func directions(kind: NaiveCell.Kind) {
      let both = LayerCase(
        kind: kind, batch: 6, timesteps: 7, inputs: 3, units: 11, reversals: [false, true], lengths: [7, 3, 0, 5, 1, 7])
      EngineSettings.with(.packed) {
        let values = both.values(.float32)
        let directions = both.directions(of: values)
        let alone = directions.map {
          values[0].recurrent(both.cell, [$0], lengths: both.lengths, returnsSequences: true)
        }
        let result = both.results(of: values)
        expectIdentical(result[0], .concatenated(alone.map(\.output), axis: -1))
        for (found, wanted) in zip(result.dropFirst(), alone.flatMap(\.states)) { expectIdentical(found, wanted) }
      }
    }
  }
}
