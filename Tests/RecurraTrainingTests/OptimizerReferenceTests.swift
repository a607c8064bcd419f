import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Every rule with every decay and clipping, on sizes of several vectors and with rests, against plain loops in Double.
@Suite struct OptimizerReferenceTests {
  struct Case: CustomTestStringConvertible {
    let rule: NaiveOptimizer.Rule
    let weightDecay: Double
    let clipping: NaiveOptimizer.Clipping

    var testDescription: String { "\(rule), decay \(weightDecay), clipping \(clipping)" }

    var optimizer: Optimizer {
      let clipping: Optimizer.Clipping =
        switch clipping {
        case .none: .none
        case .value(let limit): .value(limit)
        case .norm(let limit): .norm(limit)
        case .globalNorm(let limit): .globalNorm(limit)
        }
      switch rule {
      case .sgd(let momentum, let nesterov):
        return .sgd(
          learningRate: rate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay, clipping: clipping)
      case .rmsprop(let rho, let momentum, let epsilon, let centered):
        return .rmsprop(
          learningRate: rate, rho: rho, momentum: momentum, epsilon: epsilon, centered: centered,
          weightDecay: weightDecay, clipping: clipping)
      case .adam(let beta1, let beta2, let epsilon, let amsgrad):
        return .adam(
          learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, weightDecay: weightDecay,
          clipping: clipping)
      case .adagrad(let initial, let epsilon):
        return .adagrad(
          learningRate: rate, initialAccumulatorValue: initial, epsilon: epsilon, weightDecay: weightDecay,
          clipping: clipping)
      }
    }
  }

  static let rate = 0.03

  static let rules: [NaiveOptimizer.Rule] = [
    .sgd(momentum: 0, nesterov: false), .sgd(momentum: 0.8, nesterov: false), .sgd(momentum: 0.8, nesterov: true),
    .rmsprop(rho: 0.7, momentum: 0, epsilon: 1e-3, centered: false),
    .rmsprop(rho: 0.7, momentum: 0.6, epsilon: 1e-3, centered: false),
    .rmsprop(rho: 0.7, momentum: 0, epsilon: 1e-3, centered: true),
    .rmsprop(rho: 0.7, momentum: 0.6, epsilon: 1e-3, centered: true),
    .adam(beta1: 0.8, beta2: 0.6, epsilon: 1e-3, amsgrad: false),
    .adam(beta1: 0.8, beta2: 0.6, epsilon: 1e-3, amsgrad: true), .adagrad(initial: 0.2, epsilon: 1e-3),
  ]

  static let cases = rules.flatMap { rule in
    [0, 0.4].flatMap { decay in
      // Norms of about 2 to 6 and 9 together: each limit cuts some gradients and leaves others.
      [NaiveOptimizer.Clipping.none, .value(0.5), .norm(3), .globalNorm(4)].map { clipping in
        Case(rule: rule, weightDecay: decay, clipping: clipping)
      }
    }
  }

  /// One vector and a rest, several and a rest, and less than one.
  static let shapes = [[19], [3, 37], [5]]

  static func numbers(_ seed: Int, _ magnitude: Double, shapes: [[Int]]) -> [Tensor] {
    shapes.enumerated().map { index, shape in
      // In float32 first, so that both types begin with the same numbers.
      (.varied(shape, seed: 10 * seed + index) * magnitude).converted(to: .float32)
    }
  }

  static func compare(_ test: Case, _ dtype: DType, shapes: [[Int]], steps: Int) throws {
    let start = numbers(1, 1, shapes: shapes)
    let parameters = start.enumerated().map { ("\($0.offset)", Parameter("w", $0.element.converted(to: dtype))) }
    let state = OptimizerState(test.optimizer, parameters)
    var naive = NaiveOptimizer(
      test.rule, learningRate: rate, weightDecay: test.weightDecay, clipping: test.clipping,
      weights: start.map(\.doubles))
    for step in 0..<steps {
      // Large gradients first, so that the largest square so far is not the last.
      let sums = numbers(2 + step, [6, 1, 3, 0.5][step % 4], shapes: shapes)
      var gradients = sums.map { Gradient.dense($0.converted(to: dtype)) }
      try state.update(&gradients, scale: 0.25) { "test" }
      naive.update(sums.map(\.doubles), scale: 0.25)
      for (index, (_, parameter)) in parameters.enumerated() {
        let wanted = Tensor(naive.weights[index], shape: parameter.shape).converted(to: dtype)
        expectClose(
          parameter.value, wanted, relative: dtype == .float32 ? 1e-5 : 1e-12,
          absolute: dtype == .float32 ? 2e-6 : 1e-14,
          "step \(step), \(parameter.shape)")
      }
    }
  }

  @Test(arguments: cases, [DType.float32, .float64]) func followsPlainLoops(test: Case, dtype: DType) throws {
    try Self.compare(test, dtype, shapes: Self.shapes, steps: 4)
  }

  @Test(arguments: rules.indices) func blocksThatSeveralThreadsShareFollowPlainLoops(index: Int) throws {
    let test = Case(rule: Self.rules[index], weightDecay: 0.4, clipping: .globalNorm(4))
    try Self.compare(test, .float32, shapes: [[3, 11_003], [2]], steps: 2)
  }

  @Test func sumsOfSquaresHaveEveryElement() {
    for count in 0...130 {
      let values = Tensor.varied([count], seed: count, in: 1...2, dtype: .float32)
      let wanted = values.doubles.map { $0 * $0 }.reduce(0, +)
      #expect((values.sumOfSquares - wanted).magnitude <= 1e-14 * wanted, "\(count)")
      #expect(values.isAllFinite)
      for place in 0..<count {
        var numbers = values.scalars(as: Float.self)
        numbers[place] = place % 2 == 0 ? .infinity : .nan
        #expect(!Tensor(numbers).isAllFinite, "\(place) of \(count)")
      }
    }
    // The squares are beyond float32.
    #expect(Tensor([Float](repeating: 1e30, count: 40)).isAllFinite)
    #expect((Tensor([Float](repeating: 1e30, count: 40)).sumOfSquares / 4e61 - 1).magnitude < 1e-6)
  }
}
