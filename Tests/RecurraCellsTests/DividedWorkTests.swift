import Dispatch
import RecurraCells
import RecurraTensor
import Synchronization
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Dividing work never shows in the result") struct DividedWork {
    /// Shapes for every way of dividing: blocks of rows, directions, units with a barrier after each step, shards of
    /// products.
    static let shapes: [LayerCase] =
      [
        LayerCase(batch: 37, timesteps: 9, inputs: 13, units: 21, hasInitialStates: true),
        LayerCase(batch: 70, timesteps: 5, inputs: 40, units: 50, reversals: [false, true]),
        LayerCase(
          batch: 70, timesteps: 6, inputs: 9, units: 17, reversals: [false, true],
          lengths: (0..<70).map { $0 * 11 % 7 }, hasInitialStates: true),
        LayerCase(
          batch: 9, timesteps: 8, inputs: 5, units: 140, reversals: [true], lengths: [1, 8, 0, 3, 8, 7, 2, 2, 5]),
        // More blocks to train than most of the thread counts.
        LayerCase(batch: 260, timesteps: 3, inputs: 4, units: 6),
        LayerCase(batch: 1, timesteps: 7, inputs: 30, units: 300),
        LayerCase(batch: 2, timesteps: 7, inputs: 33, units: 270, reversals: [true], hasInitialStates: true),
        // One whose inputs are multiplied along with earlier timesteps.
        LayerCase(batch: 1, timesteps: 13, inputs: 99, units: 195, hasInitialStates: true),
        LayerCase(batch: 3, timesteps: 7, inputs: 6, units: 261, lengths: [7, 4, 1]),
        LayerCase(batch: 1, timesteps: 6, inputs: 20, units: 280, reversals: [false, true], hasInitialStates: true),
        // Weights that a core's own cache does not hold: directions take turns.
        LayerCase(batch: 2, timesteps: 4, inputs: 6, units: 410, reversals: [false, true], hasInitialStates: true),
      ] + long

    /// So long that the gradients are summed up stretch by stretch; the directions meet in the middle of one.
    static let long: [LayerCase] = [
      LayerCase(batch: 40, timesteps: 141, inputs: 21, units: 58, reversals: [false, true]),
      LayerCase(
        batch: 40, timesteps: 141, inputs: 21, units: 58, reversals: [false, true],
        lengths: (0..<40).map { $0 * 37 % 142 }),
    ]

    @Test(
      "1, 2, 3 and 8 threads give the same bits, forward and back", arguments: NaiveCell.Kind.allCases,
      EngineSettings.multipliers)
    func threadCounts(kind: NaiveCell.Kind, multiplier: MultiplierChoice) {
      for shape in Self.shapes {
        let test = shape.with { $0.kind = kind }
        let values = test.values(.float32)
        let wanted = EngineSettings.with(multiplier, threads: 1) {
          (test.results(of: values), test.resultsAndGradients(of: values))
        }
        // How many threads come to share the units of a step depends on the moment: more rounds meet more numbers.
        for threads in [2, 3, 8, 2, 3, 8] {
          let found = EngineSettings.with(multiplier, threads: threads) {
            (test.results(of: values), test.resultsAndGradients(of: values))
          }
          let comment = "\(threads) threads, \(multiplier), \(test.testDescription)"
          expectSame(found.0, wanted.0, test.resultNames, "inference, \(comment)")
          expectSame(found.1.results, wanted.1.results, test.resultNames, "training, \(comment)")
          expectSame(found.1.gradients, wanted.1.gradients, test.valueNames, "gradient, \(comment)")
        }
      }
    }

    @Test("The same holds in float64", arguments: NaiveCell.Kind.allCases)
    func float64(kind: NaiveCell.Kind) {
      for shape in Self.shapes.prefix(3) {
        let test = shape.with { $0.kind = kind }
        let values = test.values(.float64)
        let runs = [1, 3].map { threads in
          EngineSettings.with(threads: threads) { test.resultsAndGradients(of: values) }
        }
        expectSame(runs[1].results, runs[0].results, test.resultNames, test.testDescription)
        expectSame(runs[1].gradients, runs[0].gradients, test.valueNames, test.testDescription)
      }
    }

    @Test("Calls from several threads at once give the bits of one call", arguments: EngineSettings.multipliers)
    func concurrentCalls(multiplier: MultiplierChoice) {
      EngineSettings.with(multiplier, threads: 3) {
        let test = LayerCase(
          batch: 11, timesteps: 6, inputs: 7, units: 40, reversals: [false, true], lengths: (0..<11).map { $0 % 7 })
        let values = test.values(.float32)
        // All calls share the stores of packed weights, as requests to one model do.
        let directions = test.directions(of: values).map {
          RecurrentDirection(
            weights: $0.weights, bias: $0.bias, isReversed: $0.isReversed, packed: PackedWeights(), version: 1)
        }
        let wanted = test.resultsAndGradients(of: values)
        let answers = Mutex<[([Tensor], [Tensor], Tensor)]>([])
        DispatchQueue.concurrentPerform(iterations: 12) { _ in
          let (own, shared) = MultiplierChoice.with(multiplier) {
            (
              test.resultsAndGradients(of: values),
              values[0].recurrent(test.cell, directions, lengths: test.lengths, returnsSequences: true)
            )
          }
          answers.withLock { $0.append((own.results, own.gradients, shared.output)) }
        }
        for (results, gradients, shared) in answers.withLock({ $0 }) {
          expectSame(results, wanted.results, test.resultNames, "\(multiplier)")
          expectSame(gradients, wanted.gradients, test.valueNames, "\(multiplier)")
          if multiplier != .openblas { expectIdentical(shared, wanted.results[0], "shared packed weights") }
        }
      }
    }

    @Test("The gradient of one call, asked for from several threads at once, is the same to the bit")
    func concurrentGradients() {
      let test = LayerCase(batch: 5, reversals: [false, true], lengths: [7, 1, 3, 0, 6], hasInitialStates: true)
      let tracked = test.values(.float32).map(\.tracked)
      let objective = LayerCase.objective(test.results(of: tracked))
      let wanted = test.resultsAndGradients(of: test.values(.float32)).gradients
      let answers = Mutex<[[Tensor]]>([])
      DispatchQueue.concurrentPerform(iterations: 6) { _ in
        let gradients = objective.gradients(withRespectTo: tracked)
        answers.withLock { $0.append(gradients) }
      }
      for answer in answers.withLock({ $0 }) { expectSame(answer, wanted, test.valueNames, "") }
    }

    private func expectSame(
      _ found: [Tensor], _ wanted: [Tensor], _ names: [String], _ comment: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      for (name, (found, wanted)) in zip(names, zip(found, wanted)) {
        expectIdentical(found, wanted, "\(name), \(comment)", sourceLocation: sourceLocation)
      }
    }
  }
}
