internal import RecurraLayers
internal import RecurraTensor

/// Division by the sum of all squares so far.
struct AdagradRule: UpdateRule {
  var initialAccumulatorValue = 0.1
  var epsilon = 1e-7

  let name = "adagrad"

  var configuration: [String: JSONValue] {
    ["initial_accumulator_value": .number(initialAccumulatorValue), "epsilon": .number(epsilon)]
  }

  var settings: [OptimizerSetting] {
    [
      OptimizerSetting("initial accumulator value", initialAccumulatorValue, .notNegative),
      OptimizerSetting("epsilon", epsilon, .unit),
    ]
  }

  var moments: [Moment] { [Moment("accumulator", initialValue: initialAccumulatorValue)] }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    if weights.dtype == .float32 {
      update.byVectors.adagrad(&weights, gradient, &moments.tensors, epsilon: epsilon)
      return
    }
    let (rate, scale) = (update.learningRate, update.gradientScale)
    update.inDouble(&weights, gradient, &moments) { weights, gradient, sum, _, _ in
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        sum[i] += g * g
        weights[i] -= rate * g / (sum[i] + epsilon).squareRoot()
      }
    }
  }
}

extension AdagradRule {
  init(_ arguments: LayerArguments) throws(RecurraError) {
    initialAccumulatorValue = try arguments.number("initial_accumulator_value", default: initialAccumulatorValue)
    epsilon = try arguments.number("epsilon", default: epsilon)
  }
}
