import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Every loss of tensor operations against Keras, made from Keras' own settings.
@Suite struct KerasLossTests {
  static let names = ((try? Fixture("keras_more_losses").cases) ?? []).map(\.name)

  static func loss(_ test: Fixture.Case) throws -> Loss {
    let options = try #require(test.arguments?["options"]), name = try #require(test.arguments?["loss"])
    // Keras' file leaves the axis out.
    if test.name == "cosine_first_axis" { return .cosineSimilarity(axis: 0) }
    return try Loss(configuration: .object([("class_name", name), ("config", options)]))
  }

  @Test func everyLossHasACase() {
    #expect(Self.names.count == 21)
  }

  @Test(arguments: names) func valuesAndGradientsAreKeras(name: String) throws {
    let test = try Fixture("keras_more_losses")[name]
    let loss = try Self.loss(test)
    let (targets, predictions) = try (test.required("targets"), test.required("predictions").tracked)
    let value = loss(targets, predictions)
    try expectClose(value, test.required("loss"), relative: 1e-5, name)
    try expectClose(
      value.gradients(withRespectTo: [predictions])[0], test.required("grad_predictions"), relative: 1e-5,
      toLargest: true, name)
    guard let rows = test["rows"] else { return }
    for row in rows.doubles.indices {
      let own = loss(targets[row..<row + 1], predictions.detached[row..<row + 1]).item
      #expect((own - rows.doubles[row]).magnitude <= 1e-5 * max(own.magnitude, 1e-2), "\(name) row \(row)")
    }
  }

  /// Keras divides by the number of rows, and never by the sum of weights.
  @Test(arguments: names) func weightedLossesAreKeras(name: String) throws {
    let test = try Fixture("keras_more_losses")[name]
    guard let wanted = test["weighted_loss"] else { return }
    let loss = try Self.loss(test).with(reduction: .sumOverBatchSize)
    let (targets, predictions) = try (test.required("targets"), test.required("predictions"))
    let weights = try RowWeights(
      predictions: predictions.shape, targets: targets, sampleWeights: test.required("sample_weights"))
    expectClose(try loss.weighted(targets, predictions, weights).tensor, wanted, relative: 1e-5, name)
  }

  @Test(arguments: names) func gradientsAreDerivatives(name: String) throws {
    let test = try Fixture("keras_more_losses")[name]
    let loss = try Self.loss(test)
    let (targets, shape) = try (test.required("targets"), test.required("predictions").shape)
    // Probabilities away from the limits they are clipped to, as good for numbers and logits.
    expectGradients(of: { loss(targets, $0[0]) }, at: [.varied(shape, seed: 8, in: 0.05...0.95)], name)
  }

  /// Rows that do not count are not read, and what counts has the same bits as alone.
  @Test(arguments: names) func maskedRowsAreNeverRead(name: String) throws {
    let test = try Fixture("keras_more_losses")[name]
    guard let rows = test["rows"], rows.shape == [5] else { return }
    let loss = try Self.loss(test)
    let (targets, predictions) = try (test.required("targets"), test.required("predictions"))
    var spoilt = predictions.scalars(as: Float.self)
    for i in 12..<18 { spoilt[i] = .nan }
    let tracked = Tensor(spoilt, shape: [5, 6]).tracked
    let weights = try RowWeights(
      predictions: [5, 6], targets: targets, sampleWeights: Tensor([1, 1, 0, 1, 1] as [Float]))
    let found = try loss.weighted(targets, tracked, weights)
    let single = (0..<5).filter { $0 != 2 }.map { loss(targets[$0..<$0 + 1], predictions[$0..<$0 + 1]).item }
    #expect((found.sum - single.reduce(0, +)).magnitude < 1e-6 * max(1, found.sum.magnitude))
    let gradient = found.tensor.gradients(withRespectTo: [tracked])[0].scalars(as: Float.self)
    #expect(gradient.allSatisfy(\.isFinite) && gradient[12..<18].allSatisfy { $0 == 0 }, "\(name)")
  }

  /// With a sum the step is that of the sum, in one piece and in blocks, and weights cost once.
  @Test func sumsAreNotDivided() throws {
    let (x, y) = (Tensor.varied([6, 3], seed: 3), Tensor.varied([6, 2], seed: 4))
    func run(_ reduction: Loss.Reduction, _ rate: Double, blockSize: Int? = nil) throws -> (Double, [Double]) {
      let model = Sequential(seed: 2) { Dense(units: 2).with(kernelRegularizer: .l2(0.1)) }
      try model.build(inputShape: [nil, 3], dtype: .float64)
      let trainer = try model.compile(
        loss: .meanSquaredError.with(reduction: reduction), optimizer: .sgd(learningRate: rate))
      let history = try trainer.fit(
        x, y, batchSize: 6, blockSize: blockSize, shuffle: false, verbose: .silent)
      return (history["loss"]?.first ?? .nan, trainer.weights.flatMap(\.doubles))
    }
    let (whole, blocks) = (try run(.sum, 0.01), try run(.sum, 0.01, blockSize: 2))
    let mean = try run(.meanWithSampleWeight, 0.01)
    #expect((whole.0 - blocks.0).magnitude < 1e-12 && whole.0 > mean.0)
    #expect(zip(whole.1, blocks.1).allSatisfy { ($0 - $1).magnitude < 1e-12 } && whole.1 != mean.1)
    #expect(try Loss(configuration: Loss.hinge.with(reduction: .sum).configuration).reduction == .sum)
  }

  @Test func quantilesAreWhereTheyCost() {
    let targets = Tensor([1, 2, 3, 4, 100] as [Double]).reshaped([5, 1])
    func cost(_ q: Double, _ p: Double) -> Double {
      Loss.quantile(q)(targets, .full([5, 1], p, dtype: .float64)).item
    }
    // ¾·(1 + 97)/5 + ¼·(2 + 1)/5 at 3.
    #expect((cost(0.75, 3) - (0.75 * 98 + 0.25 * 3) / 5).magnitude < 1e-12)
    #expect(cost(0.75, 4) < cost(0.75, 3) && cost(0.75, 4) < cost(0.75, 5))
    #expect(cost(0.5, 3) * 2 == Loss.meanAbsoluteError(targets, .full([5, 1], 3, dtype: .float64)).item)
  }

  @Test(arguments: names) func aFileBringsTheLossBack(name: String) throws {
    let loss = try Self.loss(Fixture("keras_more_losses")[name])
    #expect(try Loss(configuration: loss.configuration).configuration == loss.configuration)
  }

  @Test func settingsOutsideTheirRangeAreRefused() {
    for loss in [
      Loss.quantile(1), .quantile(.nan), .binaryFocalCrossEntropy(gamma: -1), .tversky(alpha: -0.1),
      .categoricalGeneralizedCrossEntropy(q: 0), .categoricalFocalCrossEntropy(labelSmoothing: 1.1),
    ] {
      #expect(throws: RecurraError.self, "\(loss.name)") { try loss.validate() }
    }
  }

  @Test(arguments: ["mape", "msle", "logcosh", "kld", "kullback_leibler_divergence", "KLDivergence", "LogCosh"])
  func shortNamesAndClassNamesAreKnown(name: String) throws {
    #expect(try Loss.names.contains(Loss(configuration: .string(name)).name))
  }
}

extension Loss {
  fileprivate static let names: Set<String> = [
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh", "kl_divergence",
  ]
}
