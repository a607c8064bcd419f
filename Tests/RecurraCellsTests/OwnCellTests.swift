import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("A cell from outside the package needs its own arithmetic only") struct OwnCellTests {
  @Test("Outputs agree with the same cell made of tensor operations")
  func outputs() {
    let (values, lengths) = (Self.values(), [5, 2, 0])
    let result = Self.run(values, lengths)
    let (x, weights, bias) = (values[0], values[1], values[2])
    for row in 0..<3 {
      var h = values[3].sliced(row..<(row + 1))
      for time in 0..<lengths[row] {
        let input = x[row].sliced(time..<(time + 1))
        let product = Tensor.concatenated([input, h], axis: 1).matrixProduct(weights) + bias
        let (f, candidate) = (product.sliced(0..<4, axis: 1).sigmoid(), product.sliced(4..<8, axis: 1).tanh())
        h = h + f * (candidate - h)
        expectClose(result.output[row].sliced(time..<(time + 1)), h, relative: Tolerance.float64, toLargest: true)
      }
      expectClose(result.states[0].sliced(row..<(row + 1)), h, relative: Tolerance.float64, toLargest: true)
    }
  }

  @Test("Gradients agree with central differences", arguments: [nil, [5, 2, 0]])
  func gradients(lengths: [Int]?) {
    expectGradients(
      of: { values in
        let result = Self.run(values, lengths)
        return .concatenated([result.output.flattened, result.states[0].flattened])
      }, at: Self.values())
  }

  /// Input, weights, bias and initial state: B 3, T 5, I 2, H 4.
  private static func values() -> [Tensor] {
    [[3, 5, 2], [6, 8], [8], [3, 4]].enumerated().map { Tensor.varied($1, seed: 40 + $0) }
  }

  private static func run(_ values: [Tensor], _ lengths: [Int]?) -> RecurrentOutput {
    let direction = RecurrentDirection(weights: values[1], bias: values[2], initialStates: [values[3]])
    return values[0].recurrent(LeakyCell(), [direction], lengths: lengths, returnsSequences: true)
  }
}

/// f = σ(x·W + h·U + b), h̃ = tanh(x·W + h·U + b), h′ = h + f⊙(h̃ − h).
private struct LeakyCell: GatedCell {
  var gateCount: Int { 2 }
  func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<2, slot: 0)]] }

  func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    for row in 0..<step.rows {
      let (f, h, next) = (step.gates[row], step.h[row], step.nextH[row])
      let candidate = f + step.units
      for u in 0..<step.units {
        f[u] = 1 / (1 + .exponential(-f[u]))
        candidate[u] = .hyperbolicTangent(candidate[u])
        next[u] = h[u] + f[u] * (candidate[u] - h[u])
      }
    }
  }

  func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    for row in 0..<step.rows {
      let (f, h, dh) = (step.gates[row], step.h[row], step.dh[row])
      let candidate = f + step.units
      for u in 0..<step.units {
        let (gate, value) = (f[u], candidate[u])
        f[u] = dh[u] * (value - h[u]) * gate * (1 - gate)
        candidate[u] = dh[u] * gate * (1 - value * value)
        dh[u] *= 1 - gate
      }
    }
  }
}
