internal import RecurraLayers
internal import RecurraTensor

/// A rule of the user's, which sees dense gradients that have been scaled.
struct OwnRule: UpdateRule {
  let rule: any OptimizerRule

  var name: String { type(of: rule).name }
  var configuration: [String: JSONValue] { rule.configuration }
  var settings: [OptimizerSetting] {
    rule.moments.map { OptimizerSetting("first value of \($0.name)", $0.initialValue, .finite) }
  }
  var moments: [Moment] { rule.moments }

  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments
  ) {
    let (shape, dtype) = (weights.shape, weights.dtype)
    if update.weightDecay != 0 { weights = weights * (1 - update.weightDecay * update.learningRate) }
    let scaled = update.gradientScale == 1 ? gradient.dense : gradient.dense * update.gradientScale
    rule.update(
      &weights, gradient: scaled, moments: &moments, learningRate: update.learningRate, step: update.step)
    check(
      weights.shape == shape && weights.dtype == dtype, "optimizer \(name)", expected: "weights \(dtype) \(shape)",
      got: "\(weights.dtype) \(weights.shape)")
    weights = weights.detached.contiguous
  }
}
