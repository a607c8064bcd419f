import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Metrics as weighted means over what counts, one's own too.
@Suite struct WeightedMetricTests {
  /// B 2, T 3, C 3: the right class is the largest at rows 0, 2, 3.
  static let predictions = Tensor(
    [0.1, 0.7, 0.2, 0.5, 0.3, 0.2, 0.2, 0.2, 0.6, 0.4, 0.3, 0.3, 0.1, 0.8, 0.1, 0.3, 0.3, 0.4] as [Double],
    shape: [2, 3, 3])
  static let labels = Tensor([1, 2, 2, 0, 0, 1] as [Int32], shape: [2, 3])
  static let oneHot = Tensor(
    [0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0] as [Double], shape: [2, 3, 3])
  static let sampleWeights = Tensor([1, 2, 4, 8, 16, 32] as [Double], shape: [2, 3])

  static func value(
    _ metric: Metric, _ targets: Tensor, _ predictions: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil,
    ignoreClass: Int? = nil
  ) throws -> Double {
    let weights = try RowWeights(
      predictions: predictions.shape, targets: targets, mask: lengths.map { .lengths($0) } ?? .all,
      sampleWeights: sampleWeights,
      ignoreClass: ignoreClass)
    return try metric.weighted(targets, predictions, weights).mean
  }

  @Test func accuraciesWeighTheirRows() throws {
    for metric in [Metric.accuracy, .sparseCategoricalAccuracy] {
      #expect(try Self.value(metric, Self.labels, Self.predictions) == 3.0 / 6)
      #expect(try Self.value(metric, Self.labels, Self.predictions, sampleWeights: Self.sampleWeights) == 13.0 / 63)
      #expect(try Self.value(metric, Self.labels, Self.predictions, lengths: [3, 1]) == 3.0 / 4)
      #expect(
        try Self.value(metric, Self.labels, Self.predictions, lengths: [1, 3], sampleWeights: Self.sampleWeights)
          == 9.0 / 57)
      #expect(try Self.value(metric, Self.labels, Self.predictions, ignoreClass: 2) == 2.0 / 4)
    }
    for metric in [Metric.accuracy, .categoricalAccuracy] {
      #expect(try Self.value(metric, Self.oneHot, Self.predictions, sampleWeights: Self.sampleWeights) == 13.0 / 63)
    }
  }

  /// Three of four answers are right, so that the share of wrong ones is another.
  @Test func categoricalAccuracyIsTheShareOfRightAnswers() throws {
    let predictions = Self.predictions.reshaped([6, 3])[0..<4]
    #expect(try Self.value(.categoricalAccuracy, Self.oneHot.reshaped([6, 3])[0..<4], predictions) == 0.75)
    #expect(try Self.value(.accuracy, Self.oneHot.reshaped([6, 3])[0..<4], predictions) == 0.75)
  }

  @Test func binaryAccuracyIsTheShareOfRightElements() throws {
    let predictions = Tensor([0.2, 0.8, 0.5, 0.9, 0.6, 0.1] as [Float], shape: [2, 3])
    let targets = Tensor([0, 1, 0, 0, 1, 0] as [Float], shape: [2, 3])
    #expect(try Self.value(.binaryAccuracy, targets, predictions) == (1 + 2.0 / 3) / 2)
    #expect(
      try Self.value(.binaryAccuracy, targets, predictions, sampleWeights: Tensor([3, 1] as [Float]))
        == (3 + 2.0 / 3) / 4)
    // One prediction to a row, and one to an element.
    let flat = predictions.reshaped([6])
    #expect(try Self.value(.accuracy, targets.reshaped([6]), flat.reshaped([6, 1])) == 5.0 / 6)
    #expect(try Self.value(.accuracy, targets.reshaped([6]), flat) == 5.0 / 6)
  }

  /// A metric that a caller wrote, in each form its values may have.
  static let own: [Metric] = [
    Metric("element") { ($1 - $0).abs() }, Metric("row") { ($1 - $0).abs().mean(axes: [2]) },
    Metric("kept row") { ($1 - $0).abs().mean(axes: [2], keepingDimensions: true) },
    Metric("sequence") { ($1 - $0).abs().mean(axes: [1, 2]) }, Metric("whole") { ($1 - $0).abs().mean() },
  ]

  @Test(arguments: own.indices) func onesOwnIsTheSameMeanWhateverItsForm(index: Int) throws {
    let metric = Self.own[index]
    for (lengths, sampleWeights) in [
      (nil, nil), ([3, 1], nil), ([0, 2], nil), (nil, Self.sampleWeights), ([2, 3], Self.sampleWeights),
      (nil, Tensor([3, 5] as [Float])), ([1, 2], Tensor([3, 5] as [Float])),
    ] as [([Int]?, Tensor?)] {
      let found = try Self.value(
        metric, Self.oneHot, Self.predictions, lengths: lengths, sampleWeights: sampleWeights)
      let wanted = try Self.value(
        .meanAbsoluteError, Self.oneHot, Self.predictions, lengths: lengths, sampleWeights: sampleWeights)
      #expect((found - wanted).magnitude < 1e-14, "\(metric.name) \(String(describing: lengths))")
    }
  }

  /// Batches with much padding weigh no more than what counts in them.
  @Test(arguments: own.indices) func theMeanDoesNotDependOnTheBatch(index: Int) throws {
    let metric = Self.own[index]
    let lengths = [3, 1]
    let whole = try Self.value(metric, Self.oneHot, Self.predictions, lengths: lengths)
    var sum = WeightedSum()
    for row in 0..<2 {
      let (targets, predictions) = (Self.oneHot[row..<row + 1], Self.predictions[row..<row + 1])
      sum += try metric.weighted(
        targets, predictions, RowWeights(predictions: predictions.shape, mask: .lengths([lengths[row]])))
    }
    #expect(sum.weight == 4 && (sum.mean - whole).magnitude < 1e-14, "\(metric.name)")
  }

  @Test func timestepsOfFourAxesAreMasked() throws {
    // B 2, T 3, two rows of four to a timestep.
    let (targets, predictions) = (Tensor.varied([2, 3, 2, 4], seed: 41), Tensor.varied([2, 3, 2, 4], seed: 42))
    let valid = [(0, 0), (1, 0), (1, 1)]
    let wanted =
      valid.map { (predictions[$0.0][$0.1] - targets[$0.0][$0.1]).abs().mean().item }.reduce(0, +) / 3
    let own: [Metric] = [
      .meanAbsoluteError, Metric("element") { ($1 - $0).abs() }, Metric("row") { ($1 - $0).abs().mean(axes: [3]) },
      Metric("timestep") { ($1 - $0).abs().mean(axes: [2, 3]) },
      Metric("sequence") { ($1 - $0).abs().mean(axes: [1, 2, 3]) }, Metric("whole") { ($1 - $0).abs().mean() },
    ]
    for metric in own {
      let found = try Self.value(metric, targets, predictions, lengths: [1, 2])
      #expect((found - wanted).magnitude < 1e-14, "\(metric.name)")
    }
  }

  @Test func targetsOfIntegersComeInThePredictionsType() throws {
    let metric = Metric("own") { targets, predictions in
      #expect(targets.dtype == .float32 && targets.shape == [3, 1])
      return (predictions - targets).abs()
    }
    let predictions = Tensor([1.5, 2, 4] as [Float], shape: [3, 1])
    #expect(try Self.value(metric, Tensor([1, 2, 3] as [Int32]), predictions) == 0.5)
    let hits = Metric("hits") { $1.isEqual(to: $0) }
    let share = try Self.value(hits, Tensor([1, 2, 4] as [Int32]), predictions)
    #expect((share - 2.0 / 3).magnitude < 1e-7)
  }

  @Test func predictionsOfIntegersAreFloats() throws {
    let predictions = Tensor([0, 3, 1, 2, 5, 4] as [Int32], shape: [2, 3])
    #expect(try Self.value(.accuracy, Tensor([1, 2] as [Int32]), predictions) == 0.5)
    #expect(try Self.value(.meanAbsoluteError, predictions, predictions + predictions.matching(1)) == 1)
    #expect(try Self.value(Metric("own") { $1 - $0 }, predictions, predictions) == 0)
  }

  @Test func whatDoesNotFitIsRefused() {
    for (metric, targets) in [
      (Metric.sparseCategoricalAccuracy, Self.oneHot), (.categoricalAccuracy, Self.labels),
      (.meanSquaredError, Self.labels), (.binaryAccuracy, Self.labels), (.accuracy, Tensor.zeros([3, 2])),
    ] {
      let error = #expect(throws: RecurraError.self) { try Self.value(metric, targets, Self.predictions) }
      #expect(error?.kind == .badData && error?.got == "shape \(targets.shape)", "\(metric.name)")
    }
    // Six rows: five numbers are too few, and seven belong to none of them.
    for count in [5, 7, 13] {
      let own = Metric("own") { _, _ in .ones([count]) }
      let error = #expect(throws: RecurraError.self) {
        try Self.value(own, Self.labels, Self.predictions, lengths: [1, 2])
      }
      #expect(error?.operation == "own" && error?.got == "shape [\(count)]")
    }
  }

  @Test func sumsAddUp() {
    var sum = WeightedSum(sum: 3, weight: 4)
    #expect(sum.mean == 0.75)
    sum += WeightedSum(sum: 2, weight: 1)
    #expect(sum == WeightedSum(sum: 5, weight: 5) && WeightedSum() + sum == sum)
    #expect(WeightedSum(sum: sum.sum, weight: sum.weight) == sum)
  }
}
