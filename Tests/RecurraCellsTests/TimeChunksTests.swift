import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("Gradients that are cut, and what is computed a second time") struct TimeChunksTests {
  private static let walks: [(name: String, walk: TimeWalk)] = [
    ("full", TimeWalk()), ("ragged", TimeWalk(lengths: [7, 3, 0, 5])),
    (
      "in pieces",
      TimeWalk(
        pieces: SequencePieces(
          rows: 4, timesteps: 7, flags: (0..<28).map { $0 % 5 != 1 && !(14..<21).contains($0) },
          marks: [[3], [], [2], [1, 4]]))
    ),
  ]

  private func test(_ kind: NaiveCell.Kind, _ reversals: [Bool]) -> LayerCase {
    LayerCase(kind: kind, batch: 4, timesteps: 7, inputs: 2, units: 3, reversals: reversals, hasInitialStates: true)
  }

  private func chunked(_ walk: TimeWalk, _ size: Int, cuts: Bool, recomputes: Bool) -> TimeWalk {
    var walk = walk
    walk.chunks = TimeChunks(size: size, cutsGradients: cuts, recomputes: recomputes)
    return walk
  }

  @Test(
    "What is computed a second time has the plain results to the bit, and their gradients",
    arguments: NaiveCell.Kind.allCases, [[false], [true], [false, true]])
  func recomputed(kind: NaiveCell.Kind, reversals: [Bool]) {
    for (name, walk) in Self.walks {
      for (returnsSequences, padding) in [(true, PaddedOutput.repeatsLast), (true, .zero), (false, .zero)] {
        let test = test(kind, reversals).with { ($0.returnsSequences, $0.padding) = (returnsSequences, padding) }
        for dtype in [DType.float32, .float64] {
          let values = test.values(dtype).map(\.tracked)
          let plain = test.results(of: values, walk)
          let found = test.results(of: values, chunked(walk, 3, cuts: false, recomputes: true))
          for (index, result) in found.enumerated() {
            let comment = "\(test) \(name) \(test.resultNames[index])"
            if dtype == .float32 {
              expectIdentical(result, plain[index], comment)
            } else {
              expectClose(result, plain[index], relative: 1e-12, toLargest: true, comment)
            }
          }
          let (own, wanted) = (
            LayerCase.objective(found).gradients(withRespectTo: values),
            LayerCase.objective(plain).gradients(withRespectTo: values)
          )
          for (index, gradient) in own.enumerated() {
            expectClose(
              gradient, wanted[index], relative: dtype == .float32 ? 1e-5 : 1e-12, toLargest: true,
              "\(test) \(name) \(test.valueNames[index])")
          }
        }
      }
    }
  }

  @Test(
    "No gradient crosses a cut: central differences with the states held still there",
    arguments: NaiveCell.Kind.allCases, [[false], [true], [false, true]])
  func cut(kind: NaiveCell.Kind, reversals: [Bool]) {
    for (name, walk) in Self.walks where walk.pieces == nil {
      for recomputes in [false, true] {
        let test = test(kind, reversals)
        let base = test.values(.float64)
        let walk = chunked(walk, 3, cuts: true, recomputes: recomputes)
        expectGradients(
          of: { values in
            LayerCase.objective(
              values[0].isTracked ? test.results(of: values, walk) : Self.stretches(test, values, base, walk.lengths))
          }, at: base, bound: test.hasKinks ? 1e-5 : Tolerance.gradient, step: test.hasKinks ? 1e-5 : 3e-4,
          "\(test) \(name) \(recomputes)")
      }
    }
  }

  /// Stretches of three timesteps, each from the states that the base values lead to.
  private static func stretches(
    _ test: LayerCase, _ values: [Tensor], _ base: [Tensor], _ lengths: [Int]?
  ) -> [Tensor] {
    let lengths = lengths ?? [Int](repeating: test.timesteps, count: test.batch)
    var (outputs, states) = ([Tensor](), [Tensor]())
    for (direction, still) in zip(test.directions(of: values), test.directions(of: base)) {
      let ranges = [0..<3, 3..<6, 6..<7]
      var (stillStates, own) = (still.initialStates, direction.initialStates)
      var parts = [Tensor?](repeating: nil, count: 3)
      for index in direction.isReversed ? [2, 1, 0] : [0, 1, 2] {
        let range = ranges[index]
        let valid = lengths.map { min(max($0 - range.lowerBound, 0), range.count) }
        func run(_ values: [Tensor], _ direction: RecurrentDirection, _ states: [Tensor]) -> RecurrentOutput {
          values[0].sliced(range, axis: 1).recurrent(
            test.cell, [direction.starting(at: states)], lengths: valid, returnsSequences: true, padding: .zero)
        }
        let result = run(values, direction, own)
        parts[index] = result.output
        stillStates = run(base, still, stillStates).states
        own = stillStates
        if index == (direction.isReversed ? 0 : 2) { states += result.states }
      }
      var output = Tensor.concatenated(parts.compactMap { $0 }, axis: 1)
      if !direction.isReversed, test.padding == .repeatsLast {
        let places = lengths.enumerated().flatMap { row, length in
          (0..<test.timesteps).map { Int32(row * test.timesteps + ($0 < length ? $0 : max(length - 1, 0))) }
        }
        output = output.reshaped([test.batch * test.timesteps, test.units]).gathered(
          Tensor(places, shape: [test.batch, test.timesteps]))
      }
      outputs.append(output)
    }
    return [.concatenated(outputs, axis: -1)] + states
  }

  @Test("A cut behind the last timestep is none, to the bit", arguments: NaiveCell.Kind.allCases)
  func whole(kind: NaiveCell.Kind) {
    let test = test(kind, [false, true])
    let values = test.values(.float32).map(\.tracked)
    for (_, walk) in Self.walks {
      let plain = LayerCase.objective(test.results(of: values, walk)).gradients(withRespectTo: values)
      let found = LayerCase.objective(test.results(of: values, chunked(walk, 7, cuts: true, recomputes: false)))
        .gradients(withRespectTo: values)
      for (gradient, wanted) in zip(found, plain) where walk.pieces == nil { expectIdentical(gradient, wanted) }
    }
  }

  @Test("A cut after every timestep leaves each step its own gradient alone")
  func everyStep() {
    let test = LayerCase(kind: .lstm, batch: 2, timesteps: 4, inputs: 3, units: 2, reversals: [false])
    let values = test.values(.float64).map(\.tracked)
    let found = test.results(of: values, chunked(TimeWalk(), 1, cuts: true, recomputes: false))
    let gradient = found[0].sliced(3..<4, axis: 1).sum().gradients(withRespectTo: values)[0]
    #expect(gradient.sliced(0..<3, axis: 1).doubles.allSatisfy { $0 == 0 })
    #expect(gradient.sliced(3..<4, axis: 1).doubles.allSatisfy { $0 != 0 })
  }
}

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
