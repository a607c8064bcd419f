internal import RecurraLayers
internal import RecurraTensor

/// Losses of numbers: how far each prediction p lies from its target t. ε is 10⁻⁷.
extension Loss {
  /// 100 times the mean of |t − p| / max(|t|, ε).
  public static let meanAbsolutePercentageError = Loss(formula: "mean_absolute_percentage_error") { t, p in
    LossFormula.mean((t - p).abs() / LossFormula.atLeast(LossFormula.epsilon, t.abs())) * 100
  }

  /// The mean of (ln(max(p, ε) + 1) − ln(max(t, ε) + 1))².
  public static let meanSquaredLogarithmicError = Loss(formula: "mean_squared_logarithmic_error") { t, p in
    func logarithm(_ x: Tensor) -> Tensor { (LossFormula.atLeast(LossFormula.epsilon, x) + 1).log() }
    return LossFormula.mean((logarithm(p) - logarithm(t)).squared)
  }

  /// The mean of ln cosh(p − t): squares of small errors, magnitudes of large ones.
  public static let logCosh = Loss(formula: "log_cosh") { t, p in
    let error = p - t
    return LossFormula.mean(error + (error * -2).softplus() - 2.0.logarithm)
  }

  /// The mean of p − t·ln(p + ε), for counts.
  public static let poisson = Loss(formula: "poisson") { t, p in
    LossFormula.mean(p - t * (p + LossFormula.epsilon).log())
  }

  /// −t·p / (‖t‖·‖p‖): −1 for vectors of one direction.
  ///
  /// - Parameter axis: that of the vectors. One that is not the last leaves fewer values than rows; weights and masks
  ///   are then refused where they differ within what a value is made of.
  public static func cosineSimilarity(axis: Int = -1) -> Loss {
    Loss(formula: "cosine_similarity", settings: ["axis": .integer(axis)]) { t, p in
      let product = t.normalized(axis: axis) * p.normalized(axis: axis)
      return (product.isLast(axis) ? LossFormula.sum(product) : product.sum(axes: [axis])) * -1
    }
  }

  /// The mean of max(q·(t − p), (q − 1)·(t − p)), smallest where p is the q-quantile of t; Keras has none.
  ///
  /// - Parameter quantile: q, above 0 and below 1; ½ is half the mean absolute error, smallest at the median.
  /// - Source: Koenker & Bassett 1978.
  public static func quantile(_ quantile: Double) -> Loss {
    Loss(formula: "quantile", [("quantile", quantile, .betweenZeroAndOne)]) { t, p in
      let error = t - p
      return LossFormula.mean(.maximum(error * quantile, error * (quantile - 1)))
    }
  }
}

extension Tensor {
  /// Each vector along an axis divided by its length, or by 10⁻⁷ where it is shorter.
  func normalized(axis: Int) -> Tensor {
    // The limit stands under the root, whose slope at 0 is infinite.
    let squares =
      isLast(axis)
      ? LossFormula.sum(squared, keepingDimensions: true) : squared.sum(axes: [axis], keepingDimensions: true)
    return self / LossFormula.atLeast(LossFormula.epsilon * LossFormula.epsilon, squares).sqrt()
  }

  fileprivate func isLast(_ axis: Int) -> Bool { axis == -1 || axis == rank - 1 }
}

extension Double {
  fileprivate var logarithm: Double { Double.logarithm(self) }
}
