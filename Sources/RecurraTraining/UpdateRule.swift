internal import RecurraTensor

/// One update of one parameter: the settings of the rule for this step, ready for every element.
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
  /// - Parameter moments: three tensors in the order of `Optimizer.moments`; empty where the rule keeps none.
  func apply(
    to weights: inout Tensor, gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, _ third: inout Tensor
  ) {
    if weights.dtype == .float32 {
      updateVectors(&weights, gradient, &first, &second, &third)
    } else {
      apply(to: &weights, gradient, &first, &second, &third, Double.self)
    }
  }

  /// The update by the vector kernels.
  private func updateVectors(
    _ weights: inout Tensor, _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, _ third: inout Tensor
  ) {
    let update = VectorUpdate(learningRate: learningRate, weightDecay: weightDecay, gradientScale: gradientScale)
    switch rule {
    case .sgd(let momentum, let nesterov):
      update.sgd(&weights, gradient, velocity: &first, momentum: momentum, nesterov: nesterov)
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      update.rmsprop(
        &weights, gradient, velocity: &first, moment: &second, average: &third, rho: rho, momentum: momentum,
        epsilon: epsilon, isCentered: centered)
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      update.adam(
        &weights, gradient, moment: &first, velocity: &second, maximum: &third, stepSize: adamStepSize(beta1, beta2),
        beta1: beta1, beta2: beta2, epsilon: epsilon, keepsMaximum: amsgrad)
    case .adagrad(_, let epsilon):
      update.adagrad(&weights, gradient, accumulator: &first, epsilon: epsilon)
    }
  }

  private func apply<S: FloatingScalar>(
    to weights: inout Tensor, _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor,
    _ third: inout Tensor, _ type: S.Type
  ) {
    gradient.withSpan(of: S.self) { gradient in
      weights.withMutableSpan(of: S.self) { weights in
        first.withMutableSpan(of: S.self) { first in
          second.withMutableSpan(of: S.self) { second in
            third.withMutableSpan(of: S.self) { third in update(&weights, gradient, &first, &second, &third) }
          }
        }
      }
    }
  }

  private func update<S: FloatingScalar>(
    _ weights: inout MutableSpan<S>, _ gradient: Span<S>, _ first: inout MutableSpan<S>,
    _ second: inout MutableSpan<S>, _ third: inout MutableSpan<S>
  ) {
    let (rate, scale) = (S(learningRate), S(gradientScale))
    if weightDecay != 0 {
      let kept = 1 - S(weightDecay) * rate
      for i in 0..<weights.count { weights[i] *= kept }
    }
    switch rule {
    case .sgd(momentum: 0, _):
      for i in 0..<weights.count { weights[i] -= rate * (gradient[i] * scale) }
    case .sgd(let momentum, let nesterov):
      let momentum = S(momentum)
      for i in 0..<weights.count {
        let step = gradient[i] * scale * rate
        first[i] = first[i] * momentum - step
        weights[i] += nesterov ? first[i] * momentum - step : first[i]
      }
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      let (keep, take, momentum, epsilon) = (S(rho), S(1 - rho), S(momentum), S(epsilon))
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        first[i] = keep * first[i] + take * g * g
        if centered { third[i] = keep * third[i] + take * g }
        let variance = centered ? first[i] - third[i] * third[i] : first[i]
        let step = rate * g / (variance + epsilon).squareRoot()
        if momentum > 0 { second[i] = momentum * second[i] + step }
        weights[i] -= momentum > 0 ? second[i] : step
      }
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      let (take1, take2, epsilon, size) = (S(1 - beta1), S(1 - beta2), S(epsilon), S(adamStepSize(beta1, beta2)))
      for i in 0..<weights.count {
        let g = gradient[i] * scale
        first[i] += (g - first[i]) * take1
        second[i] += (g * g - second[i]) * take2
        if amsgrad { third[i] = max(third[i], second[i]) }
        weights[i] -= first[i] * size / ((amsgrad ? third[i] : second[i]).squareRoot() + epsilon)
      }
    case .adagrad(_, let epsilon):
      let epsilon = S(epsilon)
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
