import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Losses and metrics as weighted sums over what counts, held against plain loops in Double.
@Suite struct WeightedLossTests {
  /// B 3, T 4, C 5; lengths, sample weights, class weights and an ignored class together.
  static let lengths = [4, 0, 3]
  static let sampleWeights = Tensor.varied([3, 4], seed: 31, in: 0.25...3)
  static let classWeights = [0: 2.5, 3: 0.5]
  static let labels = Tensor([1, 0, -1, 3, 9, -7, 0, 0, 4, 3, 2, -5] as [Int32], shape: [3, 4])
  static let logits = Tensor.varied([3, 4, 5], seed: 32, in: -2...2)
  static let sparse = Loss.sparseCategoricalCrossEntropy(fromLogits: true, ignoreClass: -1)

  static func weights() throws -> RowWeights {
    try RowWeights(
      predictions: logits.shape, targets: labels, mask: .lengths(lengths), sampleWeights: sampleWeights,
      classWeights: classWeights, ignoreClass: -1)
  }

  /// Σ weight · cross-entropy and Σ weight, as loops.
  static var naive: (sum: Double, weight: Double, rows: Double) {
    let (samples, numbers, z) = (sampleWeights.doubles, labels.doubles, logits.doubles)
    var (sum, weight, rows) = (0.0, 0.0, 0.0)
    for row in 0..<12 where row % 4 < lengths[row / 4] && numbers[row] != -1 {
      let share = samples[row] * (classWeights[Int(numbers[row])] ?? 1)
      let own = (0..<5).map { z[row * 5 + $0] }
      let total = own.reduce(0) { $0 + Double.exponential($1) }
      sum += share * (Double.logarithm(total) - own[Int(numbers[row])])
      weight += share
      rows += 1
    }
    return (sum, weight, rows)
  }

  @Test func theWeightedSumIsThatOfLoops() throws {
    let (wanted, weights) = (Self.naive, try Self.weights())
    for divisor in [LossDivisor.weight, .one] {
      let loss = try Self.sparse.weighted(Self.labels, Self.logits, weights, divisor: divisor)
      #expect((loss.sum - wanted.sum).magnitude < 1e-13 && (loss.weight - wanted.weight).magnitude < 1e-13)
      #expect((loss.mean - wanted.sum / wanted.weight).magnitude < 1e-14)
      let divided = divisor == .weight ? wanted.weight : 1
      #expect((loss.tensor.item - wanted.sum / divided).magnitude < 1e-13)
      expectGradients(of: { Self.tensor(Self.sparse, Self.labels, $0[0], weights, divisor) }, at: [Self.logits])
    }
  }

  static func tensor(
    _ loss: Loss, _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, _ divisor: LossDivisor
  ) -> Tensor {
    do { return try loss.weighted(targets, predictions, weights, divisor: divisor).tensor } catch {
      Issue.record("\(error)")
      return Tensor(0, dtype: .float64)
    }
  }

  @Test func kerasDividesByRowsThatAreNotMasked() throws {
    let (wanted, weights) = (Self.naive, try Self.weights())
    let keras = Self.sparse.with(reduction: .sumOverBatchSize)
    let loss = try keras.weighted(Self.labels, Self.logits, weights)
    #expect(loss.weight == wanted.rows && (loss.sum - wanted.sum).magnitude < 1e-13)
    #expect((loss.tensor.item - wanted.sum / wanted.rows).magnitude < 1e-14)
    expectGradients(of: { Self.tensor(keras, Self.labels, $0[0], weights, .weight) }, at: [Self.logits])
    let own = Loss("own") { ($1 - $0).squared }.with(reduction: .sumOverBatchSize)
    let squared = Loss.meanSquaredError.with(reduction: .sumOverBatchSize)
    let targets = Tensor.varied([3, 4, 5], seed: 33)
    let (one, other) = try (
      own.weighted(targets, Self.logits, weights), squared.weighted(targets, Self.logits, weights)
    )
    #expect((one.mean - other.mean).magnitude < 1e-14 && one.weight == other.weight)
    expectClose(one.tensor, other.tensor)
  }

  @Test func blocksAddUpToTheBatch() throws {
    let whole = try Self.sparse.weighted(Self.labels, Self.logits, Self.weights())
    let tracked = Self.logits.tracked
    var (sum, weight, gradient) = (0.0, 0.0, Tensor.zeros([3, 4, 5], dtype: .float64))
    for block in [0..<1, 1..<3] {
      let targets = Self.labels[block]
      let weights = try RowWeights(
        predictions: [block.count, 4, 5], targets: targets, mask: .lengths(Array(Self.lengths[block])),
        sampleWeights: Self.sampleWeights[block], classWeights: Self.classWeights, ignoreClass: -1)
      let loss = try Self.sparse.weighted(targets, tracked[block], weights, divisor: .one)
      (sum, weight) = (sum + loss.sum, weight + loss.weight)
      gradient = gradient + loss.tensor.gradients(withRespectTo: [tracked])[0]
    }
    #expect((sum - whole.sum).magnitude < 1e-13 && (weight - whole.weight).magnitude < 1e-13)
    let wanted = Self.sparse.beingMean(Self.labels, tracked, try Self.weights())
    expectClose(gradient / weight, wanted.gradients(withRespectTo: [tracked])[0])
  }

  /// Every loss and targets for it, [3, 4, 5] or [3, 4].
  static let losses: [(loss: Loss, targets: Tensor, predictions: Tensor)] = {
    let shares = Tensor.varied([3, 4, 5], seed: 34, in: 0.05...0.9)
    let (soft, wide) = (Tensor.varied([3, 4, 5], seed: 35, in: 0.1...0.8), Tensor.varied([3, 4, 5], seed: 36))
    return [
      (sparse, labels, logits), (.sparseCategoricalCrossEntropy(ignoreClass: -1), labels, shares),
      (.categoricalCrossEntropy, soft, shares),
      (.categoricalCrossEntropy(fromLogits: true, labelSmoothing: 0.2), soft, logits),
      (.binaryCrossEntropy(labelSmoothing: 0.1), soft, shares), (.binaryCrossEntropy(fromLogits: true), soft, logits),
      (.meanSquaredError, wide, logits), (.meanAbsoluteError, wide, logits), (.huber(delta: 0.7), wide, logits),
      (Loss("element") { ($1 - $0).squared }, wide, logits),
      (Loss("row") { ($1 - $0).abs().power(3).sum(axes: [2]) }, wide, logits),
      (Loss("sequence") { ($1 - $0).squared.mean(axes: [1, 2]) }, wide, logits),
      (Loss("whole") { (($1 - $0).squared * 3).mean() }, wide, logits),
    ]
  }()

  @Test(arguments: losses.indices) func theMeanIsThatOfItsRowsOneByOne(index: Int) throws {
    let (loss, targets, predictions) = Self.losses[index]
    let weights = try Self.weights()
    var (sum, weight) = (0.0, 0.0)
    for row in 0..<weights.count where weights[row] != 0 {
      let (b, t) = (row / 4, row % 4)
      let target = targets[b..<b + 1].sliced(t..<t + 1, axis: 1)
      sum += weights[row] * loss(target, predictions[b..<b + 1].sliced(t..<t + 1, axis: 1)).item
      weight += weights[row]
    }
    let found = try loss.weighted(targets, predictions, weights)
    #expect((found.mean - sum / weight).magnitude < 1e-13 && (found.weight - weight).magnitude < 1e-13, "\(loss.name)")
    #expect((found.tensor.item - sum / weight).magnitude < 1e-13, "\(loss.name)")
    for divisor in [LossDivisor.weight, .one] {
      expectGradients(
        of: { Self.tensor(loss, targets, $0[0], weights, divisor) }, at: [predictions], "\(loss.name) \(divisor)")
    }
  }

  /// Whatever stands in rows that do not count, nothing changes, and their gradient is 0.
  @Test(arguments: losses.indices) func maskedRowsAreNeverRead(index: Int) throws {
    let (loss, targets, predictions) = Self.losses[index]
    let weights = try Self.weights()
    func poisoned(_ tensor: Tensor) -> Tensor {
      var numbers = tensor.doubles
      let width = numbers.count / weights.count
      for row in 0..<weights.count where weights[row] == 0 {
        for i in row * width..<(row + 1) * width { numbers[i] = i % 2 == 0 ? .nan : .infinity }
      }
      return Tensor(numbers, shape: tensor.shape)
    }
    let (clean, dirty) = (predictions.tracked, poisoned(predictions).tracked)
    let wanted = try loss.weighted(targets, clean, weights)
    let found = try loss.weighted(poisoned(targets), dirty, weights)
    #expect(found.sum == wanted.sum && found.sum.isFinite, "\(loss.name)")
    let gradient = found.tensor.gradients(withRespectTo: [dirty])[0]
    expectIdentical(gradient, wanted.tensor.gradients(withRespectTo: [clean])[0], loss.name)
    for row in 0..<weights.count where weights[row] == 0 {
      #expect(gradient.reshaped([12, 5])[row].doubles == [0, 0, 0, 0, 0], "\(loss.name) row \(row)")
    }
  }

  @Test(arguments: losses.indices) func nothingThatCountsIsNoLossAndNoGradient(index: Int) throws {
    let (loss, targets, predictions) = Self.losses[index]
    let tracked = predictions.tracked
    let weights = try RowWeights(predictions: [3, 4, 5], mask: .lengths([0, 0, 0]))
    for divisor in [LossDivisor.weight, .one] {
      let found = try loss.weighted(targets, tracked, weights, divisor: divisor)
      #expect(found.tensor.item == 0 && found.sum == 0 && found.weight == 0 && found.mean == 0, "\(loss.name)")
      expectIdentical(
        found.tensor.gradients(withRespectTo: [tracked])[0], .zeros([3, 4, 5], dtype: .float64), loss.name)
    }
  }

  @Test func equalWeightsChangeNothing() throws {
    for (loss, targets, predictions) in Self.losses where loss.ignoreClass == nil {
      let plain = try loss.weighted(targets, predictions, RowWeights(predictions: [3, 4, 5]))
      let doubled = try loss.weighted(
        targets, predictions, RowWeights(predictions: [3, 4, 5], sampleWeights: .full([3], 2)))
      #expect((plain.mean - doubled.mean).magnitude < 1e-14 && doubled.weight == 24, "\(loss.name)")
    }
  }

  @Test func labelsOutsideTheClassesAreRefusedWithTheirRow() throws {
    for (label, row) in [(Int32(5), 2), (-2, 3), (-1, 0)] {
      var labels = [0, 1, 2, 3] as [Int32]
      labels[row] = label
      let loss = Loss.sparseCategoricalCrossEntropy
      let error = #expect(throws: RecurraError.self) {
        try loss.weighted(Tensor(labels), .full([4, 5], 0.2), RowWeights(predictions: [4, 5]))
      }
      #expect(error?.kind == .badData && error?.got == "\(label) in row \(row)" && error?.expected == "labels in 0..<5")
    }
  }

  @Test func integerPredictionsAreFloats() throws {
    let (predictions, targets) = (
      Tensor([1, 2, 3, 4] as [Int32], shape: [2, 2]), Tensor([1, 0, 3, 1] as [Float], shape: [2, 2])
    )
    let weights = try RowWeights(predictions: [2, 2])
    let own = Loss("own") { targets, predictions in
      #expect(targets.dtype == .float32 && predictions.dtype == .float32)
      return (predictions - targets).squared
    }
    for loss in [Loss.meanSquaredError, own] {
      let found = try loss.weighted(targets, predictions, weights)
      #expect(found.mean == 3.25 && found.tensor.dtype == .float32)
      #expect(loss(targets.converted(to: .int32), predictions).item == 3.25)
    }
    #expect(
      try Loss.sparseCategoricalCrossEntropy.weighted(Tensor([1, 0] as [Int32]), predictions, weights).sum.isFinite)
  }
}

extension Loss {
  fileprivate func beingMean(_ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights) -> Tensor {
    WeightedLossTests.tensor(self, targets, predictions, weights, .weight)
  }
}
