import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Every loss against plain loops in Double, with lengths and sample weights, and behind the activation it belongs to.
@Suite struct NaiveLossTests {
  /// B 3, T 4, two rows to a timestep, C 5.
  static let shape = [3, 4, 2, 5]
  static let lengths = [2, 4, 1]
  static let sampleWeights = Tensor.varied([3, 4], seed: 81, in: 0...2)

  static func targets(_ naive: NaiveLoss) -> Tensor {
    let numbers = Tensor.varied([3, 4, 2], seed: 82, in: 0...4.999)
    return naive.takesLabels ? numbers.converted(to: .int32) : .varied(shape, seed: 83, in: 0.02...0.98)
  }

  static func predictions(_ naive: NaiveLoss) -> Tensor {
    .varied(shape, seed: 84, in: naive.takesProbabilities ? 0.02...0.98 : -3...3)
  }

  /// Σ weight · loss and Σ weight over the rows in front of the lengths.
  static func sums(_ naive: NaiveLoss) -> (sum: Double, weight: Double) {
    let (t, p, weights) = (targets(naive).doubles, predictions(naive).doubles, sampleWeights.doubles)
    let width = naive.takesLabels ? 1 : 5
    var (sum, weight) = (0.0, 0.0)
    for row in 0..<24 where row / 2 % 4 < lengths[row / 8] {
      let own = naive.value(Array(t[row * width..<(row + 1) * width]), Array(p[row * 5..<(row + 1) * 5]))
      sum += weights[row / 2] * own
      weight += weights[row / 2]
    }
    return (sum, weight)
  }

  @Test(arguments: NaiveLoss.all.indices) func valuesAndGradientsAreThoseOfLoops(index: Int) throws {
    let naive = NaiveLoss.all[index]
    let (targets, predictions, wanted) = (Self.targets(naive), Self.predictions(naive), Self.sums(naive))
    let weights = try RowWeights(
      predictions: Self.shape, targets: targets, mask: .lengths(Self.lengths), sampleWeights: Self.sampleWeights)
    let found = try naive.loss.weighted(targets, predictions, weights)
    #expect((found.sum - wanted.sum).magnitude < 1e-12 && (found.weight - wanted.weight).magnitude < 1e-13)
    let single = try naive.loss.weighted(targets, predictions.converted(to: .float32), weights)
    #expect(single.tensor.dtype == .float32 && (single.mean - found.mean).magnitude < 2e-6 * found.mean)
    expectGradients(
      of: { WeightedLossTests.tensor(naive.loss, targets, $0[0], weights, .weight) }, at: [predictions],
      naive.loss.name)
    let tracked = predictions.converted(to: .float32).tracked
    let gradient = try naive.loss.weighted(targets, tracked, weights).tensor.gradients(withRespectTo: [tracked])[0]
    let exact = predictions.tracked
    expectClose(
      gradient.converted(to: .float64),
      try naive.loss.weighted(targets, exact, weights).tensor.gradients(withRespectTo: [exact])[0], relative: 1e-5,
      toLargest: true, naive.loss.name)
  }

  /// Behind a softmax or sigmoid the loss is taken from logits, and keeps its settings on the way.
  @Test(arguments: NaiveLoss.all.indices) func settingsHoldBehindTheActivation(index: Int) throws {
    let naive = NaiveLoss.all[index]
    guard naive.takesProbabilities else { return }
    let activation: Activation = naive.loss.name == "binary_crossentropy" ? .sigmoid : .softmax
    let model = Sequential([Dense(units: 5, activation: activation)], seed: 5)
    let x = Tensor.varied([7, 3], seed: 85)
    let labels = Tensor.varied([7], seed: 86, in: 0...4.999).converted(to: .int32)
    let y = naive.takesLabels ? labels : Tensor.varied([7, 5], seed: 87, in: 0.02...0.98)
    let predictions = try model.predict(x).doubles
    let (targets, width) = (y.doubles, naive.takesLabels ? 1 : 5)
    let samples = Tensor.varied([7], seed: 88, in: 0.5...2)
    for reduction in [Loss.Reduction.meanWithSampleWeight, .sumOverBatchSize] {
      let trainer = try model.compile(loss: naive.loss.with(reduction: reduction))
      var (sum, weight) = (0.0, 0.0)
      for row in 0..<7 {
        let own = naive.value(
          Array(targets[row * width..<(row + 1) * width]), Array(predictions[row * 5..<(row + 1) * 5]))
        sum += samples.doubles[row] * own
        weight += reduction == .sumOverBatchSize ? 1 : samples.doubles[row]
      }
      let found = try trainer.evaluate(x, y, sampleWeights: samples, batchSize: 3, verbose: .silent)["loss"]
      #expect((try #require(found) - sum / weight).magnitude < 1e-7, "\(naive.loss.name)")
    }
  }

  @Test func anIgnoredClassIsIgnoredBehindTheActivation() throws {
    let model = Sequential([Dense(units: 5, activation: .softmax)], seed: 5)
    let x = Tensor.varied([7, 3], seed: 85)
    let labels = Tensor([0, -1, 4, 2, -1, 2, 1] as [Int32])
    let kept = [0, 2, 3, 5, 6]
    func rows(_ tensor: Tensor) -> Tensor { tensor.gathered(Tensor(kept.map { Int32($0) })) }
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy(ignoreClass: -1), metrics: [.accuracy, Metric("seen") { t, _ in t }])
    let found = try trainer.evaluate(x, labels, batchSize: 2, verbose: .silent)
    let plain = try model.compile(loss: .sparseCategoricalCrossEntropy, metrics: [.accuracy])
    let wanted = try plain.evaluate(rows(x), rows(labels), batchSize: 7, verbose: .silent)
    #expect((try #require(found["loss"]) - #require(wanted["loss"])).magnitude < 1e-12)
    #expect(try #require(found["accuracy"]) == #require(wanted["accuracy"]))
    #expect((try #require(found["seen"]) - 9.0 / 5).magnitude < 1e-12)
  }
}
