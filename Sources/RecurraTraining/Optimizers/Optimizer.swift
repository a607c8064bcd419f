public import RecurraTensor

/// Says how gradients change parameters: a rule with its settings, Keras' defaults and Keras' order of operations.
///
/// An optimiser is a value; the moments it needs are kept by the `Trainer`. Letters in the formulas: w a weight, g its
/// gradient after clipping, η the learning rate, t the number of the update, from 1.
public struct Optimizer: Sendable {
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

  var rule: any UpdateRule
  /// η, how far a step goes.
  public var learningRate: Double
  /// λ of w −= λ·η·w, done before the step; 0 for none.
  public var weightDecay: Double
  /// What is done to gradients first.
  public var clipping: Clipping

  /// How the learning rate follows from the number of updates; nil where it is the number `learningRate`.
  public var learningRateSchedule: LearningRateSchedule?
  /// Whether a running mean of the weights is kept, which takes their place when a run of `fit` is complete.
  public var useEMA = false
  /// The share of the running mean that stays at each update.
  public var emaMomentum = 0.99
  /// After how many updates the running mean also takes the place of the weights in between; never where nil.
  public var emaOverwriteFrequency: Int?
  /// The number of batches whose gradients make one update, their mean; each batch makes its own where nil.
  public var gradientAccumulationSteps: Int?
  /// Texts in the paths of weights that do not decay, as "bias"; a path ends in Keras' name of the weight, as
  /// "lstm/recurrent_kernel".
  public var excludedFromWeightDecay: [String] = []

  init(rule: any UpdateRule, learningRate: Double, weightDecay: Double, clipping: Clipping) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipping = clipping
  }

  /// Makes an optimiser from a rule of one's own.
  ///
  /// - Parameters:
  ///   - rule: what is done to each parameter.
  ///   - learningRate: η, how far a step goes.
  ///   - weightDecay: λ of w −= λ·η·w, done before the rule; 0 for none.
  ///   - clipping: what is done to gradients before the rule sees them.
  public init(
    _ rule: some OptimizerRule, learningRate: Double = 0.001, weightDecay: Double = 0, clipping: Clipping = .none
  ) {
    self.init(
      rule: OwnRule(rule: rule), learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Keras' name of the optimiser, or that of one's own rule.
  public var name: String { rule.name }

  /// What is kept for each parameter.
  public var moments: [Moment] {
    rule.moments + (useEMA ? [Moment(Self.average)] : [])
      + (gradientAccumulationSteps == nil ? [] : [Moment(Self.accumulator)])
  }

  static let average = "average"
  static let accumulator = "gradient_accumulator"

  /// Returns the same optimiser with a learning rate that a schedule gives.
  public func with(learningRate schedule: LearningRateSchedule) -> Optimizer {
    var optimizer = self
    optimizer.learningRateSchedule = schedule
    return optimizer
  }

  /// The learning rate of the update behind `step` updates.
  public func learningRate(at step: Int) -> Double { learningRateSchedule?(step) ?? learningRate }

  /// Goes down the gradient: w −= η·g; with momentum μ, v = μ·v − η·g and w += v, or with Nesterov
  /// w += μ·v − η·g.
  public static func sgd(
    learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0,
    clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: SGDRule(momentum: momentum, nesterov: nesterov), learningRate: learningRate, weightDecay: weightDecay,
      clipping: clipping)
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
      rule: RMSpropRule(rho: rho, momentum: momentum, epsilon: epsilon, isCentered: centered),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Follows running means of g and g²: m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂),
  /// w −= η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m / (√v + ε).
  ///
  /// With `amsgrad` the largest v so far stands for v.
  ///
  /// - Source: Kingma & Ba 2015; AMSGrad: Reddi, Kale & Kumar 2018.
  public static func adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    amsgrad: Bool = false, weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: AdamRule(name: "adam", beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
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
      rule: AdamRule(name: "adamw", beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
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
      rule: AdagradRule(initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Finds an optimiser by Keras' name, upper or lower case, with its default settings.
  ///
  /// - Throws: `RecurraError` of kind `badArgument` for a name that no optimiser has.
  public init(named name: String) throws(RecurraError) {
    let standard = [
      Optimizer.sgd(), .rmsprop(), .adam(), .adamW(), .adagrad(), .adadelta(), .adamax(), .nadam(), .adafactor(),
      .lamb(), .lion(), .muon(), .ftrl(),
    ]
    guard let found = standard.first(where: { $0.name == name.lowercased() }) else {
      throw RecurraError(
        .badArgument, operation: "optimizer", expected: standard.map(\.name).joined(separator: ", "),
        got: name.excerpt)
    }
    self = found
  }
}
