import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct MetricTests {
  static func value(_ metric: Metric, _ batches: [(Tensor, Tensor)], lengths: [Int]? = nil) throws -> Double {
    var sum = WeightedSum()
    for (targets, predictions) in batches {
      let weights = try RowWeights(
        predictions: predictions.shape, mask: lengths.map { .lengths($0) } ?? .all)
      sum += try metric.weighted(targets, predictions, weights)
    }
    return sum.mean
  }

  static let predictions: Tensor = Tensor(
    [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]] as [[Float]])

  @Test func accuracyIsWhatTheShapesSay() throws {
    let labels = Tensor([1, 2, 2, 0] as [Int32])
    #expect(try Self.value(.accuracy, [(labels, Self.predictions)]) == 0.75)
    #expect(try Self.value(.accuracy, [(labels.reshaped([4, 1]), Self.predictions)]) == 0.75)
    let oneHot = Tensor([[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]] as [[Float]])
    // The first of two equal predictions is the answer.
    #expect(try Self.value(.accuracy, [(oneHot, Self.predictions)]) == 0.5)
    let binary = Tensor([0.2, 0.8, 0.5, 0.9] as [Float], shape: [4, 1])
    #expect(try Self.value(.accuracy, [(Tensor([0, 1, 1, 0] as [Int32]), binary)]) == 0.5)
    #expect(try Self.value(.binaryAccuracy, [(Tensor([0, 1, 0, 0] as [Float], shape: [4, 1]), binary)]) == 0.75)
  }

  @Test func batchesCountByTheirRows() throws {
    let targets = Tensor.varied([7, 3], seed: 1)
    let predictions = Tensor.varied([7, 3], seed: 2)
    for metric in [Metric.meanSquaredError, .meanAbsoluteError] {
      let whole = try Self.value(metric, [(targets, predictions)])
      let parts = try Self.value(metric, [(targets[0..<5], predictions[0..<5]), (targets[5..<7], predictions[5..<7])])
      #expect((whole - parts).magnitude < 1e-15)
    }
    let squared = (predictions - targets).squared.mean().item
    #expect(try (Self.value(.meanSquaredError, [(targets, predictions)]) - squared).magnitude < 1e-15)
    let absolute = (predictions - targets).abs().mean().item
    #expect(try (Self.value(.meanAbsoluteError, [(targets, predictions)]) - absolute).magnitude < 1e-15)
  }

  @Test func paddedTimestepsDoNotCount() throws {
    let predictions = Self.predictions.reshaped([2, 2, 3])
    let labels = Tensor([1, 2, 2, 1] as [Int32], shape: [2, 2])
    #expect(try Self.value(.accuracy, [(labels, predictions)]) == 0.5)
    #expect(try Self.value(.accuracy, [(labels, predictions)], lengths: [2, 1]) == 2.0 / 3)
  }

  @Test func aMetricOfOnesOwnIsAMeanOverRows() throws {
    let own = Metric("largest") { _, predictions in predictions.max(axes: [1]) }
    let value = try Self.value(
      own, [0..<3, 3..<4].map { (Tensor.zeros([$0.count], dtype: .int32), Self.predictions[$0]) })
    #expect((value - (0.7 + 0.5 + 0.6 + 0.4) / 4).magnitude < 1e-7)
  }

  @Test func nothingSeenIsZero() { #expect(WeightedSum().mean == 0) }

  @Test func namesAreKeras() throws {
    #expect(try Metric(named: "mse").name == "mse")
    #expect(try Metric(named: "accuracy").name == "accuracy")
    let error = #expect(throws: RecurraError.self) { try Metric(named: "f1") }
    #expect(error?.kind == .badArgument && error?.got == "f1")
  }
}
