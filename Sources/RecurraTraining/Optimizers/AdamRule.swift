internal import RecurraLayers
internal import RecurraTensor

/// Running means of gradients and their squares; AdamW is the same rule with weight decay.
struct AdamRule: UpdateRule {
  let name: String
  var beta1 = 0.9
  var beta2 = 0.999
  var epsilon = 1e-7
  var amsgrad = false

  var configuration: [String: JSONValue] {
    [
      "beta_1": .number(beta1), "beta_2": .number(beta2), "epsilon": .number(epsilon), "amsgrad": .bool(amsgrad),
    ]
  }

  var settings: [OptimizerSetting] {
    [
      OptimizerSetting("beta1", beta1, .belowOne), OptimizerSetting("beta2", beta2, .belowOne),
      OptimizerSetting("epsilon", epsilon, .unit),
    ]
  }

  var moments: [Moment] {
    [Moment("momentum"), Moment("velocity")] + (amsgrad ? [Moment("velocity_hat")] : [])
  }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    // Means that began at zero are too small at first: η·√(1 − β₂ᵗ)/(1 − β₁ᵗ).
    let t = Double(update.step)
    let size = update.learningRate * (1 - Double.power(beta2, t)).squareRoot() / (1 - Double.power(beta1, t))
    if weights.dtype == .float32 {
      update.byVectors.adam(
        &weights, gradient, &moments.tensors, stepSize: size, beta1: beta1, beta2: beta2, epsilon: epsilon,
        keepsMaximum: amsgrad)
      return
    }
    let scale = update.gradientScale
    update.inDouble(&weights, gradient, &moments) { weights, gradient, mean, velocity, maximum in
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        mean[i] += (g - mean[i]) * (1 - beta1)
        velocity[i] += (g * g - velocity[i]) * (1 - beta2)
        if amsgrad { maximum[i] = max(maximum[i], velocity[i]) }
        weights[i] -= mean[i] * size / ((amsgrad ? maximum[i] : velocity[i]).squareRoot() + epsilon)
      }
    }
  }
}

extension AdamRule {
  init(_ name: String, _ arguments: LayerArguments) throws(RecurraError) {
    self.name = name
    beta1 = try arguments.number("beta_1", default: beta1)
    beta2 = try arguments.number("beta_2", default: beta2)
    epsilon = try arguments.number("epsilon", default: epsilon)
    amsgrad = try arguments.bool("amsgrad", default: amsgrad)
  }
}
