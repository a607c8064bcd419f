import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("The memory after every timestep") struct MemoriesTests {
  private static let kinds = NaiveCell.Kind.allCases.filter {
    LayerCase(kind: $0).cell.stateCount > 1
  }
  private static let walks: [TimeWalk] = [
    TimeWalk(), TimeWalk(lengths: [6, 2, 0]),
    TimeWalk(
      pieces: SequencePieces(
        rows: 3, timesteps: 6, flags: (0..<18).map { $0 % 4 != 1 }, marks: [[3], [], [1, 4]])),
    TimeWalk(chunks: TimeChunks(size: 4, cutsGradients: false, recomputes: true)),
    TimeWalk(lengths: [6, 2, 0], chunks: TimeChunks(size: 4, cutsGradients: false, recomputes: true)),
  ]

  private func run(_ test: LayerCase, _ values: [Tensor], _ walk: TimeWalk) -> [Tensor] {
    let result = InputSource.tensor(values[0]).recurrent(
      test.cell, test.directions(of: values), walk, returnsSequences: true, padding: .zero, returnsMemories: true)
    return [result.output] + result.states + (result.memories.map { [$0] } ?? [])
  }

  @Test("Is what the trace holds, to the bit", arguments: kinds, [[false], [true], [false, true]])
  func values(kind: NaiveCell.Kind, reversals: [Bool]) throws {
    for lengths in [nil, [6, 2, 0]] {
      let test = LayerCase(
        kind: kind, batch: 3, timesteps: 6, inputs: 2, units: 3, reversals: reversals, lengths: lengths,
        hasInitialStates: true)
      let values = test.values(.float32)
      let traces = values[0].recurrent(
        test.cell, test.directions(of: values), lengths: lengths, returnsSequences: true, keepsTrace: true
      ).traces
      let wanted = try Tensor.concatenated(traces.map { try #require($0.memory) }, axis: 2)
      for isTracked in [false, true] {
        let found = run(test, isTracked ? values.map(\.tracked) : values, TimeWalk(lengths: lengths))
        expectIdentical(try #require(found.last), wanted, "\(test)")
      }
    }
  }

  @Test("Has gradients", arguments: kinds, [[false], [true], [false, true]])
  func gradients(kind: NaiveCell.Kind, reversals: [Bool]) {
    let test = LayerCase(
      kind: kind, batch: 3, timesteps: 6, inputs: 2, units: 3, reversals: reversals, hasInitialStates: true)
    for walk in Self.walks {
      expectGradients(
        of: { LayerCase.objective(self.run(test, $0, walk)) }, at: test.values(.float64),
        bound: test.hasKinks ? 1e-5 : Tolerance.gradient, step: test.hasKinks ? 1e-5 : 3e-4, "\(test)")
      let alone = test.values(.float32).map(\.tracked)
      let double = test.values(.float64).map(\.tracked)
      func found(_ values: [Tensor]) -> [Tensor] {
        LayerCase.objective([run(test, values, walk)[1 + test.cell.stateCount * reversals.count]])
          .gradients(withRespectTo: values)
      }
      for (gradient, wanted) in zip(found(alone), found(double)) {
        expectClose(gradient, wanted.converted(to: .float32), relative: 2e-5, toLargest: true, "\(test) in float32")
      }
    }
  }

  @Test("Has the same bits on any threads, where a team shares the units")
  func threads() {
    let test = LayerCase(kind: .lstm, batch: 1, timesteps: 6, inputs: 32, units: 256)
    expectSameBitsOnAnyThreads {
      let values = test.values(.float32).map(\.tracked)
      let results = run(test, values, TimeWalk())
      return results.map(\.detached) + LayerCase.objective(results).gradients(withRespectTo: values)
    }
  }
}
