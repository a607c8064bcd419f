internal import RecurraTensor

/// One update of one parameter: float32 by the vector kernels, float64 by the loops here, which are the reference.
struct UpdateRule {
  let rule: Optimizer.Rule
  let learningRate: Double
  let weightDecay: Double
  /// What the gradient is multiplied by: below 1 when its norm is clipped.
  let gradientScale: Double
  /// The number of this update, from 1.
  let step: Int

  /// Changes a parameter and its moments in place: weight decay first, then the rule, element by element.
  ///
  /// - Parameters first, second, third: the moments in the order of `Optimizer.moments`; empty where the rule keeps none.
  func apply(
    to weights: inout Tensor, gradient: Gradient, _ first: inout Tensor, _ second: inout Tensor, _ third: inout Tensor
  ) {
    if weights.dtype == .float32 {
      applyByVectors(to: &weights, gradient, &first, &second, &third)
    } else {
      applyInDouble(to: &weights, gradient.dense, &first, &second, &third)
    }
  }

  private func applyByVectors(
    to weights: inout Tensor, _ gradient: Gradient, _ first: inout Tensor, _ second: inout Tensor, _ third: inout Tensor
  ) {
    let vectors = VectorUpdate(learningRate: learningRate, weightDecay: weightDecay, gradientScale: gradientScale)
    switch rule {
    case .sgd(let momentum, let nesterov):
      vectors.sgd(&weights, gradient, velocity: &first, momentum: momentum, nesterov: nesterov)
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      vectors.rmsprop(
        &weights, gradient, velocity: &first, moment: &second, average: &third, rho: rho, momentum: momentum,
        epsilon: epsilon, isCentered: centered)
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      vectors.adam(
        &weights, gradient, moment: &first, velocity: &second, maximum: &third, stepSize: adamStepSize(beta1, beta2),
        beta1: beta1, beta2: beta2, epsilon: epsilon, keepsMaximum: amsgrad)
    case .adagrad(_, let epsilon): vectors.adagrad(&weights, gradient, accumulator: &first, epsilon: epsilon)
    }
  }

  private func applyInDouble(
    to weights: inout Tensor, _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, _ third: inout Tensor
  ) {
    gradient.withSpan(of: Double.self) { gradient in
      weights.withMutableSpan(of: Double.self) { weights in
        first.withMutableSpan(of: Double.self) { first in
          second.withMutableSpan(of: Double.self) { second in
            third.withMutableSpan(of: Double.self) { third in update(&weights, gradient, &first, &second, &third) }
          }
        }
      }
    }
  }

  private func update(
    _ weights: inout MutableSpan<Double>, _ gradient: Span<Double>, _ first: inout MutableSpan<Double>,
    _ second: inout MutableSpan<Double>, _ third: inout MutableSpan<Double>
  ) {
    let (rate, scale) = (learningRate, gradientScale)
    if weightDecay != 0 {
      let kept = 1 - weightDecay * rate
      for i in 0..<weights.count { weights[i] *= kept }
    }
    switch rule {
    case .sgd(momentum: 0, _):
      for i in 0..<weights.count { weights[i] -= rate * (gradient[i] * scale) }
    case .sgd(let momentum, let nesterov):
      for i in 0..<weights.count {
        let step = gradient[i] * scale * rate
        first[i] = first[i] * momentum - step
        weights[i] += nesterov ? first[i] * momentum - step : first[i]
      }
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        first[i] = rho * first[i] + (1 - rho) * g * g
        if centered { third[i] = rho * third[i] + (1 - rho) * g }
        let variance = centered ? first[i] - third[i] * third[i] : first[i]
        let step = rate * g / (variance + epsilon).squareRoot()
        if momentum > 0 { second[i] = momentum * second[i] + step }
        weights[i] -= momentum > 0 ? second[i] : step
      }
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      let size = adamStepSize(beta1, beta2)
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        first[i] += (g - first[i]) * (1 - beta1)
        second[i] += (g * g - second[i]) * (1 - beta2)
        if amsgrad { third[i] = max(third[i], second[i]) }
        weights[i] -= first[i] * size / ((amsgrad ? third[i] : second[i]).squareRoot() + epsilon)
      }
    case .adagrad(_, let epsilon):
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        first[i] += g * g
        weights[i] -= rate * g / (first[i] + epsilon).squareRoot()
      }
    }
  }

  /// η·√(1 − β₂ᵗ)/(1 − β₁ᵗ): means that began at zero are too small at first.
  private func adamStepSize(_ beta1: Double, _ beta2: Double) -> Double {
    learningRate * (1 - Double.power(beta2, Double(step))).squareRoot() / (1 - Double.power(beta1, Double(step)))
  }
}
