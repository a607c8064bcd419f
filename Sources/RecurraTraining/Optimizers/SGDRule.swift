internal import RecurraLayers
internal import RecurraTensor

/// Gradient descent with momentum or without.
struct SGDRule: UpdateRule {
  var momentum = 0.0
  var nesterov = false

  let name = "sgd"
  var configuration: [String: JSONValue] { ["momentum": .number(momentum), "nesterov": .bool(nesterov)] }
  var settings: [OptimizerSetting] { [OptimizerSetting("momentum", momentum, .unit)] }
  var moments: [Moment] { momentum == 0 ? [] : [Moment("momentum")] }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    if weights.dtype == .float32 {
      update.byVectors.sgd(&weights, gradient, &moments.tensors, momentum: momentum, nesterov: nesterov)
      return
    }
    let (rate, scale) = (update.learningRate, update.gradientScale)
    update.inDouble(&weights, gradient, &moments) { weights, gradient, velocity, _, _ in
      guard momentum != 0 else {
        for i in 0..<weights.count { weights[i] -= rate * (gradient[i] * scale) }
        return
      }
      for i in 0..<weights.count {
        let step = gradient[i] * scale * rate
        velocity[i] = velocity[i] * momentum - step
        weights[i] += nesterov ? velocity[i] * momentum - step : velocity[i]
      }
    }
  }
}

extension SGDRule {
  init(_ arguments: LayerArguments) throws(RecurraError) {
    momentum = try arguments.number("momentum", default: momentum)
    nesterov = try arguments.bool("nesterov", default: nesterov)
  }
}
