import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// An LSTM whose h is projected, against the same steps in tensor operations.
extension EngineSettings {
  @Suite("A projected LSTM") struct Projection {
    /// B 5, T 6, I 3, H 9, P 4.
    private static func values(_ dtype: DType, peepholes: Int) -> [Tensor] {
      ([[5, 6, 3], [7, 36], [36], [5, 4], [5, 9]] + [[Int]](repeating: [9], count: peepholes) + [[9, 4]])
        .enumerated().map { Tensor.varied($1, seed: 40 + $0, dtype: .float32).converted(to: dtype) }
    }

    private static func result(_ values: [Tensor], _ cell: LSTMCell, _ lengths: [Int]?, isReversed: Bool) -> [Tensor] {
      let direction = RecurrentDirection(
        weights: values[1], bias: values[2], parameters: Array(values[5...]), initialStates: Array(values[3...4]),
        isReversed: isReversed)
      let output = values[0].recurrent(
        cell, [direction], lengths: lengths, returnsSequences: true, padding: .zero)
      return [output.output] + output.states
    }

    /// The definition.
    private static func wanted(_ values: [Tensor], _ lengths: [Int]?, isReversed: Bool, hasPeepholes: Bool) -> [Tensor]
    {
      var (h, c) = (values[3], values[4])
      var outputs = [Tensor](repeating: .zeros([5, 4], dtype: h.dtype), count: 6)
      for time in isReversed ? [5, 4, 3, 2, 1, 0] : [0, 1, 2, 3, 4, 5] {
        let x = values[0].sliced(time..<time + 1, axis: 1).reshaped([5, 3])
        var gates = (Tensor.concatenated([x, h], axis: 1).matrixProduct(values[1]) + values[2]).split(
          [9, 9, 9, 9], axis: 1)
        if hasPeepholes {
          gates[0] = gates[0] + c * values[5]
          gates[1] = gates[1] + c * values[6]
        }
        let memory = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh()
        if hasPeepholes { gates[3] = gates[3] + memory * values[7] }
        let new = (gates[3].sigmoid() * memory.tanh()).matrixProduct(values[values.count - 1])
        let isValid = Tensor((lengths ?? [6, 6, 6, 6, 6]).map { Int32($0 > time ? 1 : 0) }, shape: [5, 1])
        (h, c) = (.select(isValid, new, h), .select(isValid, memory, c))
        outputs[time] = .select(isValid, new, .zeros(new.shape, dtype: new.dtype))
      }
      return [.stacked(outputs, axis: 1), h, c]
    }

    @Test(
      "Values and gradients, both ways, full and ragged, with peepholes and without", arguments: [false, true],
      [nil, [6, 2, 0, 5, 1]])
    func definition(isReversed: Bool, lengths: [Int]?) {
      for hasPeepholes in [false, true] {
        let cell = LSTMCell(activation: .tanh, usePeepholes: hasPeepholes, projectionUnits: 4)
        let wide = Self.values(.float64, peepholes: hasPeepholes ? 3 : 0).map(\.tracked)
        let wanted = Self.wanted(wide, lengths, isReversed: isReversed, hasPeepholes: hasPeepholes)
        let gradients = LayerCase.objective(wanted).gradients(withRespectTo: wide)
        for dtype in [DType.float64, .float32] {
          for multiplier in EngineSettings.multipliers {
            let own = Self.values(dtype, peepholes: hasPeepholes ? 3 : 0).map(\.tracked)
            let (found, back) = EngineSettings.with(multiplier) {
              let found = Self.result(own, cell, lengths, isReversed: isReversed)
              return (found, LayerCase.objective(found).gradients(withRespectTo: own))
            }
            let tolerance = dtype == .float64 ? Tolerance.float64 : Tolerance.float32Gradient
            for (index, (found, wanted)) in zip(found + back, wanted + gradients).enumerated() {
              expectClose(
                found, wanted, relative: tolerance, toLargest: true,
                "\(index) \(dtype) \(multiplier) peepholes \(hasPeepholes)")
            }
          }
        }
      }
    }

    @Test("Steps give what sequences give, to the bit")
    func steps() throws {
      let cell = LSTMCell(activation: .tanh, projectionUnits: 4)
      let values = Self.values(.float32, peepholes: 0)
      let direction = RecurrentDirection(weights: values[1], bias: values[2], parameters: [values[5]])
      let whole = values[0].recurrent(cell, [direction], returnsSequences: true).output
      let stepper = RecurrentStepper<Float>(cell, direction, inputs: 3, batch: 5)
      for time in 0..<6 {
        let step = try stepper.step(values[0].sliced(time..<time + 1, axis: 1).reshaped([5, 3]))
        expectIdentical(step, whole.sliced(time..<time + 1, axis: 1).reshaped([5, 4]), "\(time)")
      }
    }
  }
}
