// Rules of a few lines each that change every element by itself; they stand together because a file apiece would say
// little more than its name.
internal import RecurraTensor

/// Steps as long as the steps before, over the size of the gradients before.
struct AdadeltaRule: TensorRule {
  var rho = 0.95
  var epsilon = 1e-7
  let name = "adadelta"
  static var numbers: [RuleNumber<Self>] { [.init("rho", \.rho, .unit), .init("epsilon", \.epsilon, .unit)] }
  var moments: [Moment] { [Moment("accumulated_grad"), Moment("accumulated_delta_var")] }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    let (size, length) = ("accumulated_grad", "accumulated_delta_var")
    moments[size] = moments[size] * rho + g.squared * (1 - rho)
    let change = (moments[length] + epsilon).sqrt() * g / (moments[size] + epsilon).sqrt()
    moments[length] = moments[length] * rho + change.squared * (1 - rho)
    return w - change * update.learningRate
  }
}

/// Adam with the largest gradient so far, slowly forgotten, for the root of the mean of squares.
struct AdamaxRule: TensorRule {
  var beta1 = 0.9
  var beta2 = 0.999
  var epsilon = 1e-7
  let name = "adamax"
  static var numbers: [RuleNumber<Self>] {
    [.init("beta_1", \.beta1, .belowOne), .init("beta_2", \.beta2, .belowOne), .init("epsilon", \.epsilon, .unit)]
  }
  var moments: [Moment] { [Moment("momentum"), Moment("norm")] }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    moments.follow("momentum", g, 1 - beta1)
    moments["norm"] = .maximum(moments["norm"] * beta2, g.abs())
    let rate = update.learningRate / (1 - Double.power(beta1, Double(update.step)))
    return w - moments["momentum"] * rate / (moments["norm"] + epsilon)
  }
}

/// Adam whose momentum looks a step ahead.
struct NadamRule: TensorRule {
  var beta1 = 0.9
  var beta2 = 0.999
  var epsilon = 1e-7
  /// How fast the momentum grows; Keras 2 took 0.004.
  var scheduleDecay = 1.0
  let name = "nadam"
  static var numbers: [RuleNumber<Self>] {
    [
      .init("beta_1", \.beta1, .belowOne), .init("beta_2", \.beta2, .belowOne), .init("epsilon", \.epsilon, .unit),
      .init("schedule_decay", \.scheduleDecay, .notNegative),
    ]
  }
  var moments: [Moment] { [Moment("momentum"), Moment("velocity"), Moment("u_product", initialValue: 1)] }

  /// The product of all momenta so far is one number.
  func shape(of moment: Moment, _ shape: [Int]) -> [Int] { moment.name == "u_product" ? [] : shape }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    func momentum(at step: Int) -> Double { beta1 * (1 - 0.5 * Double.power(0.96, Double(step) * scheduleDecay)) }
    let (now, next) = (momentum(at: update.step), momentum(at: update.step + 1))
    moments["u_product"] = moments["u_product"] * now
    moments.follow("momentum", g, 1 - beta1)
    moments.follow("velocity", g.squared, 1 - beta2)
    let product = moments["u_product"].item
    let mean = moments["momentum"] * (next / (1 - product * next)) + g * ((1 - now) / (1 - product))
    let variance = moments["velocity"] / (1 - Double.power(beta2, Double(update.step)))
    return w - mean * update.learningRate / (variance.sqrt() + epsilon)
  }
}

/// Steps of one length in the direction of momentum's sign.
struct LionRule: TensorRule {
  var beta1 = 0.9
  var beta2 = 0.99
  let name = "lion"
  static var numbers: [RuleNumber<Self>] {
    [.init("beta_1", \.beta1, .unit), .init("beta_2", \.beta2, .unit)]
  }
  var moments: [Moment] { [Moment("momentum")] }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    let ahead = moments["momentum"] * beta1 + g * (1 - beta1)
    moments["momentum"] = moments["momentum"] * beta2 + g * (1 - beta2)
    let zero = Tensor(0, dtype: w.dtype)
    let (above, below) = (ahead.isGreater(than: zero), ahead.isLess(than: zero))
    return w - (above - below).converted(to: w.dtype) * update.learningRate
  }
}

/// Follows the regularised leader: weights that say little become exactly 0.
struct FtrlRule: TensorRule {
  var learningRatePower = -0.5
  var initialAccumulatorValue = 0.1
  var l1 = 0.0
  var l2 = 0.0
  var l2Shrinkage = 0.0
  var beta = 0.0
  let name = "ftrl"
  static var numbers: [RuleNumber<Self>] {
    [
      .init("learning_rate_power", \.learningRatePower, .notPositive),
      .init("initial_accumulator_value", \.initialAccumulatorValue, .notNegative),
      .init("l1_regularization_strength", \.l1, .notNegative),
      .init("l2_regularization_strength", \.l2, .notNegative),
      .init("l2_shrinkage_regularization_strength", \.l2Shrinkage, .notNegative),
      .init("beta", \.beta, .notNegative),
    ]
  }
  var moments: [Moment] { [Moment("accumulator", initialValue: initialAccumulatorValue), Moment("linear")] }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    let rate = update.learningRate
    let sum = moments["accumulator"] + g.squared
    let (size, former) = (sum.power(-learningRatePower), moments["accumulator"].power(-learningRatePower))
    let linear = moments["linear"] + g + w * (2 * l2Shrinkage) - (size - former) / rate * w
    (moments["accumulator"], moments["linear"]) = (sum, linear)
    return (linear.clipped(to: -l1...l1) - linear) / (size / rate + 2 * (l2 + beta / (2 * rate)))
  }
}
