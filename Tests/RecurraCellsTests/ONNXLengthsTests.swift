import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  /// Rows that end early or have no timestep at all, in every direction: outputs are 0 behind a row's end, states are
  /// those of its last timestep.
  @Suite("ONNX Runtime's sequence_lens") struct ONNXLengths {
    private static func text(_ test: Fixture.Case, _ name: String) -> String? {
      if case .string(let text)? = test.arguments?[name] { text } else { nil }
    }

    @Test("Partial, zero and zero in the middle", arguments: EngineSettings.multipliers)
    func operators(multiplier: MultiplierChoice) throws {
      let file = try Fixture("onnx_lengths")
      #expect(file.cases.count == 90)
      for test in file.cases {
        let (cell, gates): (any GatedCell, [Int]) =
          switch Self.text(test, "operator") {
          case "LSTM": (LSTMCell(), [0, 2, 3, 1])
          case "GRU": (GRUCell(resetAfter: true), [0, 1, 2])
          default: (SimpleRNNCell(), [0])
          }
        let (x, recurrent) = (try test.required("X"), try test.required("R"))
        let (units, rows) = (recurrent.shape[2], x.shape[1])
        func columns(_ matrix: Tensor) -> Tensor {
          .concatenated(gates.map { matrix.sliced($0 * units..<($0 + 1) * units) })
        }
        let initial = ["initial_h", "initial_c"].compactMap { test[$0] }
        var directions: [RecurrentDirection] = []
        for way in 0..<recurrent.shape[0] {
          let biases = try test.required("B")[way].reshaped([2, -1])
          let own = [columns(biases[0]), columns(biases[1])]
          let weights = try ["W", "R"].map { columns(try test.required($0)[way]).transposed() }
          directions.append(
            RecurrentDirection(
              weights: .concatenated(weights),
              bias: cell.biasShape(units: units).count == 2 ? .stacked(own) : own[0] + own[1],
              initialStates: initial.map { $0[way] },
              isReversed: way == 1 || Self.text(test, "direction") == "reverse"))
        }
        let lengths = try test.required("sequence_lens").scalars(as: Int32.self).map { Int($0) }
        let (found, last) = EngineSettings.with(multiplier) {
          let x = x.transposed(0, 1)
          return (
            x.recurrent(cell, directions, lengths: lengths, returnsSequences: true, padding: .zero),
            x.recurrent(cell, directions, lengths: lengths, returnsSequences: false)
          )
        }
        // [T, D, B, H] is [B, T, D·H] here.
        let outputs = try test.required("Y").permuted([2, 0, 1, 3]).reshaped([rows, 3, directions.count * units])
        close(found.output, outputs, "\(test.name) Y")
        let states = ["Y_h", "Y_c"].compactMap { test[$0] }
        for (index, state) in found.states.enumerated() {
          let (way, kind) = (index / states.count, index % states.count)
          for (row, length) in lengths.enumerated() {
            // ONNX Runtime loses the state of a row without timesteps; here it stays what it was.
            let wanted = length == 0 && !initial.isEmpty ? initial[kind] : states[kind]
            close(state[row], wanted[way][row], "\(test.name) state \(index), row \(row)")
          }
        }
        let final = try test.required("Y_h").transposed(0, 1).reshaped([rows, directions.count * units])
        close(last.output, final, "\(test.name) last output")
      }
    }

    private func close(_ found: Tensor, _ wanted: Tensor, _ comment: String) {
      expectClose(found, wanted, relative: Tolerance.peers, absolute: 1e-6, toLargest: true, comment)
    }
  }
}
