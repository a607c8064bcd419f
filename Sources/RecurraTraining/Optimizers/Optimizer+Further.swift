internal import RecurraTensor

/// Optimisers besides the usual ones; defaults and order of operations are Keras'.
extension Optimizer {
  /// Steps as long as the steps before: a = ρ·a + (1 − ρ)·g², Δ = √(d + ε)·g / √(a + ε),
  /// d = ρ·d + (1 − ρ)·Δ², w −= η·Δ.
  ///
  /// - Source: Zeiler 2012.
  public static func adadelta(
    learningRate: Double = 0.001, rho: Double = 0.95, epsilon: Double = 1e-7, weightDecay: Double = 0,
    clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: AdadeltaRule(rho: rho, epsilon: epsilon), learningRate: learningRate, weightDecay: weightDecay,
      clipping: clipping)
  }

  /// Adam with the largest gradient so far: m += (g − m)(1 − β₁), u = max(β₂·u, |g|),
  /// w −= η / (1 − β₁ᵗ)·m / (u + ε).
  ///
  /// - Source: Kingma & Ba 2015, section 7.
  public static func adamax(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: AdamaxRule(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate,
      weightDecay: weightDecay, clipping: clipping)
  }

  /// Adam whose momentum looks a step ahead, with momenta β₁·(1 − ½·0.96ᵗ).
  ///
  /// - Source: Dozat 2016.
  public static func nadam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: NadamRule(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate,
      weightDecay: weightDecay, clipping: clipping)
  }

  /// Keeps means of squares for rows and columns of a matrix instead of for every element.
  ///
  /// - Parameters:
  ///   - beta2Decay: the mean forgets t^`beta2Decay` of itself at update t.
  ///   - epsilon1: added to squares.
  ///   - epsilon2: the least length of a weight, which steps are in proportion to.
  ///   - clipThreshold: the root mean square that a step is scaled down to.
  ///   - relativeStep: whether the learning rate is at most 1/√t; a schedule replaces it.
  /// - Source: Shazeer & Stern 2018.
  public static func adafactor(
    learningRate: Double = 0.001, beta2Decay: Double = -0.8, epsilon1: Double = 1e-30, epsilon2: Double = 1e-3,
    clipThreshold: Double = 1, relativeStep: Bool = true, weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: AdafactorRule(
        beta2Decay: beta2Decay, epsilon1: epsilon1, epsilon2: epsilon2, clipThreshold: clipThreshold,
        relativeStep: relativeStep),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Adam's step, made as long as the weight is large: w −= η·‖w‖/‖Δ‖·Δ.
  ///
  /// - Source: You et al. 2020.
  public static func lamb(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
    weightDecay: Double = 0, clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: LambRule(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate,
      weightDecay: weightDecay, clipping: clipping)
  }

  /// Steps of one length: w −= η·sign(β₁·m + (1 − β₁)·g), m = β₂·m + (1 − β₂)·g.
  ///
  /// - Source: Chen et al. 2023.
  public static func lion(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0,
    clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: LionRule(beta1: beta1, beta2: beta2), learningRate: learningRate, weightDecay: weightDecay,
      clipping: clipping)
  }

  /// Makes the singular values of a matrix's momentum about equal, and takes Adam for everything that is no matrix.
  ///
  /// Kernel and recurrent kernel of a layer are matrices of their own.
  ///
  /// - Parameters:
  ///   - adamBeta1: β₁ of Adam.
  ///   - adamBeta2: β₂ of Adam.
  ///   - adamWeightDecay: the weight decay of what Adam takes.
  ///   - epsilon: ε of Adam.
  ///   - weightDecay: the weight decay of matrices.
  ///   - excludeLayers: texts in the paths of matrices that Adam is to take.
  ///   - excludeEmbeddings: whether Adam takes embeddings.
  ///   - adamLRRatio: what Adam's learning rate is multiplied by.
  ///   - momentum: μ of m = μ·m + g.
  ///   - nsSteps: how often the polynomial is applied.
  ///   - nesterov: whether the momentum looks a step ahead.
  ///   - rmsRate: what steps are scaled by, times the root of a matrix's longer edge; not at all where nil.
  /// - Source: Jordan et al. 2024.
  public static func muon(
    learningRate: Double = 0.001, adamBeta1: Double = 0.9, adamBeta2: Double = 0.999,
    adamWeightDecay: Double = 0.004, epsilon: Double = 1e-7, weightDecay: Double = 0.004, clipping: Clipping = .none,
    excludeLayers: [String] = [], excludeEmbeddings: Bool = true, adamLRRatio: Double = 1, momentum: Double = 0.95,
    nsSteps: Int = 5, nesterov: Bool = true, rmsRate: Double? = 0.2
  ) -> Optimizer {
    var rule = MuonRule()
    (rule.adamBeta1, rule.adamBeta2, rule.adamWeightDecay) = (adamBeta1, adamBeta2, adamWeightDecay)
    (rule.epsilon, rule.excludedLayers, rule.excludesEmbeddings) = (epsilon, excludeLayers, excludeEmbeddings)
    (rule.adamRateRatio, rule.momentum, rule.stepCount) = (adamLRRatio, momentum, nsSteps)
    (rule.nesterov, rule.rmsRate) = (nesterov, rmsRate)
    return Optimizer(rule: rule, learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Follows the regularised leader: with sums of squares n and z of g − (n′^−p − n^−p) / η·w, a weight
  /// whose |z| is at most the first strength is exactly 0.
  ///
  /// - Source: McMahan et al. 2013.
  public static func ftrl(
    learningRate: Double = 0.001, learningRatePower: Double = -0.5, initialAccumulatorValue: Double = 0.1,
    l1RegularizationStrength: Double = 0, l2RegularizationStrength: Double = 0,
    l2ShrinkageRegularizationStrength: Double = 0, beta: Double = 0, weightDecay: Double = 0,
    clipping: Clipping = .none
  ) -> Optimizer {
    Optimizer(
      rule: FtrlRule(
        learningRatePower: learningRatePower, initialAccumulatorValue: initialAccumulatorValue,
        l1: l1RegularizationStrength, l2: l2RegularizationStrength, l2Shrinkage: l2ShrinkageRegularizationStrength,
        beta: beta),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }
}
