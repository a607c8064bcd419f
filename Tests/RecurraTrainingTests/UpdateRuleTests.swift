import Glibc
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Every rule with every decay and clipping, for numbers of weights that fill vectors and leave rests: what float32's
/// vectors do, and float64's loops, against the rules written down once more.
@Suite struct UpdateRuleTests {
  /// A rule, and what it does to one weight. `m` is what it remembers, all 0 at first.
  struct Rule: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (_ decay: Double, _ clipping: Optimizer.Clipping) -> Optimizer
    let change: @Sendable (_ g: Double, _ m: inout [Double], _ step: Double) -> Double
  }

  private static let rate = 0.05

  static let rules = [
    Rule(testDescription: "SGD") {
      .sgd(learningRate: rate, weightDecay: $0, clipping: $1)
    } change: { g, _, _ in
      -rate * g
    },
    Rule(testDescription: "SGD with momentum") {
      .sgd(learningRate: rate, momentum: 0.9, weightDecay: $0, clipping: $1)
    } change: { g, m, _ in
      m[0] = 0.9 * m[0] - rate * g
      return m[0]
    },
    Rule(testDescription: "SGD with Nesterov's momentum") {
      .sgd(learningRate: rate, momentum: 0.9, nesterov: true, weightDecay: $0, clipping: $1)
    } change: { g, m, _ in
      m[0] = 0.9 * m[0] - rate * g
      return 0.9 * m[0] - rate * g
    },
    Rule(testDescription: "RMSprop") {
      .rmsprop(learningRate: rate, rho: 0.8, epsilon: 1e-3, weightDecay: $0, clipping: $1)
    } change: { g, m, _ in
      m[0] = 0.8 * m[0] + 0.2 * g * g
      return -rate * g / (m[0] + 1e-3).squareRoot()
    },
    Rule(testDescription: "RMSprop, centred, with momentum") {
      .rmsprop(
        learningRate: rate, rho: 0.8, momentum: 0.7, epsilon: 1e-3, centered: true, weightDecay: $0, clipping: $1)
    } change: { g, m, _ in
      m[0] = 0.8 * m[0] + 0.2 * g * g
      m[1] = 0.8 * m[1] + 0.2 * g
      m[2] = 0.7 * m[2] + rate * g / (m[0] - m[1] * m[1] + 1e-3).squareRoot()
      return -m[2]
    },
    Rule(testDescription: "Adam") {
      .adam(learningRate: rate, beta1: 0.8, beta2: 0.9, epsilon: 1e-3, weightDecay: $0, clipping: $1)
    } change: { g, m, step in
      adam(g, &m, step, byLargest: false)
    },
    Rule(testDescription: "Adam with AMSGrad") {
      .adam(learningRate: rate, beta1: 0.8, beta2: 0.9, epsilon: 1e-3, amsgrad: true, weightDecay: $0, clipping: $1)
    } change: { g, m, step in
      adam(g, &m, step, byLargest: true)
    },
    Rule(testDescription: "Adagrad") {
      .adagrad(learningRate: rate, initialAccumulatorValue: 0, epsilon: 1e-3, weightDecay: $0, clipping: $1)
    } change: { g, m, _ in
      m[0] += g * g
      return -rate * g / (m[0] + 1e-3).squareRoot()
    },
  ]

  static let decays = [0, 0.3]
  static let clippings = [
    Optimizer.Clipping.none, .value(0.4), .norm(0.7), .globalNorm(0.9),
    // More than there is: nothing may be scaled up.
    .norm(1e4),
  ]

  @Test(arguments: rules, [DType.float32, .float64])
  func isTheRuleForEveryWeight(rule: Rule, dtype: DType) throws {
    for size in [1, 15, 33, 67, 131] {
      for decay in Self.decays {
        for clipping in Self.clippings { try expectRule(rule, size, decay, clipping, dtype) }
      }
    }
  }

  private func expectRule(
    _ rule: Rule, _ size: Int, _ decay: Double, _ clipping: Optimizer.Clipping, _ dtype: DType
  ) throws {
    let shapes = [[size], [size, 2]]
    let parameters = shapes.indices.map { index in
      ("p\(index)", Parameter("p\(index)", Tensor.varied(shapes[index], seed: 1 + index, dtype: dtype)))
    }
    var weights = parameters.map(\.1.value.doubles)
    var moments = weights.map { $0.map { _ in [0.0, 0, 0] } }
    let state = OptimizerState(rule.make(decay, clipping), parameters)
    for step in 1...3 {
      let given = shapes.indices.map { Tensor.varied(shapes[$0], seed: 10 * step + $0, dtype: dtype) }
      var gradients = given.map { Gradient.dense($0) }
      try state.update(&gradients) { "test" }
      let clipped = Self.clipped(given.map(\.doubles), clipping)
      for index in shapes.indices {
        for i in weights[index].indices {
          weights[index][i] *= 1 - Self.rate * decay
          weights[index][i] += rule.change(clipped[index][i], &moments[index][i], Double(step))
        }
        let bound = dtype == .float32 ? 3 * Tolerance.float32 : Tolerance.float64
        expectClose(
          parameters[index].1.value, Tensor(weights[index], shape: shapes[index]).converted(to: dtype), absolute: bound,
          "\(rule.testDescription), \(shapes[index]), decay \(decay), \(clipping), step \(step)")
      }
    }
  }

  private static func clipped(_ gradients: [[Double]], _ clipping: Optimizer.Clipping) -> [[Double]] {
    let norms = gradients.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let whole = norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return gradients.indices.map { index in
      gradients[index].map { g in
        switch clipping {
        case .none: g
        case .value(let limit): min(max(g, -limit), limit)
        case .norm(let limit): norms[index] > limit ? g * limit / norms[index] : g
        case .globalNorm(let limit): whole > limit ? g * limit / whole : g
        }
      }
    }
  }
}

/// Adam's change; for AMSGrad by the largest mean of squares so far. Keras' ε stands beside a mean that is not
/// corrected.
private func adam(_ g: Double, _ m: inout [Double], _ step: Double, byLargest: Bool) -> Double {
  m[0] = 0.8 * m[0] + 0.2 * g
  m[1] = 0.9 * m[1] + 0.1 * g * g
  m[2] = max(m[2], m[1])
  let size = 0.05 * (1 - pow(0.9, step)).squareRoot() / (1 - pow(0.8, step))
  return -size * m[0] / ((byLargest ? m[2] : m[1]).squareRoot() + 1e-3)
}
