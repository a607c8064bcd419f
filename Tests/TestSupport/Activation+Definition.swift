import Glibc
package import RecurraTensor

extension Activation {
  /// The elementwise functions by their definitions in Double, written another way than the engine's.
  package func definition(_ x: Double) -> Double {
    switch self {
    case .linear: x
    case .relu: max(x, 0)
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: sinh(x) / cosh(x)
    case .hardSigmoid: min(max(x / 6 + 0.5, 0), 1)
    case .softsign: x / (1 + abs(x))
    case .elu: x > 0 ? x : expm1(x)
    case .softplus: log1p(exp(x))
    case .silu: x * exp(x) / (1 + exp(x))
    case .relu6: min(max(x, 0), 6)
    case .selu: x > 0 ? 1.0507009873554805 * x : 1.7580993408473766 * expm1(x)
    case .gelu: x / 2 * (x < 0 ? erfc(-x / 2.squareRoot()) : 1 + erf(x / 2.squareRoot()))
    case .mish: x * Glibc.tanh(log1p(exp(x)))
    case .exponential: pow(M_E, x)
    case .hardTanh: max(min(x, 1), -1)
    case .hardSilu: x * max(min(x + 3, 6), 0) / 6
    case .logSigmoid: x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x))
    case .tanhShrink: shrunk(x)
    case .sparsePlus: x <= -1 ? 0 : x < 1 ? pow(x + 1, 2) / 4 : x
    case .sparseSigmoid: max(min((x + 1) / 2, 1), 0)
    case .leakyRelu(let slope): max(x, 0) + slope * min(x, 0)
    case .scaledElu(let alpha): max(x, 0) + alpha * expm1(min(x, 0))
    case .celu(let alpha): max(x, 0) + min(0, alpha * expm1(x / alpha))
    case .hardShrink(let threshold): abs(x) > threshold ? x : 0
    case .softShrink(let threshold): max(x - threshold, 0) + min(x + threshold, 0)
    case .squareplus(let b): x < 0 ? b / 2 / (hypot(x, b.squareRoot()) - x) : (x + hypot(x, b.squareRoot())) / 2
    case .threshold(let threshold, let value): x > threshold ? x : value
    case .clippedLine(let alpha, let beta): max(min(alpha * x + beta, 1), 0)
    case .scaledTanh(let alpha, let beta): alpha * sinh(beta * x) / cosh(beta * x)
    case .affine(let alpha, let beta): beta + alpha * x
    case .softmax, .logSoftmax, .sparsemax: .nan
    }
  }

  /// (x·cosh(x) − sinh(x)) / cosh(x) without cancelling.
  private func shrunk(_ x: Double) -> Double {
    var sum = 0.0
    for k in (1...60).reversed() {
      let factorial = tgamma(Double(2 * k + 2))
      sum += pow(x, Double(2 * k + 1)) * Double(2 * k) / factorial
    }
    return sum / cosh(x)
  }
}
