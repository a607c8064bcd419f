import RecurraCells
import RecurraTensor

/// An LSTM written in tensor operations, as anybody would write a cell of their own: i, f, o = σ(x·W + h·U + b),
/// c̃ = tanh(…), c′ = f⊙c + i⊙c̃, h′ = o⊙tanh(c′).
struct ComposedLSTM: ComposedCell {
  func stateWidths(units: Int) -> [Int] { [units, units] }

  func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [
      CellParameter("kernel", [inputs, 4 * units]),
      CellParameter("recurrent_kernel", [units, 4 * units], .recurrentKernel),
      CellParameter("bias", [4 * units], .biasWithUnit(gate: 1)),
    ]
  }

  func step(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor] {
    let (h, c) = (states[0], states[1])
    let sums =
      parameters.product(x, "kernel") + parameters.product(h, "recurrent_kernel") + parameters["bias"]
    let gates = sums.split([Int](repeating: c.shape[1], count: 4), axis: 1)
    let memory = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh()
    return [gates[3].sigmoid() * memory.tanh(), memory]
  }
}
