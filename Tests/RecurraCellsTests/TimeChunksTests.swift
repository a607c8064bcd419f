import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("Gradients that are cut, and what is computed a second time") struct TimeChunksTests {
  private static let flags = (0..<28).map { $0 % 5 != 1 && !(14..<21).contains($0) }
  private static let marks = [[3], [], [2], [1, 4]]

  private static let walks: [(name: String, walk: TimeWalk)] = [
    ("full", TimeWalk()), ("ragged", TimeWalk(lengths: [7, 3, 0, 5])),
    (
      "in pieces",
      TimeWalk(
        pieces: SequencePieces(
          rows: 4, timesteps: 7, flags: flags, marks: marks))
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
    for (name, walk) in Self.walks {
      for recomputes in [false, true] {
        let test = test(kind, reversals).with { if walk.pieces != nil { $0.padding = .zero } }
        let held = walk.pieces == nil ? Self.stretches : Self.stretchesOfPieces
        let base = test.values(.float64)
        let walk = chunked(walk, 3, cuts: true, recomputes: recomputes)
        expectGradients(
          of: { values in
            LayerCase.objective(
              values[0].isTracked ? test.results(of: values, walk) : held(test, values, base, walk.lengths))
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
      let ranges = stride(from: 0, to: test.timesteps, by: 3).map { $0..<min($0 + 3, test.timesteps) }
      var (stillStates, own) = (still.initialStates, direction.initialStates)
      var parts = [Tensor?](repeating: nil, count: ranges.count)
      for index in direction.isReversed ? Array(ranges.indices.reversed()) : Array(ranges.indices) {
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
        if index == (direction.isReversed ? 0 : ranges.count - 1) { states += result.states }
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

  /// The same of rows in pieces: each piece is a row of its own, moved to the front.
  private static func stretchesOfPieces(
    _ test: LayerCase, _ values: [Tensor], _ base: [Tensor], _ lengths: [Int]?
  ) -> [Tensor] {
    var pieces: [(row: Int, places: [Int])] = []
    for row in 0..<test.batch {
      pieces.append((row, []))
      var isDue = false
      for timestep in 0..<test.timesteps {
        if marks[row].contains(timestep) { isDue = true }
        guard flags[row * test.timesteps + timestep] else { continue }
        if isDue, !pieces[pieces.count - 1].places.isEmpty { pieces.append((row, [])) }
        isDue = false
        pieces[pieces.count - 1].places.append(row * test.timesteps + timestep)
      }
    }
    let width = pieces.map(\.places.count).max() ?? 0
    let places = pieces.flatMap { piece in
      (0..<width).map { Int32($0 < piece.places.count ? piece.places[$0] : 0) }
    }
    let rows = Tensor(pieces.map { Int32($0.row) })
    let flat = test.with { ($0.batch, $0.timesteps) = (pieces.count, width) }
    let each = (values.count - 1) / test.reversals.count
    func moved(_ values: [Tensor]) -> [Tensor] {
      let input = values[0].reshaped([test.batch * test.timesteps, test.inputs])
      return [input.gathered(Tensor(places, shape: [pieces.count, width]))]
        + values.dropFirst().enumerated().map {
          $0 % each >= each - test.cell.stateCount ? $1.gathered(rows) : $1
        }
    }
    let found = stretches(flat, moved(values), moved(base), pieces.map(\.places.count))
    var targets = [Int32](repeating: Int32(pieces.count * width), count: test.batch * test.timesteps)
    for (index, piece) in pieces.enumerated() {
      for (step, place) in piece.places.enumerated() { targets[place] = Int32(index * width + step) }
    }
    let columns = found[0].shape[2]
    let output = Tensor.concatenated(
      [found[0].reshaped([pieces.count * width, columns]), .zeros([1, columns], dtype: .float64)]
    ).gathered(Tensor(targets, shape: [test.batch, test.timesteps]))
    return [output]
      + found.dropFirst().enumerated().map { index, state in
        let isReversed = test.reversals[index / test.cell.stateCount]
        let last = (0..<test.batch).map { row in
          let own = pieces.indices.filter { pieces[$0].row == row }
          return Int32((isReversed ? own.first : own.last) ?? 0)
        }
        return state.gathered(Tensor(last))
      }
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
