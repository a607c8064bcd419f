internal import RecurraLayers
internal import RecurraTensor

/// Losses of classes besides the cross-entropies. t are targets, p predictions, ε is 10⁻⁷.
extension Loss {
  /// The mean of max(1 − t·p, 0) for targets −1 and 1; a target of 0 counts as −1.
  public static let hinge = Loss(formula: "hinge") { t, p in
    LossFormula.mean(LossFormula.atLeast(0, 1 - LossFormula.signs(t) * p))
  }

  /// The mean of max(1 − t·p, 0)² for targets −1 and 1; a target of 0 counts as −1.
  public static let squaredHinge = Loss(formula: "squared_hinge") { t, p in
    LossFormula.mean(LossFormula.atLeast(0, 1 - LossFormula.signs(t) * p).squared)
  }

  /// max(max((1 − t)·p) − Σ t·p + 1, 0) for one-hot targets.
  public static let categoricalHinge = Loss(formula: "categorical_hinge") { t, p in
    LossFormula.atLeast(0, ((1 - t) * p).max(axes: [-1]) - LossFormula.sum(t * p) + 1)
  }

  /// Σ t·ln(t / p) of probabilities, both clipped to [ε, 1].
  public static let klDivergence = Loss(formula: "kl_divergence") { t, p in
    let (t, p) = (t.clipped(to: LossFormula.epsilon...1), p.clipped(to: LossFormula.epsilon...1))
    return LossFormula.sum(t * (t / p).log())
  }

  /// Binary cross-entropy in which what is right already counts less: the mean of (1 − pₜ)^γ · cross-entropy with
  /// pₜ = t·p + (1 − t)·(1 − p).
  ///
  /// - Parameters:
  ///   - applyClassBalancing: whether each value is also multiplied by t·α + (1 − t)·(1 − α).
  ///   - alpha: α.
  ///   - gamma: γ, 0 or more; 0 is the cross-entropy itself.
  ///   - fromLogits: whether predictions are the numbers before a sigmoid.
  ///   - labelSmoothing: s makes of every target t the target t·(1 − s) + s / 2.
  /// - Source: Lin et al. 2017.
  public static func binaryFocalCrossEntropy(
    applyClassBalancing: Bool = false, alpha: Double = 0.25, gamma: Double = 2, fromLogits: Bool = false,
    labelSmoothing: Double = 0
  ) -> Loss {
    Loss(
      formula: "binary_focal_crossentropy",
      [("alpha", alpha, .unit), ("gamma", gamma, .notNegative), ("label_smoothing", labelSmoothing, .unit)],
      settings: ["apply_class_balancing": .bool(applyClassBalancing), "from_logits": .bool(fromLogits)]
    ) { t, p in
      let t = LossFormula.smoothed(t, labelSmoothing, classes: 2)
      let p = fromLogits ? p.sigmoid() : p
      let q = p.clipped(to: LossFormula.epsilon...1 - LossFormula.epsilon)
      let entropy = (t * q.log() + (1 - t) * (1 - q).log()) * -1
      let values = (1 - (t * p + (1 - t) * (1 - p))).power(gamma) * entropy
      return LossFormula.mean(applyClassBalancing ? (t * alpha + (1 - t) * (1 - alpha)) * values : values)
    }
  }

  /// Cross-entropy of classes in which what is right already counts less: −Σ α·(1 − q)^γ·t·ln q with
  /// q = p / Σ p clipped to [ε, 1 − ε].
  ///
  /// - Parameters:
  ///   - alpha: α.
  ///   - gamma: γ, 0 or more.
  ///   - fromLogits: whether predictions are the numbers before a softmax.
  ///   - labelSmoothing: s makes of every target t the target t·(1 − s) + s / C.
  /// - Source: Lin et al. 2017.
  public static func categoricalFocalCrossEntropy(
    alpha: Double = 0.25, gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0
  ) -> Loss {
    Loss(
      formula: "categorical_focal_crossentropy",
      [("alpha", alpha, .notNegative), ("gamma", gamma, .notNegative), ("label_smoothing", labelSmoothing, .unit)],
      settings: ["from_logits": .bool(fromLogits)]
    ) { t, p in
      let t = LossFormula.smoothed(t, labelSmoothing, classes: t.shape.last ?? 1)
      let p = fromLogits ? p.softmax() : p
      let q = (p / LossFormula.sum(p, keepingDimensions: true)).clipped(
        to: LossFormula.epsilon...1 - LossFormula.epsilon)
      return LossFormula.sum((1 - q).power(gamma) * alpha * t * q.log()) * -1
    }
  }

  /// (1 − p[label]^q) / q for class numbers, between cross-entropy (q towards 0) and the mean absolute error (q = 1):
  /// for labels of which some are wrong.
  ///
  /// - Parameter q: above 0 and below 1.
  /// - Shapes: targets [B] or [B, 1], predictions [B, C]; with timesteps [B, T] and [B, T, C].
  /// - Source: Zhang & Sabuncu 2018.
  public static func categoricalGeneralizedCrossEntropy(q: Double = 0.5) -> Loss {
    Loss(formula: "categorical_generalized_cross_entropy", [("q", q, .betweenZeroAndOne)], takesLabels: true) {
      labels, p in
      let rows = p.reshaped([-1, p.shape.last ?? 1])
      let chosen = rows.picked(labels.flattened.converted(to: .int32))
      return ((1 - chosen.power(q)) / q).reshaped(Array(p.shape.dropLast()))
    }
  }

  /// 1 − 2·Σ t·p / (Σ t + Σ p + ε): how little two sets have in common.
  ///
  /// - Parameter axis: the axes of the sums; all of them where nil, so that the loss of a batch is one number.
  public static func dice(axis: [Int]? = nil) -> Loss {
    Loss(formula: "dice", settings: ["axis": LossFormula.json(axis)]) { t, p in
      1 - (t * p).sum(axes: axis) * 2 / (t.sum(axes: axis) + p.sum(axes: axis) + LossFormula.epsilon)
    }
  }

  /// 1 − Σ t·p / (Σ t·p + α·Σ t·(1 − p) + β·Σ p·(1 − t) + ε): `dice` with weights for what was
  /// missed and for what was found in error, in Keras' order.
  ///
  /// - Parameters:
  ///   - alpha: α, the weight of what is in the targets alone.
  ///   - beta: β, the weight of what is in the predictions alone.
  ///   - axis: the axes of the sums; all of them where nil, so that the loss of a batch is one number.
  public static func tversky(alpha: Double = 0.5, beta: Double = 0.5, axis: [Int]? = nil) -> Loss {
    Loss(
      formula: "tversky", [("alpha", alpha, .notNegative), ("beta", beta, .notNegative)],
      settings: ["axis": LossFormula.json(axis)]
    ) { t, p in
      let both = (t * p).sum(axes: axis)
      let missed = (t * (1 - p)).sum(axes: axis)
      let wrong = (p * (1 - t)).sum(axes: axis)
      return 1 - both / (both + missed * alpha + wrong * beta + LossFormula.epsilon)
    }
  }
}

extension LossFormula {
  fileprivate static func json(_ axis: [Int]?) -> JSONValue { axis.map { .array($0.map { .integer($0) }) } ?? .null }
}
