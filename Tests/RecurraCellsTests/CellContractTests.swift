import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// What a cell may ask of the loop: states of any width, numbers kept for the way back, parameters of its own.
extension EngineSettings {
  @Suite("The contract of cells") struct CellContract {
    /// Input, weights, bias, the cell's two parameters and three initial states: B 3, T 5, I 2, H 4, h of 3.
    private static func values(_ dtype: DType) -> [Tensor] {
      [[3, 5, 2], [5, 8], [8], [4], [4], [3, 3], [3, 4], [3, 2]].enumerated().map {
        Tensor.varied($1, seed: 70 + $0, dtype: .float32).converted(to: dtype)
      }
    }

    private static func direction(_ values: [Tensor], isReversed: Bool = false) -> RecurrentDirection {
      RecurrentDirection(
        weights: values[1], bias: values[2], parameters: Array(values[3...4]), initialStates: Array(values[5...7]),
        isReversed: isReversed)
    }

    @Test("Outputs and states are those of the same cell in tensor operations", arguments: [false, true])
    func outputs(isReversed: Bool) {
      for dtype in [DType.float32, .float64] {
        for multiplier in EngineSettings.multipliers {
          let values = Self.values(dtype)
          let result = EngineSettings.with(multiplier) {
            values[0].recurrent(
              WidthsCell(), [Self.direction(values, isReversed: isReversed)], lengths: [5, 2, 0], returnsSequences: true
            )
          }
          #expect(result.output.shape == [3, 5, 3] && result.states.map(\.shape) == [[3, 3], [3, 4], [3, 2]])
          for (row, length) in [5, 2, 0].enumerated() {
            var states = values[5...7].map { $0.sliced(row..<(row + 1)) }
            for step in 0..<length {
              let time = isReversed ? length - 1 - step : step
              states = WidthsCell.step(values[0][row].sliced(time..<(time + 1)), states, values)
              expectClose(
                result.output[row].sliced(time..<(time + 1)), states[0], relative: Tolerance.float32, toLargest: true)
            }
            for (found, wanted) in zip(result.states, states) {
              expectClose(found.sliced(row..<(row + 1)), wanted, relative: Tolerance.float32, toLargest: true)
            }
          }
        }
      }
    }

    @Test("Gradients of everything agree with central differences", arguments: [nil, [5, 2, 0]])
    func gradients(lengths: [Int]?) {
      expectGradients(
        of: { values in
          let result = values[0].recurrent(
            WidthsCell(), [Self.direction(values)], lengths: lengths, returnsSequences: true)
          return .concatenated(([result.output] + result.states).map(\.flattened))
        }, at: Self.values(.float64))
    }

    @Test("The packed path has the reference's gradients, and a stepper the whole sequence's bits")
    func paths() throws {
      let values = Self.values(.float32)
      func gradients(_ multiplier: MultiplierChoice) -> [Tensor] {
        EngineSettings.with(multiplier) {
          let tracked = values.map(\.tracked)
          let result = tracked[0].recurrent(WidthsCell(), [Self.direction(tracked)], returnsSequences: false)
          return LayerCase.objective([result.output] + result.states).gradients(withRespectTo: tracked)
        }
      }
      for (found, wanted) in zip(gradients(.packed), gradients(.openblas)) {
        expectClose(found, wanted, relative: Tolerance.float32Accumulated, toLargest: true)
      }
      for multiplier in EngineSettings.multipliers {
        try EngineSettings.with(multiplier) {
          let whole = values[0].recurrent(WidthsCell(), [Self.direction(values)], returnsSequences: true)
          let stepper = RecurrentStepper<Float>(WidthsCell(), Self.direction(values), inputs: 2, batch: 3)
          for turn in 0..<2 {
            for time in 0..<5 {
              let h = try stepper.step(values[0].sliced(time..<(time + 1), axis: 1).reshaped([3, 2]))
              if multiplier == .packed || multiplier == .auto {
                expectIdentical(h, whole.output.sliced(time..<(time + 1), axis: 1).reshaped([3, 3]), "turn \(turn)")
              }
            }
            if multiplier == .packed {
              for (found, wanted) in zip(stepper.states, whole.states) { expectIdentical(found, wanted) }
            }
            stepper.reset()
          }
        }
      }
    }

    @Test("Settings are read, told apart and set by name")
    func settings() {
      var cell = GRUCell()
      #expect(
        cell.settingValues == [
          "activation": .activation(.tanh), "recurrent_activation": .activation(.sigmoid), "reset_after": .flag(true),
          "clip": .none,
        ])
      for setting in GRUCell.settings where setting.name == "reset_after" {
        #expect(setting.set(.flag(false), of: &cell))
        #expect(!setting.set(.number(1), of: &cell))
      }
      #expect(!cell.resetAfter && cell.settingValues["reset_after"] == .flag(false))
      #expect(LSTMCell().settingValues["unit_forget_bias"] == .flag(true))
      #expect(IndRNNCell().settingValues == ["activation": .activation(.relu)])
    }
  }
}

/// z, m = x·W + h·U + b, c′ = silu(m)⊙p + q⊙c, h′ = three of tanh(z)⊙c′, e′ = e + two of z.
///
/// States of 3, H and 2 numbers, arguments kept for silu, two parameters.
private struct WidthsCell: GatedCell {
  var gateCount: Int { 2 }
  func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<2, slot: 0)]] }
  func stateWidths(units: Int) -> [Int] { [3, units, 2] }
  func savedCount(units: Int) -> Int { 2 * units }
  func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [CellParameter("p", [units], .constant(1)), CellParameter("q", [units])]
  }

  static func step(_ x: Tensor, _ states: [Tensor], _ values: [Tensor]) -> [Tensor] {
    let sums = Tensor.concatenated([x, states[0]], axis: 1).matrixProduct(values[1]) + values[2]
    let (z, m) = (sums.sliced(0..<4, axis: 1), sums.sliced(4..<8, axis: 1))
    let memory = Activation.silu(m) * values[3] + values[4] * states[1]
    return [
      (z.tanh() * memory).sliced(0..<3, axis: 1), memory, states[2] + z.sliced(0..<2, axis: 1),
    ]
  }

  func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, p) = (step.units, step.parameters)
    for row in 0..<step.rows {
      let (z, h, saved) = (step.gates[row], step.nextH[row], step.saved[row])
      let (c, next) = (step.c[row], step.nextC[row])
      for u in 0..<(2 * units) { saved[u] = z[u] }
      for u in 0..<units {
        let m = z[units + u]
        z[units + u] = m / (1 + .exponential(-m))
        next[u] = z[units + u] * p[u] + p[units + u] * c[u]
        z[u] = .hyperbolicTangent(z[u])
        if u < 3 { h[u] = z[u] * next[u] }
      }
      for u in 0..<2 { next[units + u] = c[units + u] + saved[u] }
    }
  }

  func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (units, p) = (step.units, step.parameters)
    for row in 0..<step.rows {
      let (z, saved, dh, dc) = (step.gates[row], step.saved[row], step.dh[row], step.dc[row])
      let next = step.nextC[row]
      for u in 0..<units {
        let up = u < 3 ? dh[u] : 0
        dc[u] += up * z[u]
        let sigmoid = 1 / (1 + S.exponential(-saved[units + u]))
        let slope = sigmoid * (1 + saved[units + u] * (1 - sigmoid))
        z[u] = up * next[u] * (1 - z[u] * z[u]) + (u < 2 ? dc[units + u] : 0)
        // The gradient of p needs silu's value once more: it is kept where its argument was.
        saved[u] = z[units + u] * dc[u]
        z[units + u] = dc[u] * p[u] * slope
        saved[units + u] = dc[u]
        dc[u] *= p[units + u]
        if u < 3 { dh[u] = 0 }
      }
    }
  }

  func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    for row in 0..<step.rows {
      let (saved, c) = (step.saved[row], step.c[row])
      for u in units {
        sums[u] += saved[u]
        sums[step.units + u] += saved[step.units + u] * c[u]
      }
    }
  }
}
