import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// Cells whose units are dropped or held while training.
extension EngineSettings {
  @Suite("Noise in a cell") struct Noise {
    /// Cells that multiply h with U.
    static let kinds = NaiveCell.Kind.allCases.filter { ![.indRNN, .minGRU, .minLSTM].contains($0) }

    @Test("Masked h is what plain loops in Double give, gate by gate and row by row", arguments: kinds)
    func masks(kind: NaiveCell.Kind) {
      let test = LayerCase(
        kind: kind, batch: 3, timesteps: 5, inputs: 3, units: 4, lengths: [5, 2, 4], hasInitialStates: true)
      let cell = RecurrentDropoutCell(test.cell, units: 4)
      let count = cell.maskCount(4)
      let masks = Tensor((0..<3 * count).map { $0 % 3 == 0 ? 0 : 1.5 }, shape: [3, count])
      for dtype in [DType.float64, .float32] {
        let values = test.values(dtype)
        let plain = test.directions(of: values)[0]
        let direction = plain.starting(at: plain.initialStates + [masks.converted(to: dtype)])
        let naive = (0..<3).map { row -> NaiveCell.Run in
          let wide = test.directions(of: test.values(.float64))[0]
          var naive = NaiveCell(
            kind, weights: wide.weights, bias: wide.bias, parameters: wide.parameters, units: 4)
          naive.masks = masks.sliced(row..<row + 1).doubles
          return naive.run(
            test.values(.float64)[0].sliced(row..<row + 1),
            initialStates: wide.initialStates.map { $0.sliced(row..<row + 1) }, lengths: [test.lengths?[row] ?? 0])
        }
        for multiplier in EngineSettings.multipliers {
          let found = EngineSettings.with(multiplier) {
            values[0].recurrent(cell, [direction], lengths: test.lengths, returnsSequences: true)
          }
          expectClose(
            found.output, .concatenated(naive.map(\.outputTensor)),
            relative: dtype == .float64 ? Tolerance.float64 : Tolerance.float32Accumulated, toLargest: true,
            "\(dtype) \(multiplier)")
          expectIdentical(found.states[test.cell.stateCount], masks.converted(to: dtype), "the masks stay")
        }
      }
    }

    @Test("Gradients agree with central differences, with masks, held units and both", arguments: kinds)
    func gradients(kind: NaiveCell.Kind) {
      let test = LayerCase(
        kind: kind, batch: 3, timesteps: 4, inputs: 2, units: 3, lengths: [4, 2, 3], hasInitialStates: true)
      let memories = test.cell.stateCount - 1
      let dropping = RecurrentDropoutCell(test.cell, units: 3)
      let masks = Tensor(
        (0..<3 * dropping.maskCount(3)).map { $0 % 3 == 0 ? 0 : 1.5 }, shape: [3, dropping.maskCount(3)])
      let key = Tensor([12.0, 777_777, 0, 3, 4_444, 0, 99, 5, 0], shape: [3, 3])
      func held(_ base: any GatedCell, isTraining: Bool) -> ZoneoutCell {
        ZoneoutCell(
          base, units: 3, hidden: 0.3, memory: memories == 1 ? 0.4 : 0, memories: memories, isTraining: isTraining)
      }
      let cells: [(String, any GatedCell, [Tensor])] = [
        ("masks", dropping, [masks]), ("held", held(test.cell, isTraining: true), [key]),
        ("means", held(test.cell, isTraining: false), []),
        ("both", held(dropping, isTraining: true), [masks, key]),
      ]
      for (name, cell, further) in cells {
        TestSupport.expectGradients(
          of: { values in
            let plain = test.directions(of: values)[0]
            let direction = plain.starting(at: plain.initialStates + further)
            let result = values[0].recurrent(cell, [direction], lengths: test.lengths, returnsSequences: true)
            return .concatenated(([result.output] + result.states.prefix(memories + 1)).map(\.flattened))
          }, at: test.values(.float64), bound: test.hasKinks ? 1e-5 : Tolerance.gradient,
          step: test.hasKinks ? 1e-5 : 3e-4, "\(kind) \(name)")
      }
    }

    @Test("A held number is the one before, every other the cell's own; a rate's share is held")
    func heldNumbers() {
      let test = LayerCase(kind: .lstm, batch: 4, timesteps: 30, inputs: 3, units: 16, hasInitialStates: true)
      let values = test.values(.float64)
      let direction = test.directions(of: values)[0]
      let key = Tensor((0..<12).map { $0 % 3 == 2 ? 0 : Double(1_000 + 77 * $0) }, shape: [4, 3])
      let cell = ZoneoutCell(test.cell, units: 16, hidden: 0.25, memory: 0.5, memories: 1, isTraining: true)
      let h = values[0].recurrent(
        cell, [direction.starting(at: direction.initialStates + [key])], returnsSequences: true, keepsTrace: true
      ).traces[0]
      var held = [0, 0]
      for time in 1..<30 {
        func at(_ tensor: Tensor, _ time: Int) -> Tensor { tensor.sliced(time..<time + 1, axis: 1).reshaped([4, 16]) }
        guard let memory = h.memory else { return #expect(Bool(false), "no memory") }
        let (before, c) = (at(h.hidden, time - 1), at(memory, time - 1))
        let step = values[0].sliced(time..<time + 1, axis: 1).recurrent(
          test.cell, [direction.starting(at: [before, c])], returnsSequences: false
        ).states
        for (index, (old, (own, new))) in zip([before, c], zip(step, [at(h.hidden, time), at(memory, time)]))
          .enumerated()
        {
          for (old, (own, new)) in zip(old.doubles, zip(own.doubles, new.doubles)) {
            #expect(new == old || abs(new - own) < 1e-12)
            if new == old { held[index] += 1 }
          }
        }
      }
      let share = held.map { Double($0) / Double(29 * 4 * 16) }
      #expect(abs(share[0] - 0.25) < 0.04 && abs(share[1] - 0.5) < 0.04, "\(share)")
    }
  }
}
