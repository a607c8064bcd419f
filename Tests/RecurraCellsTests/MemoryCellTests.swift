import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("What the memory of an LSTM does") struct MemoryCell {
    /// A sequence whose timesteps open and close the gates: input 0…3 commands a corner (i, f), inputs 4 and 5 are
    /// content.
    ///
    /// The input gate and the forget gate listen to the commands alone, so far from zero that a sigmoid is 0 or 1;
    /// candidate and output gate listen to content and state.
    @Test("The corners of (i, f): keep, fuse, clear, replace", arguments: [DType.float32, .float64])
    func corners(dtype: DType) throws {
      let commands: [(i: Double, f: Double)] = [
        (1, 0), (0, 1), (1, 1), (0, 1), (0, 0), (1, 1), (1, 0), (1, 1), (0, 0), (0, 1),
      ]
      let (batch, units) = (2, 3)
      let corners: [(i: Double, f: Double)] = [(0, 1), (1, 1), (0, 0), (1, 0)]
      var x: [[[Double]]] = []
      for row in 0..<batch {
        x.append(
          commands.enumerated().map { time, command in
            corners.map { $0 == command ? 1 : 0 } + [0.3 + 0.1 * Double(time), Double(row) - 0.7]
          })
      }
      var weights = Tensor.varied([6 + units, 4 * units], seed: 9).doubles
      for row in 0..<(6 + units) {
        for unit in 0..<units {
          let column = row * 4 * units + unit
          weights[column] = row < 4 ? 60 * (2 * corners[row].i - 1) : 0
          weights[column + units] = row < 4 ? 60 * (2 * corners[row].f - 1) : 0
        }
      }
      let input = Tensor.nested(x).converted(to: dtype)
      let direction = RecurrentDirection(
        weights: Tensor(weights, shape: [6 + units, 4 * units]).converted(to: dtype),
        bias: Tensor.varied([4 * units], seed: 10, in: -0.01...0.01).converted(to: dtype),
        initialStates: (1...2).map { Tensor.varied([batch, units], seed: $0, in: 0.5...0.9).converted(to: dtype) })
      for multiplier in EngineSettings.multipliers {
        let result = EngineSettings.with(multiplier) {
          input.recurrent(LSTMCell(), [direction], returnsSequences: true, keepsTrace: true)
        }
        let trace = result.traces[0]
        let memory = try #require(trace.memory)
        var previous = direction.initialStates[1]
        for (time, command) in commands.enumerated() {
          func at(_ tensor: Tensor) -> Tensor { tensor.sliced(time..<(time + 1), axis: 1).squeezed(1) }
          let (i, f, candidate, o) = (at(trace.gates[0]), at(trace.gates[1]), at(trace.gates[2]), at(trace.gates[3]))
          expectClose(i, .full([batch, units], command.i, dtype: dtype), absolute: 1e-20, "i at \(time)")
          expectClose(f, .full([batch, units], command.f, dtype: dtype), absolute: 1e-20, "f at \(time)")
          #expect(candidate.abs().min().item > 1e-4)
          let wanted =
            switch command {
            case (0, 1): previous
            case (1, 1): previous + candidate
            case (0, 0): Tensor.zeros([batch, units], dtype: dtype)
            default: candidate
            }
          expectClose(
            at(memory), wanted, relative: dtype == .float32 ? 1e-6 : 1e-15, absolute: 1e-20,
            "(i, f) = \(command) at \(time), \(multiplier)")
          expectClose(
            at(trace.hidden), o * at(memory).tanh(), relative: dtype == .float32 ? 1e-6 : 1e-15,
            absolute: 1e-20, "h at \(time), \(multiplier)")
          previous = at(memory)
        }
        expectIdentical(trace.hidden, result.output)
      }
    }

    @Test("A trace holds gates and states at valid timesteps, zeros at padded ones", arguments: NaiveCell.Kind.allCases)
    func trace(kind: NaiveCell.Kind) {
      let test = LayerCase(
        kind: kind, batch: 4, timesteps: 6, inputs: 3, units: 5, reversals: [false, true], lengths: [2, 6, 0, 5],
        hasInitialStates: true, padding: .zero)
      for dtype in [DType.float32, .float64] {
        for multiplier in EngineSettings.multipliers {
          let values = test.values(dtype)
          let directions = test.directions(of: values)
          let result = EngineSettings.with(multiplier) {
            values[0].recurrent(
              test.cell, directions, lengths: test.lengths, returnsSequences: true, padding: .zero, keepsTrace: true)
          }
          let plain = EngineSettings.with(multiplier) { test.results(of: values)[0] }
          expectClose(result.output, plain, relative: Tolerance.float32Accumulated, toLargest: true)
          expectIdentical(result.output, .concatenated(result.traces.map(\.hidden), axis: -1))
          for (direction, trace) in zip(directions, result.traces) {
            let names = test.cell.slotNames.count
            #expect(trace.gates.count == ([.simpleRNN, .clippedRNN, .indRNN].contains(kind) ? 0 : names))
            expectGates(test, trace, direction, comment: "\(kind), \(dtype), \(multiplier)")
          }
        }
      }
    }

    /// Computes the new state from the gates by the cell's last formula.
    private func expectGates(
      _ test: LayerCase, _ trace: RecurrentTrace, _ direction: RecurrentDirection, comment: String
    ) {
      let (h, gates) = (trace.hidden, trace.gates)
      let valid = Tensor(
        (test.lengths ?? []).flatMap { length in (0..<test.timesteps).map { $0 < length ? 1.0 : 0 } },
        shape: [test.batch, test.timesteps, 1]
      ).converted(to: h.dtype)
      for gate in gates { expectIdentical(gate * valid, gate, "padding of a gate, \(comment)") }
      // The state a timestep begins with, in the order of time.
      func before(_ states: Tensor, _ initial: Tensor) -> Tensor {
        let rows = (0..<test.batch).map { row -> Tensor in
          let length = test.lengths?[row] ?? test.timesteps
          let (own, start) = (states[row], initial[row].expanded(at: 0))
          let rest = own.sliced(length..<test.timesteps)
          if length == 0 { return own }
          return direction.isReversed
            ? .concatenated([own.sliced(1..<length), start, rest])
            : .concatenated([start, own.sliced(0..<(length - 1)), rest])
        }
        return .stacked(rows)
      }
      let previous = before(h, direction.initialStates[0])
      let wanted: Tensor
      switch test.kind {
      case .lstm, .peepholeLSTM:
        guard let memory = trace.memory else { return #expect(Bool(false), "an LSTM without memory, \(comment)") }
        let kept = before(memory, direction.initialStates[1])
        expectClose(
          memory, gates[1] * kept + gates[0] * gates[2], relative: Tolerance.float32, toLargest: true, comment)
        wanted = gates[3] * memory.tanh()
      case .gruResetAfter, .gruResetBefore:
        wanted = (gates[0] * previous + (1 - gates[0]) * gates[2]) * valid
      default: return
      }
      expectClose(h, wanted, relative: Tolerance.float32, toLargest: true, comment)
    }

    @Test("The gradient fades with distance in a simple RNN, and not in an LSTM whose forget gate is open")
    func vanishingGradient() {
      let units = 12
      /// ‖∂h_k/∂h_0‖, with the same weights for every distance k.
      func norm(_ kind: NaiveCell.Kind, _ distance: Int) -> Double {
        let test = LayerCase(
          kind: kind, batch: 1, timesteps: distance, inputs: 5, units: units, hasInitialStates: true,
          returnsSequences: false)
        var values = test.values(.float64)
        values[0] = Tensor.varied([1, 60, 5], seed: 4).sliced(0..<distance, axis: 1)
        if kind == .lstm {
          let open = Tensor([0, 5, 0, 0].flatMap { [Double](repeating: $0, count: units) })
          values[2] = values[2] + open
        }
        let h = values[3].tracked
        values[3] = h
        let output = test.results(of: values)[0]
        let squares = (0..<units).map { unit in
          let seed = Tensor((0..<units).map { $0 == unit ? 1.0 : 0 }, shape: [1, units])
          return output.gradients(withRespectTo: [h], seed: seed)[0].power(2).sum().item
        }
        return squares.reduce(0, +).squareRoot()
      }
      let simple = [1, 10, 20, 40].map { norm(.simpleRNN, $0) }
      let lstm = [1, 10, 20, 40].map { norm(.lstm, $0) }
      for (near, far) in zip(simple, simple.dropFirst()) { #expect(far < near / 10, "\(simple)") }
      #expect(simple[3] < 1e-4 * simple[0], "\(simple)")
      #expect(lstm[3] > 0.2 * lstm[0], "\(lstm)")
      #expect(lstm[3] / lstm[0] > 1e3 * simple[3] / simple[0], "\(lstm), \(simple)")
    }
  }
}
