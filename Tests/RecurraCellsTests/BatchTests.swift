import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("With our own kernels a row's result depends on that row alone, to the bit") struct Batches {
    private static let kinds = [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter]

    @Test("Alone, among 5, and among 64", arguments: kinds, [false, true])
    func batchSizes(kind: NaiveCell.Kind, isReversed: Bool) {
      let whole = LayerCase(
        kind: kind, batch: 64, timesteps: 9, inputs: 11, units: 37, reversals: [isReversed], hasInitialStates: true)
      EngineSettings.with(.packed) {
        let values = whole.values(.float32)
        let wanted = whole.results(of: values)
        for size in [1, 5] {
          for first in stride(from: 0, through: 64 - size, by: size) {
            expectRows(Array(first..<(first + size)), whole, values, wanted)
          }
        }
        expectRows([63, 0, 17, 17, 2, 40, 8], whole, values, wanted)
      }
    }

    @Test("With lengths of all kinds: a row alone, of its own length, gives the same", arguments: kinds, [false, true])
    func lengths(kind: NaiveCell.Kind, isReversed: Bool) {
      let lengths = (0..<23).map { $0 * 7 % 10 }
      let whole = LayerCase(
        kind: kind, batch: 23, timesteps: 9, inputs: 6, units: 18, reversals: [isReversed], lengths: lengths,
        hasInitialStates: true)
      EngineSettings.with(.packed) {
        let values = whole.values(.float32)
        let wanted = whole.results(of: values)
        for row in 0..<23 {
          expectRows([row], whole, values, wanted)
          guard lengths[row] > 0 else { continue }
          // Without the padding nothing is ragged, and the input's product is taken out of the loop.
          let alone = whole.with { ($0.batch, $0.timesteps, $0.lengths) = (1, lengths[row], nil) }
          var own = Self.rows([row], of: values)
          own[0] = own[0].sliced(0..<lengths[row], axis: 1)
          let found = alone.results(of: own)
          expectIdentical(found[0], wanted[0][row].sliced(0..<lengths[row]).expanded(at: 0), "row \(row)")
          for index in 1..<found.count { expectIdentical(found[index][0], wanted[index][row], "row \(row)") }
        }
      }
    }

    @Test("Taking the input's product out of the loop, in one go or by stretches", arguments: kinds)
    func hoisting(kind: NaiveCell.Kind) {
      // Up to four rows are hoisted; 900 timesteps of 150 units take more than one stretch.
      let whole = LayerCase(
        kind: kind, batch: 5, timesteps: kind == .simpleRNN ? 900 : 250, inputs: 7, units: 150,
        reversals: [false, true])
      EngineSettings.with(.packed) {
        let values = whole.values(.float32)
        let wanted = whole.results(of: values)
        expectRows([0, 1, 2, 3], whole, values, wanted)
        expectRows([4], whole, values, wanted)
      }
    }

    @Test("Multiplying the inputs of later timesteps along with those at hand", arguments: kinds)
    func leading(kind: NaiveCell.Kind) {
      for (timesteps, units) in [(1, 176), (5, 176), (6, 170), (23, 181)] {
        let whole = LayerCase(
          kind: kind, batch: 5, timesteps: timesteps, inputs: 93, units: units, reversals: [false, true],
          hasInitialStates: timesteps > 5)
        EngineSettings.with(.packed) {
          let values = whole.values(.float32)
          let wanted = whole.results(of: values)
          for row in 0..<5 { expectRows([row], whole, values, wanted) }
        }
      }
    }

    @Test("Training goes forward to the same bits as inference", arguments: kinds)
    func training(kind: NaiveCell.Kind) {
      let full = LayerCase(
        kind: kind, batch: 6, timesteps: 11, inputs: 9, units: 29, reversals: [false, true], hasInitialStates: true)
      EngineSettings.with(.packed) {
        for test in [full, full.with { $0.lengths = [3, 11, 0, 7, 11, 1] }] {
          let values = test.values(.float32)
          for (name, (trained, plain)) in zip(
            test.resultNames, zip(test.resultsAndGradients(of: values).results, test.results(of: values)))
          {
            expectIdentical(trained, plain, "\(name), \(test.testDescription)")
          }
        }
      }
    }

    /// Runs some of the rows alone and compares them with their results in the whole batch.
    private func expectRows(
      _ indices: [Int], _ whole: LayerCase, _ values: [Tensor], _ wanted: [Tensor],
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let part = whole.with { part in
        part.batch = indices.count
        part.lengths = whole.lengths.map { lengths in indices.map { lengths[$0] } }
      }
      let found = part.results(of: Self.rows(indices, of: values))
      for (name, (found, wanted)) in zip(whole.resultNames, zip(found, wanted)) {
        expectIdentical(
          found, wanted.ordered(axis: 0, indices), "\(name) of rows \(indices)", sourceLocation: sourceLocation)
      }
    }

    /// The values of a batch made of some rows: the input and the initial states, but not the parameters, have rows.
    private static func rows(_ indices: [Int], of values: [Tensor]) -> [Tensor] {
      let batch = values[0].shape[0]
      return values.enumerated().map { position, value in
        let isInitialState = position > 0 && value.shape.first == batch && value.shape.count == 2
        return position == 0 || isInitialState ? value.ordered(axis: 0, indices) : value
      }
    }
  }
}
