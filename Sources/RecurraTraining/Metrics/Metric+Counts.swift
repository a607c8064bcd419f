internal import RecurraLayers
internal import RecurraTensor

/// Metrics that are made of counts.
extension Metric {
  /// Names how the scores of classes become one number.
  public struct Average: Sendable, Hashable {
    /// Keras' name of it.
    public let rawValue: String
    /// One score from the counts of all classes together.
    public static let micro = Average(rawValue: "micro")
    /// The mean of the classes' scores.
    public static let macro = Average(rawValue: "macro")
    /// The mean of the classes' scores, weighted by how often each is true.
    public static let weighted = Average(rawValue: "weighted")
  }

  /// Names a curve under which an area is taken.
  public struct Curve: Sendable, Hashable {
    /// Keras' name of it.
    public let rawValue: String
    /// Recall over the share of negatives that pass.
    public static let roc = Curve(rawValue: "ROC")
    /// Precision over recall.
    public static let pr = Curve(rawValue: "PR")
    /// Precision over recall, both as gains over always saying yes.
    public static let prGain = Curve(rawValue: "PRGAIN")
  }

  /// Names how high a curve is taken to be between two thresholds.
  public struct SummationMethod: Sendable, Hashable {
    /// Keras' name of it.
    public let rawValue: String
    /// Half way; of precision and recall along the hyperbola between.
    public static let interpolation = SummationMethod(rawValue: "interpolation")
    /// As high as the lower end.
    public static let minoring = SummationMethod(rawValue: "minoring")
    /// As high as the higher end.
    public static let majoring = SummationMethod(rawValue: "majoring")
  }

  /// Names how the scores of several outputs become one R².
  public struct ClassAggregation: Sendable, Hashable {
    /// Keras' name of it.
    public let rawValue: String
    /// The mean.
    public static let uniformAverage = ClassAggregation(rawValue: "uniform_average")
    /// The mean weighted by the variances of the targets.
    public static let varianceWeightedAverage = ClassAggregation(rawValue: "variance_weighted_average")
  }

  private init(_ className: String, _ counts: some MetricCounts) {
    self.init(name: className, kind: .counts(className, counts))
  }

  /// Returns the same metric under another name in logs.
  public func named(_ name: String) -> Metric {
    var metric = Metric(name: name, kind: kind)
    metric.isWeighted = isWeighted
    return metric
  }

  /// The share of predictions on the same side of a threshold as their targets, which are 0 or 1.
  public static func binaryAccuracy(threshold: Double) -> Metric {
    Metric(name: "binary_accuracy", kind: .binaryAccuracy(threshold: threshold))
  }

  /// The share of rows whose largest target stands among the k largest predictions.
  public static func topKCategoricalAccuracy(k: Int = 5) -> Metric {
    Metric(name: "top_k_categorical_accuracy", kind: .topK(k, takesLabels: false))
  }

  /// The share of rows whose class number stands among the k largest predictions.
  public static func sparseTopKCategoricalAccuracy(k: Int = 5) -> Metric {
    Metric(name: "sparse_top_k_categorical_accuracy", kind: .topK(k, takesLabels: true))
  }

  /// The share of true ones among what was said to be: TP / (TP + FP), 0 where nothing was.
  ///
  /// - Parameters:
  ///   - threshold: above which a prediction says yes; ½ when left out, none where `topK` is given.
  ///   - topK: how many of a row's largest predictions say yes; all when left out.
  ///   - classID: the class that alone is looked at; all of them together when left out.
  public static func precision(threshold: Double? = nil, topK: Int? = nil, classID: Int? = nil) -> Metric {
    Metric("precision", ThresholdCounts(kind: .precision, threshold: threshold, topK: topK, classID: classID))
  }

  /// The share of what was found among the true ones: TP / (TP + FN), 0 where there are none; all else as `precision`.
  public static func recall(threshold: Double? = nil, topK: Int? = nil, classID: Int? = nil) -> Metric {
    Metric("recall", ThresholdCounts(kind: .recall, threshold: threshold, topK: topK, classID: classID))
  }

  /// The weighted number of true ones that were said to be.
  public static func truePositives(threshold: Double = 0.5) -> Metric { count(.truePositives, threshold) }
  /// The weighted number of false ones that were said to be true.
  public static func falsePositives(threshold: Double = 0.5) -> Metric { count(.falsePositives, threshold) }
  /// The weighted number of false ones that were said to be.
  public static func trueNegatives(threshold: Double = 0.5) -> Metric { count(.trueNegatives, threshold) }
  /// The weighted number of true ones that were said to be false.
  public static func falseNegatives(threshold: Double = 0.5) -> Metric { count(.falseNegatives, threshold) }

  private static func count(_ kind: ThresholdCounts.Result, _ threshold: Double) -> Metric {
    Metric(kind.rawValue, ThresholdCounts(kind: kind, threshold: threshold))
  }

  /// The harmonic mean of precision and recall.
  ///
  /// Keras' default is a number for each class; a history holds one, so the default here is their mean.
  ///
  /// - Parameters:
  ///   - average: how the classes' scores become one number.
  ///   - threshold: above which a prediction says yes; when left out, the largest of each row does.
  public static func f1Score(average: Average = .macro, threshold: Double? = nil) -> Metric {
    Metric("f1_score", FScoreCounts(average: average, beta: 1, threshold: threshold, isF1: true))
  }

  /// (1 + β²)·precision·recall / (β²·precision + recall); all else as `f1Score`.
  public static func fBetaScore(average: Average = .macro, beta: Double = 1, threshold: Double? = nil) -> Metric {
    Metric("fbeta_score", FScoreCounts(average: average, beta: beta, threshold: threshold, isF1: false))
  }

  /// The area under a curve that thresholds from 0 to 1 make.
  ///
  /// - Parameters:
  ///   - numThresholds: the number of thresholds, spread evenly.
  ///   - curve: which curve.
  ///   - summationMethod: how high it is between two thresholds.
  ///   - fromLogits: whether predictions are the numbers before a sigmoid.
  ///   - multiLabel: whether each label, an element of a row, has a curve of its own; the mean of the areas is taken
  ///     then, and else all labels make one curve.
  ///   - labelWeights: how much each label counts in the mean, or in the one curve; all alike when left out.
  public static func auc(
    numThresholds: Int = 200, curve: Curve = .roc, summationMethod: SummationMethod = .interpolation,
    fromLogits: Bool = false, multiLabel: Bool = false, labelWeights: [Double]? = nil
  ) -> Metric {
    Metric(
      "auc",
      CurveCounts(
        kind: .area(curve, summationMethod, fromLogits: fromLogits), thresholdCount: numThresholds,
        isMultiLabel: multiLabel, labelWeights: labelWeights))
  }

  /// The best recall at a threshold whose specificity TN / (TN + FP) is at least the one given.
  public static func sensitivityAtSpecificity(
    _ specificity: Double, numThresholds: Int = 200, classID: Int? = nil
  ) -> Metric {
    Metric(
      "sensitivity_at_specificity",
      CurveCounts(kind: .sensitivityAtSpecificity(specificity), thresholdCount: numThresholds, classID: classID))
  }

  /// The best specificity TN / (TN + FP) at a threshold whose recall is at least the one given.
  public static func specificityAtSensitivity(
    _ sensitivity: Double, numThresholds: Int = 200, classID: Int? = nil
  ) -> Metric {
    Metric(
      "specificity_at_sensitivity",
      CurveCounts(kind: .specificityAtSensitivity(sensitivity), thresholdCount: numThresholds, classID: classID))
  }

  /// The best precision at a threshold whose recall is at least the one given.
  public static func precisionAtRecall(_ recall: Double, numThresholds: Int = 200, classID: Int? = nil) -> Metric {
    Metric(
      "precision_at_recall",
      CurveCounts(kind: .precisionAtRecall(recall), thresholdCount: numThresholds, classID: classID))
  }

  /// The best recall at a threshold whose precision is at least the one given.
  public static func recallAtPrecision(_ precision: Double, numThresholds: Int = 200, classID: Int? = nil) -> Metric {
    Metric(
      "recall_at_precision",
      CurveCounts(kind: .recallAtPrecision(precision), thresholdCount: numThresholds, classID: classID))
  }

  /// The mean over classes of how many elements both targets and predictions call by it, over how many either does.
  ///
  /// - Parameters:
  ///   - numClasses: the number of classes; an element of another class does not count.
  ///   - targetClassIDs: the classes whose mean is taken; all when left out.
  ///   - ignoreClass: a true class whose elements do not count.
  ///   - sparseYTrue: whether targets are class numbers, and no rows with a largest.
  ///   - sparseYPred: whether predictions are class numbers, and no rows with a largest.
  public static func meanIoU(
    numClasses: Int, targetClassIDs: [Int]? = nil, ignoreClass: Int? = nil, sparseYTrue: Bool = true,
    sparseYPred: Bool = true
  ) -> Metric {
    Metric(
      targetClassIDs == nil ? "mean_io_u" : "io_u",
      ConfusionCounts(
        classCount: numClasses, source: sparseYPred ? .numbers : .largest(sparseTargets: sparseYTrue),
        targetClassIDs: targetClassIDs, ignoreClass: ignoreClass))
  }

  /// `meanIoU` of targets and predictions that are rows with a largest.
  public static func oneHotMeanIoU(
    numClasses: Int, targetClassIDs: [Int]? = nil, ignoreClass: Int? = nil
  ) -> Metric {
    Metric(
      targetClassIDs == nil ? "one_hot_mean_io_u" : "one_hot_io_u",
      ConfusionCounts(
        classCount: numClasses, source: .largest(sparseTargets: false), targetClassIDs: targetClassIDs,
        ignoreClass: ignoreClass, isOneHot: true))
  }

  /// `meanIoU` of targets 0 and 1, where predictions of at least a threshold say 1.
  public static func binaryIoU(targetClassIDs: [Int] = [0, 1], threshold: Double = 0.5) -> Metric {
    Metric(
      "binary_io_u",
      ConfusionCounts(classCount: 2, source: .threshold(threshold), targetClassIDs: targetClassIDs))
  }

  /// How much of the targets' variance predictions explain: 1 − Σ(t − p)² / Σ(t − mean t)², of each output.
  ///
  /// - Parameters:
  ///   - classAggregation: how the scores of several outputs become one.
  ///   - numRegressors: the number of inputs, for the adjusted score; 0 for the plain one.
  public static func r2Score(
    classAggregation: ClassAggregation = .uniformAverage, numRegressors: Int = 0
  ) -> Metric {
    Metric("r2_score", DeterminationCounts(aggregation: classAggregation, regressorCount: numRegressors))
  }
}
