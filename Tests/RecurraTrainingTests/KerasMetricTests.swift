import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Every metric of losses and counts against Keras, in an evaluation of two batches, made from Keras' own settings.
@Suite struct KerasMetricTests {
  static let names = ((try? Fixture("keras_metrics").cases) ?? []).map(\.name)

  static func metric(_ test: Fixture.Case) throws -> Metric {
    let options = try #require(test.arguments?["options"]), name = try #require(test.arguments?["metric"])
    return try Metric(configuration: .object([("class_name", name), ("config", options)]))
  }

  /// A model that passes its input on, with a loss that takes any targets.
  static func trainer(_ metric: Metric, width: Int?) throws -> Trainer {
    let model = Sequential { ActivationLayer(.linear) }
    try model.build(inputShape: [nil] + (width.map { [$0] } ?? []))
    return try model.compile(loss: Loss("none") { $1 * 0 }, metrics: [metric])
  }

  static func value(
    _ metric: Metric, _ test: Fixture.Case, weights: Tensor?, batchSize: Int
  ) throws -> Double {
    let (targets, predictions) = try (test.required("targets"), test.required("predictions"))
    let trainer = try trainer(metric, width: predictions.rank > 1 ? predictions.shape[1] : nil)
    let logs = try trainer.evaluate(
      predictions.converted(to: .float32), targets, sampleWeights: weights, batchSize: batchSize, verbose: .silent)
    return try #require(logs[metric.name])
  }

  @Test func everyMetricHasACase() { #expect(Self.names.count == 51) }

  @Test(arguments: names) func resultsAreKeras(name: String) throws {
    let test = try Fixture("keras_metrics")[name]
    let metric = try Self.metric(test)
    let (plain, weighted) = try (test.required("result").item, test.required("weighted_result").item)
    let found = try Self.value(metric, test, weights: nil, batchSize: 3)
    #expect((found - plain).magnitude <= 1e-5 * max(1, plain.magnitude), "\(name): \(found), not \(plain)")
    let own = try Self.value(metric, test, weights: test.required("sample_weights"), batchSize: 3)
    #expect((own - weighted).magnitude <= 1e-5 * max(1, weighted.magnitude), "\(name): \(own), not \(weighted)")
  }

  /// Sums in Double: cutting the rows otherwise changes counts not at all, and means by rounding of Double alone.
  @Test(arguments: names) func batchesDoNotShow(name: String) throws {
    let test = try Fixture("keras_metrics")[name]
    let metric = try Self.metric(test)
    let weights = try test.required("sample_weights")
    let whole = try Self.value(metric, test, weights: weights, batchSize: 5)
    for size in 1...4 {
      let found = try Self.value(metric, test, weights: weights, batchSize: size)
      #expect((found - whole).magnitude <= 1e-14 * max(1, whole.magnitude), "\(name) in batches of \(size)")
    }
  }

  @Test(arguments: names) func aFileBringsTheMetricBack(name: String) throws {
    let metric = try Self.metric(Fixture("keras_metrics")[name]).named("own")
    let again = try Metric(configuration: metric.configuration)
    #expect(again.name == "own" && again.configuration == metric.configuration)
  }

  @Test func perplexityIsTheExponentialOfTheMeanCrossEntropy() throws {
    let test = try Fixture("keras_metrics")["sparse_crossentropy"]
    let perplexity = try Self.value(.perplexity(fromLogits: true), test, weights: nil, batchSize: 3)
    let entropy = try Self.value(.sparseCategoricalCrossEntropy(fromLogits: true), test, weights: nil, batchSize: 3)
    #expect((perplexity - Double.exponential(entropy)).magnitude < 1e-12 * perplexity)
  }

  /// Each metric's sums stand between others of the same trainer, whatever their number.
  @Test func severalMetricsKeepTheirSumsApart() throws {
    let test = try Fixture("keras_metrics")["precision"]
    let metrics: [Metric] = [.f1Score(threshold: 0.1), .precision(), .r2Score(), .auc(), .meanSquaredError]
    let (targets, predictions) = try (test.required("targets"), test.required("predictions"))
    let model = Sequential { ActivationLayer(.linear) }
    try model.build(inputShape: [nil, 6])
    let trainer = try model.compile(loss: .meanSquaredError, metrics: metrics)
    let logs = try trainer.evaluate(predictions, targets, batchSize: 2, verbose: .silent)
    for metric in metrics {
      #expect(try logs[metric.name] == Self.value(metric, test, weights: nil, batchSize: 2), "\(metric.name)")
    }
  }

  @Test func timestepsThatDoNotCountAreNotCounted() throws {
    let predictions = Tensor([0.9, 0.2, 0.8, 0.7, 0.9, 0.9] as [Float]).reshaped([2, 3, 1])
    let targets = Tensor([1, 0, 0, 0, 1, 1] as [Float]).reshaped([2, 3, 1])
    let model = Sequential { ActivationLayer(.linear) }
    try model.build(inputShape: [nil, nil, 1])
    let trainer = try model.compile(loss: .meanSquaredError, metrics: [.precision(), .falsePositives()])
    let logs = try trainer.evaluate(predictions, targets, lengths: [2, 1], verbose: .silent)
    #expect(logs["precision"] == 0.5 && logs["false_positives"] == 1)
  }

  @Test func settingsOutsideTheirRangeAreRefused() throws {
    let (x, y) = (Tensor.zeros([4, 3]), Tensor.zeros([4, 3]))
    for metric in [
      Metric.precision(threshold: 2), .precision(topK: 0), .recall(classID: 3), .auc(numThresholds: 1),
      .sensitivityAtSpecificity(1.5), .fBetaScore(beta: 0), .f1Score(threshold: 0), .r2Score(numRegressors: -1),
      .topKCategoricalAccuracy(k: 0), .oneHotMeanIoU(numClasses: 0), .auc(multiLabel: true, labelWeights: [1, 2]),
      .auc(labelWeights: [1, -2, 1]),
    ] {
      #expect(throws: RecurraError.self, "\(metric.configuration)") {
        try Self.trainer(metric, width: 3).evaluate(x, y, verbose: .silent)
      }
    }
  }

  @Test(arguments: ["rmse", "mape", "kld", "AUC", "BinaryIoU", "FBetaScore", "LogCoshError", "KLDivergence"])
  func shortNamesAndClassNamesAreKnown(name: String) throws {
    let metric = try Metric(configuration: .string(name))
    let isShort = name.first?.isLowercase == true
    #expect(isShort ? metric.name == name : metric.name != name)
  }

  /// Counts of an epoch that was interrupted go on where they were.
  @Test func aFileKeepsTheCountsOfAnEpochUnderWay() throws {
    let metrics: [Metric] = [.auc(numThresholds: 9), .f1Score(threshold: 0.4), .recall(), .rootMeanSquaredError]
    let x = Tensor.varied([11, 3], seed: 5).converted(to: .float32)
    let y = Tensor.varied([11, 2], seed: 6, in: 0...1).isGreater(than: Tensor(0.5, dtype: .float64))
    func trainer() throws -> Trainer {
      let model = Sequential(seed: 4) { Dense(units: 2, activation: .sigmoid) }
      return try model.compile(loss: .binaryFocalCrossEntropy(), optimizer: .nadam(learningRate: 0.1), metrics: metrics)
    }
    let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let saving = LambdaCallback(onTrainBatchEnd: { batch, _, trainer throws(RecurraError) in
      if batch == 1 { try trainer.save(to: path) }
    })
    let whole = try trainer().fit(x, y, batchSize: 4, callbacks: [saving], verbose: .silent)
    let rest = try Trainer(contentsOf: path).fit(x, y, batchSize: 4, callbacks: [], verbose: .silent)
    for name in metrics.map(\.name) + ["loss"] {
      #expect(rest[name] == whole[name] && rest[name]?.count == 1, "\(name)")
    }
  }
}
