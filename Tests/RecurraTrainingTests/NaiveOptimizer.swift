/// The optimisers once more, element by element in Double and straight from their papers, Keras' order of operations.
struct NaiveOptimizer {
  enum Rule {
    case sgd(momentum: Double, nesterov: Bool)
    case rmsprop(rho: Double, momentum: Double, epsilon: Double, centered: Bool)
    case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool)
    case adagrad(initial: Double, epsilon: Double)
  }

  enum Clipping {
    case none
    case value(Double)
    case norm(Double)
    case globalNorm(Double)
  }

  let rule: Rule
  let learningRate: Double
  let weightDecay: Double
  let clipping: Clipping
  var weights: [[Double]]
  private var first: [[Double]]
  private var second: [[Double]]
  private var third: [[Double]]
  private var step = 0

  init(_ rule: Rule, learningRate: Double, weightDecay: Double, clipping: Clipping, weights: [[Double]]) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipping = clipping
    self.weights = weights
    let zeros = weights.map { $0.map { _ in 0.0 } }
    (first, second, third) = (zeros, zeros, zeros)
    if case .adagrad(let initial, _) = rule { first = weights.map { $0.map { _ in initial } } }
  }

  mutating func update(_ gradients: [[Double]], scale: Double) {
    step += 1
    let scaled = clipped(gradients.map { $0.map { $0 * scale } })
    for p in weights.indices {
      for i in weights[p].indices {
        weights[p][i] -= weightDecay * learningRate * weights[p][i]
        weights[p][i] += change(p, i, scaled[p][i])
      }
    }
  }

  private func clipped(_ gradients: [[Double]]) -> [[Double]] {
    func norm(_ values: [Double]) -> Double { values.map { $0 * $0 }.reduce(0, +).squareRoot() }
    func shrunk(_ values: [Double], _ norm: Double, _ limit: Double) -> [Double] {
      norm > limit ? values.map { $0 / norm * limit } : values
    }
    switch clipping {
    case .none: return gradients
    case .value(let limit): return gradients.map { $0.map { $0 > limit ? limit : $0 < -limit ? -limit : $0 } }
    case .norm(let limit): return gradients.map { shrunk($0, norm($0), limit) }
    case .globalNorm(let limit):
      let all = norm(gradients.flatMap { $0 })
      return gradients.map { shrunk($0, all, limit) }
    }
  }

  private mutating func change(_ p: Int, _ i: Int, _ g: Double) -> Double {
    func power(_ base: Double) -> Double { (0..<step).reduce(1) { product, _ in product * base } }
    switch rule {
    case .sgd(let momentum, let nesterov):
      first[p][i] = momentum * first[p][i] - learningRate * g
      return nesterov ? momentum * first[p][i] - learningRate * g : first[p][i]
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      first[p][i] = rho * first[p][i] + (1 - rho) * g * g
      third[p][i] = rho * third[p][i] + (1 - rho) * g
      let variance = first[p][i] - (centered ? third[p][i] * third[p][i] : 0)
      second[p][i] = momentum * second[p][i] + learningRate * g / (variance + epsilon).squareRoot()
      return -second[p][i]
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      first[p][i] = beta1 * first[p][i] + (1 - beta1) * g
      second[p][i] = beta2 * second[p][i] + (1 - beta2) * g * g
      third[p][i] = amsgrad ? max(third[p][i], second[p][i]) : second[p][i]
      let size = learningRate * (1 - power(beta2)).squareRoot() / (1 - power(beta1))
      return -size * first[p][i] / (third[p][i].squareRoot() + epsilon)
    case .adagrad(_, let epsilon):
      first[p][i] += g * g
      return -learningRate * g / (first[p][i] + epsilon).squareRoot()
    }
  }
}
