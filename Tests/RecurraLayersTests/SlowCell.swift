import RecurraCells
import RecurraTensor

/// h′ = h + rate·(tanh(x·W + b)⊙gain − h).
struct SlowCell: ComposedCell {
  static let name = "Slow"
  static var settings: [CellSetting<Self>] { [.number("rate", \.rate)] }
  var rate = 0.5

  func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [
      CellParameter("kernel", [inputs, units]), CellParameter("gain", [units], .constant(1)),
      CellParameter("bias", [units], .bias),
    ]
  }

  func step(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor] {
    let target = (x.matrixProduct(parameters["kernel"]) + parameters["bias"]).tanh() * parameters["gain"]
    return [states[0] + (target - states[0]) * rate]
  }
}
