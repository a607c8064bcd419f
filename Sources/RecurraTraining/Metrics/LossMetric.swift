internal import RecurraLayers
internal import RecurraTensor

/// A metric that is the mean of a loss over rows, or a function of that mean.
struct LossMetric: Sendable {
  enum Finish: Sendable { case mean, negative, root, exponential }

  /// What files call it.
  let className: String
  let loss: Loss
  var finish = Finish.mean

  /// The settings in Keras' names: those of the loss that the metric has as well.
  var settings: [String: JSONValue] {
    switch loss.kind {
    case .formula(let formula): formula.configuration
    case .sparseCategorical(let fromLogits, _): ["from_logits": .bool(fromLogits)]
    case .categorical(let fromLogits, let smoothing), .binary(let fromLogits, let smoothing):
      ["from_logits": .bool(fromLogits), "label_smoothing": .number(smoothing)]
    default: [:]
    }
  }

  func result(_ mean: Double) -> Double {
    switch finish {
    case .mean: mean
    case .negative: -mean
    case .root: mean.squareRoot()
    case .exponential: Double.exponential(mean)
    }
  }
}

extension Metric {
  fileprivate init(_ className: String, _ loss: Loss, _ finish: LossMetric.Finish = .mean) {
    self.init(name: className, kind: .loss(LossMetric(className: className, loss: loss, finish: finish)))
  }
}

/// Metrics that are means of losses.
extension Metric {
  /// The square root of the mean of (prediction − target)².
  public static let rootMeanSquaredError = Metric("root_mean_squared_error", .meanSquaredError, .root)
  /// `Loss.meanAbsolutePercentageError` as a metric.
  public static let meanAbsolutePercentageError = Metric(
    "mean_absolute_percentage_error", .meanAbsolutePercentageError)
  /// `Loss.meanSquaredLogarithmicError` as a metric.
  public static let meanSquaredLogarithmicError = Metric(
    "mean_squared_logarithmic_error", .meanSquaredLogarithmicError)
  /// `Loss.logCosh` as a metric.
  public static let logCosh = Metric("logcosh", .logCosh)
  /// `Loss.hinge` as a metric.
  public static let hinge = Metric("hinge", .hinge)
  /// `Loss.squaredHinge` as a metric.
  public static let squaredHinge = Metric("squared_hinge", .squaredHinge)
  /// `Loss.categoricalHinge` as a metric.
  public static let categoricalHinge = Metric("categorical_hinge", .categoricalHinge)
  /// `Loss.klDivergence` as a metric.
  public static let klDivergence = Metric("kl_divergence", .klDivergence)
  /// `Loss.poisson` as a metric.
  public static let poisson = Metric("poisson", .poisson)

  /// The mean of t·p / (‖t‖·‖p‖): 1 for vectors of one direction.
  public static func cosineSimilarity(axis: Int = -1) -> Metric {
    Metric("cosine_similarity", .cosineSimilarity(axis: axis), .negative)
  }

  /// `Loss.binaryCrossEntropy` as a metric.
  public static func binaryCrossEntropy(fromLogits: Bool = false, labelSmoothing: Double = 0) -> Metric {
    Metric("binary_crossentropy", .binaryCrossEntropy(fromLogits: fromLogits, labelSmoothing: labelSmoothing))
  }

  /// `Loss.categoricalCrossEntropy` as a metric.
  public static func categoricalCrossEntropy(fromLogits: Bool = false, labelSmoothing: Double = 0) -> Metric {
    Metric("categorical_crossentropy", .categoricalCrossEntropy(fromLogits: fromLogits, labelSmoothing: labelSmoothing))
  }

  /// `Loss.sparseCategoricalCrossEntropy` as a metric.
  public static func sparseCategoricalCrossEntropy(fromLogits: Bool = false) -> Metric {
    Metric("sparse_categorical_crossentropy", .sparseCategoricalCrossEntropy(fromLogits: fromLogits))
  }

  /// e to the mean cross-entropy of class numbers: among how many equally likely classes a model would have to choose
  /// to be as uncertain.
  ///
  /// - Source: KerasHub, `keras_hub.metrics.Perplexity`.
  public static func perplexity(fromLogits: Bool = false) -> Metric {
    Metric("perplexity", .sparseCategoricalCrossEntropy(fromLogits: fromLogits), .exponential)
  }

  /// The mean over rows of Pearson's correlation between a row's targets and predictions.
  public static func pearsonCorrelation(axis: Int = -1) -> Metric {
    @Sendable func unit(_ x: Tensor) -> Tensor {
      let centred = x - x.mean(axes: [axis], keepingDimensions: true)
      return centred / centred.variance(axes: [axis], keepingDimensions: true).sqrt()
    }
    return Metric(
      "pearson_correlation",
      Loss(formula: "pearson_correlation", settings: ["axis": .integer(axis)]) { t, p in
        (unit(t) * unit(p)).mean(axes: [axis])
      })
  }

  /// The mean over rows of Lin's concordance correlation, which falls with a shift or a scale as well.
  public static func concordanceCorrelation(axis: Int = -1) -> Metric {
    Metric(
      "concordance_correlation",
      Loss(formula: "concordance_correlation", settings: ["axis": .integer(axis)]) { t, p in
        func mean(_ x: Tensor) -> Tensor { x.mean(axes: [axis], keepingDimensions: true) }
        func variance(_ x: Tensor) -> Tensor { x.variance(axes: [axis], keepingDimensions: true) }
        let covariance = (t - mean(p)) * (p - mean(p))
        let norm = variance(t) + variance(p) + (mean(t) - mean(p)).squared
        return (covariance * 2 / (norm + LossFormula.epsilon)).mean(axes: [axis])
      })
  }
}
