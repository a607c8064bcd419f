public import RecurraTensor

/// Says how gradients change parameters: a rule with its settings, Keras' defaults and Keras' order of operations.
///
/// An optimiser is a value; the moments it needs are kept by the `Trainer`. Letters in the formulas: w a weight, g its
/// gradient after clipping, η the learning rate, t the number of the update, from 1.
public struct Optimizer: Sendable, Equatable {
  enum Rule: Sendable, Equatable {
    case sgd(momentum: Double, nesterov: Bool)
    case rmsprop(rho: Double, momentum: Double, epsilon: Double, centered: Bool)
    case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool)
    case adagrad(initialAccumulatorValue: Double, epsilon: Double)
  }

  /// Limits what a single batch can do to the weights.
  public enum Clipping: Sendable, Equatable {
    /// Gradients as they are.
    case none
    /// Every element of a gradient is cut to −limit … limit.
    case value(Double)
    /// The gradient of each parameter is scaled down to a norm of at most the limit.
    case norm(Double)
    /// All gradients are scaled down together to a common norm of at most the limit.
    case globalNorm(Double)
  }

  /// Keras' name of the optimiser.
  public let name: String
  let rule: Rule
  /// η, how far a step goes.
  public var learningRate: Double
  /// λ of w −= λ·η·w, done before the step; 0 for none.
  public var weightDecay: Double
  /// What is done to gradients first.
  public var clipping: Clipping

  /// Goes down the gradient: w −= η·g; with momentum μ, v = μ·v − η·g and w += v, or with Nesterov w += μ·v − η·g.
  public static func sgd(
    learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0,
    clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      name: "sgd", rule: .sgd(momentum: momentum, nesterov: nesterov), learningRate: learningRate,
      weightDecay: weightDecay, clipping: clipping)
  }

  /// Divides by a running mean of squares: v = ρ·v + (1 − ρ)·g², w −= η·g / √(v + ε).
  ///
  /// Centred, the square of a running mean of g is taken from v; with momentum μ, m = μ·m + the step and w −= m.
  ///
  /// - Source: Hinton, "Neural networks for machine learning", lecture 6, 2012.
  public static func rmsprop(
    learningRate: Double = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
    centered: Bool = false, weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      name: "rmsprop", rule: .rmsprop(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Follows running means of g and g²: m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), w −= η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m / (√v + ε).
  ///
  /// With `amsgrad` the largest v so far stands for v.
  ///
  /// - Source: Kingma & Ba 2015; AMSGrad: Reddi, Kale & Kumar 2018.
  public static func adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    amsgrad: Bool = false, weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      name: "adam", rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Adam with weights that decay by a share of themselves at every step, whatever the gradient says.
  ///
  /// - Source: Loshchilov & Hutter 2019.
  public static func adamW(
    learningRate: Double = 0.001, weightDecay: Double = 0.004, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      name: "adamw", rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Divides by the sum of all squares so far: a += g², w −= η·g / √(a + ε).
  ///
  /// - Source: Duchi, Hazan & Singer 2011.
  public static func adagrad(
    learningRate: Double = 0.001, initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      name: "adagrad", rule: .adagrad(initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Finds an optimiser by Keras' name, upper or lower case, with its default settings.
  ///
  /// - Throws: `RecurraError` of kind `badArgument` for a name that no optimiser has.
  public init(named name: String) throws(RecurraError) {
    switch name.lowercased() {
    case "sgd": self = .sgd()
    case "rmsprop": self = .rmsprop()
    case "adam": self = .adam()
    case "adamw": self = .adamW()
    case "adagrad": self = .adagrad()
    default:
      throw RecurraError(
        .badArgument, operation: "optimizer", expected: "sgd, rmsprop, adam, adamw or adagrad", got: name)
    }
  }

  private init(name: String, rule: Rule, learningRate: Double, weightDecay: Double, clipping: Clipping) {
    self.name = name
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipping = clipping
  }

  /// The moments kept for each parameter, with Keras' name and the value they begin with; nil where the rule needs none.
  var moments: [(name: String, initialValue: Double)?] {
    switch rule {
    case .sgd(let momentum, _): [momentum == 0 ? nil : ("momentum", 0), nil, nil]
    case .rmsprop(_, let momentum, _, let centered):
      [("velocity", 0), momentum > 0 ? ("momentum", 0) : nil, centered ? ("average_gradient", 0) : nil]
    case .adam(_, _, _, let amsgrad): [("momentum", 0), ("velocity", 0), amsgrad ? ("velocity_hat", 0) : nil]
    case .adagrad(let initialAccumulatorValue, _): [("accumulator", initialAccumulatorValue), nil, nil]
    }
  }

  /// Checks that every setting lies in its range.
  package func validate() throws(RecurraError) {
    var settings: [(String, Double, ClosedRange<Double>)] = [
      ("learning rate", learningRate, 0...Double.greatestFiniteMagnitude), ("weight decay", weightDecay, 0...1),
    ]
    switch rule {
    case .sgd(let momentum, _): settings += [("momentum", momentum, 0...1)]
    case .rmsprop(let rho, let momentum, let epsilon, _):
      settings += [("rho", rho, 0...1), ("momentum", momentum, 0...1), ("epsilon", epsilon, 0...1)]
    case .adam(let beta1, let beta2, let epsilon, _):
      settings += [("beta1", beta1, 0...1), ("beta2", beta2, 0...1), ("epsilon", epsilon, 0...1)]
    case .adagrad(let initial, let epsilon):
      settings += [
        ("initial accumulator value", initial, 0...Double.greatestFiniteMagnitude), ("epsilon", epsilon, 0...1),
      ]
    }
    switch clipping {
    case .none: break
    case .value(let limit), .norm(let limit), .globalNorm(let limit):
      settings += [("clipping limit", limit, Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude)]
    }
    for (setting, value, range) in settings where !range.contains(value) {
      throw RecurraError(
        .badArgument, operation: name, expected: "a \(setting) in \(range.lowerBound)…\(range.upperBound)",
        got: "\(value)")
    }
  }
}
