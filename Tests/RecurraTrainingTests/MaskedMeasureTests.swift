import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What a mask leaves out reaches no loss, no gradient and no metric, whatever stands there.
@Suite struct MaskedMeasureTests {
  static let (rows, timesteps, classes) = (3, 5, 4)
  static let steps: [[Bool]] = [
    [true, false, true, true, false], [false, false, true, false, true], [false, false, false, false, false],
  ]
  static let masks: [SequenceMask] = [
    .lengths([3, 5, 0]), (try? SequenceMask(steps: steps)) ?? .all,
    (try? SequenceMask(steps: steps).intersection(.lengths([4, 4, 5]))) ?? .all,
  ]

  static let losses: [Loss] =
    [
      .meanSquaredError, .meanAbsoluteError, .huber(delta: 0.3), .binaryCrossEntropy,
      .binaryCrossEntropy(fromLogits: true), .categoricalCrossEntropy,
      .categoricalCrossEntropy(fromLogits: true, labelSmoothing: 0.1), .sparseCategoricalCrossEntropy,
      .sparseCategoricalCrossEntropy(fromLogits: true), .quantile(0.3), .dice(axis: [2]), .tversky(axis: [2]),
      Loss("own") { ($1 - $0).squared.mean(axes: [2]) },
    ]
    + [
      "cosine_similarity", "mape", "msle", "logcosh", "hinge", "squared_hinge", "categorical_hinge", "kld", "poisson",
      "binary_focal_crossentropy", "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
    ].compactMap { try? Loss(named: $0) }

  static let metrics: [Metric] = [
    .meanSquaredError, .meanAbsoluteError, .rootMeanSquaredError, .meanAbsolutePercentageError,
    .meanSquaredLogarithmicError, .logCosh, .hinge, .squaredHinge, .categoricalHinge, .klDivergence, .poisson,
    .cosineSimilarity(), .binaryCrossEntropy(), .categoricalCrossEntropy(), .sparseCategoricalCrossEntropy(),
    .perplexity(), .pearsonCorrelation(), .concordanceCorrelation(), .accuracy, .sparseCategoricalAccuracy,
    .categoricalAccuracy, .binaryAccuracy, .topKCategoricalAccuracy(k: 2), .sparseTopKCategoricalAccuracy(k: 2),
    .precision(), .recall(), .truePositives(), .falsePositives(), .trueNegatives(), .falseNegatives(), .f1Score(),
    .fBetaScore(beta: 2), .auc(), .sensitivityAtSpecificity(0.5), .specificityAtSensitivity(0.5),
    .precisionAtRecall(0.5), .recallAtPrecision(0.5), .meanIoU(numClasses: 4), .oneHotMeanIoU(numClasses: 4),
    .binaryIoU(), .r2Score(),
  ]

  /// Probabilities, and targets as class numbers or one-hot, with a number wherever nothing counts.
  static func data(
    _ mask: SequenceMask, _ number: Double, hasLabels: Bool, isSingle: Bool = false
  ) -> (targets: Tensor, predictions: Tensor) {
    let width = isSingle ? 1 : classes
    let shape = [rows, timesteps, width]
    let counts = mask.tensor(rows: rows, timesteps: timesteps, dtype: .int32)
    let scores = Tensor.varied(shape, seed: 3, in: -1...1, dtype: .float64)
    let predictions = isSingle ? (scores + 1) / 2 : scores.softmax()
    let labels = (0..<rows * timesteps).map { Double($0 * 7 % classes) }
    let targets: Tensor
    if hasLabels {
      targets = .select(counts, Tensor(labels, shape: [rows, timesteps]), Tensor(number, dtype: .float64))
    } else {
      let numbers = labels.flatMap { label in
        (0..<width).map { Double(isSingle ? Int(label) % 2 : $0 == Int(label) ? 1 : 0) }
      }
      targets = .select(counts.expanded(at: 2), Tensor(numbers, shape: shape), Tensor(number, dtype: .float64))
    }
    return (targets, .select(counts.expanded(at: 2), predictions, Tensor(number, dtype: .float64)))
  }

  @Test(arguments: losses.indices, masks.indices) func aLossReadsWhatCountsAlone(_ index: Int, _ mask: Int) throws {
    let (loss, mask) = (Self.losses[index], Self.masks[mask])
    func run(_ number: Double) throws -> [Tensor] {
      let (targets, predictions) = Self.data(
        mask, number, hasLabels: loss.name.hasPrefix("sparse") || loss.name.contains("generalized"))
      let tracked = predictions.tracked
      let value = loss(targets, tracked, mask: mask)
      return [value, value.gradients(withRespectTo: [tracked])[0]]
    }
    let clean = try run(0.5)
    #expect(clean[0].item.isFinite && clean[1].doubles.contains { $0 != 0 }, "\(loss.name)")
    let masked = Tensor.select(
      mask.tensor(rows: Self.rows, timesteps: Self.timesteps, dtype: .int32).expanded(at: 2),
      Tensor(0, dtype: .float64), clean[1])
    #expect(masked.doubles.allSatisfy { $0 == 0 }, "\(loss.name)")
    for number in [Double.nan, .infinity] {
      for (found, wanted) in zip(try run(number), clean) { expectIdentical(found, wanted, "\(loss.name)") }
    }
  }

  @Test(arguments: metrics.indices, masks.indices) func aMetricReadsWhatCountsAlone(_ index: Int, _ mask: Int) throws {
    let (metric, mask) = (Self.metrics[index], Self.masks[mask])
    let isSparse = ["sparse", "perplexity", "mean_io_u"].contains { metric.name.hasPrefix($0) }
    let isSingle = metric.name.hasPrefix("binary_io_u")
    func run(_ number: Double) throws -> Logs {
      var (targets, predictions) = Self.data(mask, number, hasLabels: isSparse, isSingle: isSingle)
      if metric.name == "mean_io_u" { predictions = targets.expanded(at: 2) }
      let model = Sequential { ActivationLayer(.linear) }
      try model.build(inputShape: [nil, nil, predictions.shape[2]], dtype: .float64)
      let trainer = try model.compile(loss: Loss("none") { $1 * 0 }, metrics: [metric])
      return try trainer.evaluate(predictions, targets, mask: mask, batchSize: 2, verbose: .silent)
    }
    let clean = try run(0.5)
    #expect(clean.allSatisfy { $0.1.isFinite }, "\(metric.name)")
    for number in [Double.nan, 7] { #expect(try run(number) == clean, "\(metric.name)") }
  }
}
