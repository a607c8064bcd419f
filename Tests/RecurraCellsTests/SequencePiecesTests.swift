import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("Rows with holes, and rows that begin anew") struct SequencePiecesTests {
  /// Four rows of six timesteps: full ones, holes, a left and a right padding, a row without any, marks everywhere.
  struct Rows: Sendable, CustomTestStringConvertible {
    var steps: [[Int]]
    var marks: [[Int]]
    var beginsByThemselves = false

    var testDescription: String { "\(steps) \(marks) \(beginsByThemselves)" }

    static let all = [
      Rows(
        steps: [[1, 0, 1, 1, 0, 1], [0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
        marks: [[], [], [], []]),
      Rows(
        steps: [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]],
        marks: [[2], [1, 2, 5], [0, 3, 5], []]),
      Rows(
        steps: [[1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
        marks: [[1, 4], [0, 3], [2, 4], [3]]),
      Rows(
        steps: [[1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]],
        marks: [[1, 4], [0, 3], [2, 4], []], beginsByThemselves: true),
    ]

    var pieces: SequencePieces {
      SequencePieces(
        rows: steps.count, timesteps: steps[0].count, flags: steps.joined().map { $0 == 1 }, marks: marks,
        beginsByItself: beginsByThemselves)
    }

    /// The timesteps of each row's pieces, worked out anew: an empty one in front of a mark at the first timestep.
    func pieces(_ row: Int) -> [[Int]] {
      var (pieces, isDue) = ([[Int]()], false)
      for timestep in steps[row].indices {
        if marks[row].contains(timestep) { isDue = true }
        guard steps[row][timestep] == 1 else { continue }
        if isDue, beginsByThemselves || !pieces[pieces.count - 1].isEmpty { pieces.append([]) }
        isDue = false
        pieces[pieces.count - 1].append(timestep)
      }
      return pieces
    }
  }

  private func test(_ kind: NaiveCell.Kind, _ reversals: [Bool]) -> LayerCase {
    LayerCase(kind: kind, batch: 4, timesteps: 6, inputs: 3, units: 5, reversals: reversals, hasInitialStates: true)
  }

  @Test(
    "A row gives what its pieces give that are run apart, to the bit", arguments: NaiveCell.Kind.allCases,
    [[false], [true], [false, true]])
  func apart(kind: NaiveCell.Kind, reversals: [Bool]) {
    for rows in Rows.all {
      for (returnsSequences, padding) in [(true, PaddedOutput.zero), (true, .repeatsLast), (false, .zero)] {
        let test = test(kind, reversals).with { ($0.returnsSequences, $0.padding) = (returnsSequences, padding) }
        let values = test.values(.float32)
        let found = test.results(of: values, TimeWalk(pieces: rows.pieces))
        let wanted = Self.runApart(test, values, rows)
        for (index, result) in found.enumerated() {
          expectIdentical(result, wanted[index], "\(rows) \(test.resultNames[index]) \(padding) \(returnsSequences)")
        }
      }
    }
  }

  /// What comes of one call for each piece.
  private static func runApart(_ test: LayerCase, _ values: [Tensor], _ rows: Rows) -> [Tensor] {
    var (outputs, states) = ([Tensor](), [Tensor]())
    for direction in test.directions(of: values) {
      let width = test.units
      var all = [Float](repeating: 0, count: test.batch * test.timesteps * width)
      var last = [Float](repeating: 0, count: test.batch * width)
      var final = direction.initialStates.map { [Float](repeating: 0, count: $0.count) }
      for row in 0..<test.batch {
        let pieces = rows.pieces(row)
        let order = direction.isReversed ? Array(pieces.reversed()) : pieces
        var source = [Int?](repeating: nil, count: test.timesteps)
        for (index, piece) in order.enumerated() {
          let starts = direction.initialStates.map { states in
            index > 0 && rows.beginsByThemselves
              ? Tensor.zeros([1, states.shape[1]], dtype: .float32) : states[row..<row + 1]
          }
          // The empty piece in front of a row's first timestep, which the reverse direction would come to last.
          if piece.isEmpty, index > 0 { continue }
          for (state, start) in starts.enumerated() {
            final[state].replaceSubrange(row * width..<(row + 1) * width, with: start.scalars(as: Float.self))
          }
          guard !piece.isEmpty else { continue }
          let x = Tensor.concatenated(
            piece.map { values[0].sliced(row..<row + 1, axis: 0).sliced($0..<$0 + 1, axis: 1) }, axis: 1)
          let result = x.recurrent(test.cell, [direction.starting(at: starts)], returnsSequences: true)
          let numbers = result.output.scalars(as: Float.self)
          for (step, timestep) in piece.enumerated() {
            let place = (row * test.timesteps + timestep) * width
            all.replaceSubrange(place..<place + width, with: numbers[step * width..<(step + 1) * width])
            source[timestep] = timestep
          }
          for (state, value) in result.states.enumerated() {
            final[state].replaceSubrange(row * width..<(row + 1) * width, with: value.scalars(as: Float.self))
          }
          let end = direction.isReversed ? 0 : piece.count - 1
          last.replaceSubrange(row * width..<(row + 1) * width, with: numbers[end * width..<(end + 1) * width])
        }
        guard test.padding == .repeatsLast else { continue }
        var former: Int?
        for timestep in direction.isReversed ? Array((0..<test.timesteps).reversed()) : Array(0..<test.timesteps) {
          if let own = source[timestep] { former = own }
          guard source[timestep] == nil, let former else { continue }
          let (from, to) = ((row * test.timesteps + former) * width, (row * test.timesteps + timestep) * width)
          all.replaceSubrange(to..<to + width, with: all[from..<from + width])
        }
      }
      outputs.append(
        test.returnsSequences
          ? Tensor(all, shape: [test.batch, test.timesteps, width]) : Tensor(last, shape: [test.batch, width]))
      states += final.map { Tensor($0, shape: [test.batch, width]) }
    }
    return [.concatenated(outputs, axis: -1)] + states
  }

  @Test(
    "Gradients agree with central differences in float64", arguments: NaiveCell.Kind.allCases,
    [[false], [true], [false, true]])
  func gradients(kind: NaiveCell.Kind, reversals: [Bool]) {
    for rows in Rows.all {
      for padding in [PaddedOutput.zero, .repeatsLast] {
        let test = test(kind, reversals).with { ($0.units, $0.padding) = (3, padding) }
        expectGradients(test, TimeWalk(pieces: rows.pieces), "\(rows)")
      }
      let last = test(kind, reversals).with { ($0.units, $0.returnsSequences, $0.hasInitialStates) = (3, false, false) }
      expectGradients(last, TimeWalk(pieces: rows.pieces), "\(rows)")
    }
  }

  @Test("Float32 has the same bits on any threads, and float64's gradients", arguments: NaiveCell.Kind.allCases)
  func threads(kind: NaiveCell.Kind) {
    let test = LayerCase(
      kind: kind, batch: 24, timesteps: 30, inputs: 5, units: 16, reversals: [false, true], hasInitialStates: true)
    let rows = Rows(
      steps: (0..<24).map { row in (0..<30).map { (row * 7 + $0 * 3) % 5 == 0 ? 0 : 1 } },
      marks: (0..<24).map { row in (0..<30).filter { ($0 + row) % 11 == 10 } })
    let walk = TimeWalk(pieces: rows.pieces)
    func results(_ dtype: DType) -> [Tensor] {
      let tracked = test.values(dtype).map(\.tracked)
      let results = test.results(of: tracked, walk)
      return results.map(\.detached) + LayerCase.objective(results).gradients(withRespectTo: tracked)
    }
    let (single, double) = (results(.float32), results(.float64))
    for (index, (found, wanted)) in zip(single, double).enumerated() {
      expectClose(found, wanted.converted(to: .float32), relative: 2e-5, toLargest: true, "\(kind) \(index)")
    }
    expectSameBitsOnAnyThreads { results(.float32) }
  }
}

extension LayerCase {
  /// What the engine gives for a walk: the output, then the final states.
  func results(of values: [Tensor], _ walk: TimeWalk) -> [Tensor] {
    let directions = directions(of: values).map { direction in
      direction.beginningAnew(at: direction.initialStates.map { .zeros($0.shape, dtype: $0.dtype) })
    }
    let result = InputSource.tensor(values[0]).recurrent(
      cell, directions, walk, returnsSequences: returnsSequences, padding: padding)
    return [result.output] + result.states
  }
}

/// Expects the gradients of all results together to agree with central differences.
func expectGradients(_ test: LayerCase, _ walk: TimeWalk, _ comment: String) {
  expectGradients(
    of: { LayerCase.objective(test.results(of: $0, walk)) }, at: test.values(.float64),
    bound: test.hasKinks ? 1e-5 : Tolerance.gradient, step: test.hasKinks ? 1e-5 : 3e-4, "\(test) \(comment)")
}
