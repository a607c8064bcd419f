internal import RecurraLayers
internal import RecurraTensor

/// Division by a running mean of squares.
struct RMSpropRule: UpdateRule {
  var rho = 0.9
  var momentum = 0.0
  var epsilon = 1e-7
  var isCentered = false

  let name = "rmsprop"

  var configuration: [String: JSONValue] {
    [
      "rho": .number(rho), "momentum": .number(momentum), "epsilon": .number(epsilon), "centered": .bool(isCentered),
    ]
  }

  var settings: [OptimizerSetting] {
    [
      OptimizerSetting("rho", rho, .unit), OptimizerSetting("momentum", momentum, .unit),
      OptimizerSetting("epsilon", epsilon, .unit),
    ]
  }

  var moments: [Moment] {
    [Moment("velocity")] + (momentum > 0 ? [Moment("momentum")] : []) + (isCentered ? [Moment("average_gradient")] : [])
  }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    if weights.dtype == .float32 {
      update.byVectors.rmsprop(
        &weights, gradient, &moments.tensors, rho: rho, momentum: momentum, epsilon: epsilon, isCentered: isCentered)
      return
    }
    let (rate, scale) = (update.learningRate, update.gradientScale)
    update.inDouble(&weights, gradient, &moments) { weights, gradient, velocity, second, third in
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        velocity[i] = rho * velocity[i] + (1 - rho) * g * g
        var variance = velocity[i]
        if isCentered {
          let mean = rho * (momentum > 0 ? third[i] : second[i]) + (1 - rho) * g
          if momentum > 0 { third[i] = mean } else { second[i] = mean }
          variance -= mean * mean
        }
        let step = rate * g / (variance + epsilon).squareRoot()
        if momentum > 0 { second[i] = momentum * second[i] + step }
        weights[i] -= momentum > 0 ? second[i] : step
      }
    }
  }
}

extension RMSpropRule {
  init(_ arguments: LayerArguments) throws(RecurraError) {
    rho = try arguments.number("rho", default: rho)
    momentum = try arguments.number("momentum", default: momentum)
    epsilon = try arguments.number("epsilon", default: epsilon)
    isCentered = try arguments.bool("centered", default: isCentered)
  }
}
