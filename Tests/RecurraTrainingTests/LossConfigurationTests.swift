import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Losses and metrics come back from what a file says of them.
@Suite struct LossConfigurationTests {
  static let losses: [Loss] = [
    .sparseCategoricalCrossEntropy, .sparseCategoricalCrossEntropy(fromLogits: true, ignoreClass: -100),
    .sparseCategoricalCrossEntropy(ignoreClass: 2).with(reduction: .sumOverBatchSize), .categoricalCrossEntropy,
    .categoricalCrossEntropy(fromLogits: true, labelSmoothing: 0.125),
    .categoricalCrossEntropy(labelSmoothing: 0.3).with(reduction: .sumOverBatchSize), .binaryCrossEntropy,
    .binaryCrossEntropy(fromLogits: true, labelSmoothing: 0.25), .meanSquaredError,
    .meanSquaredError.with(reduction: .sumOverBatchSize), .meanAbsoluteError, .huber(), .huber(delta: 0.375),
  ]

  static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  @Test(arguments: losses.indices) func aLossComesBackWithItsSettings(index: Int) throws {
    let loss = Self.losses[index]
    let back = try Loss(configuration: loss.configuration)
    #expect(back.configuration == loss.configuration && back.name == loss.name && back.reduction == loss.reduction)
    #expect(back.ignoreClass == loss.ignoreClass)
    // The same number for weights, labels and predictions that every setting has its part in.
    let predictions = Tensor.varied([3, 4], seed: 71, in: 0.1...0.9)
    let targets =
      loss.name.hasPrefix("sparse") ? Tensor([2, 0, 3] as [Int32]) : .varied([3, 4], seed: 72, in: 0...1)
    let weights = try RowWeights(
      predictions: [3, 4], targets: targets, sampleWeights: Tensor([1, 3, 0.5] as [Double]),
      ignoreClass: loss.ignoreClass)
    expectIdentical(
      try back.weighted(targets, predictions, weights).tensor, try loss.weighted(targets, predictions, weights).tensor)
    // No two of them are alike, so nothing is lost on the way.
    for other in Self.losses.indices where other != index {
      #expect(Self.losses[other].configuration != loss.configuration)
    }
  }

  @Test func theFormIsKeras() throws {
    #expect(
      Loss.sparseCategoricalCrossEntropy(ignoreClass: -1).configuration
        == (try Self.json(
          """
          {"class_name": "sparse_categorical_crossentropy", "config":
            {"from_logits": false, "ignore_class": -1, "reduction": "mean_with_sample_weight"}}
          """)))
    #expect(
      Loss.huber(delta: 2.5).with(reduction: .sumOverBatchSize).configuration
        == (try Self.json(
          #"{"class_name": "huber", "config": {"delta": 2.5, "reduction": "sum_over_batch_size"}}"#)))
    #expect(
      Metric.meanSquaredError.configuration
        == (try Self.json(#"{"class_name": "mean_squared_error", "config": {"name": "mean_squared_error"}}"#)))
  }

  @Test func kerasOwnFormsAreRead() throws {
    let sparse = try Loss(
      configuration: Self.json(
        """
        {"module": "keras.losses", "class_name": "SparseCategoricalCrossentropy", "config":
          {"name": "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true,
           "ignore_class": null, "axis": -1, "dtype": "float32"}, "registered_name": null}
        """))
    #expect(
      sparse.configuration
        == Loss.sparseCategoricalCrossEntropy(fromLogits: true).with(reduction: .sumOverBatchSize).configuration)
    let binary = try Loss(
      configuration: Self.json(#"{"class_name": "BinaryCrossentropy", "config": {"label_smoothing": 1}}"#))
    #expect(binary.configuration == Loss.binaryCrossEntropy(labelSmoothing: 1).configuration)
    for name in [#""mse""#, #""mean_squared_error""#, #"{"class_name": "MeanSquaredError"}"#, #""MeanSquaredError""#] {
      #expect(try Loss(configuration: Self.json(name)).configuration == Loss.meanSquaredError.configuration)
    }
    let metric = try Metric(
      configuration: Self.json(
        #"{"class_name": "SparseCategoricalAccuracy", "config": {"name": "hits", "dtype": "float32"}}"#))
    #expect(metric.name == "hits" && metric.configuration["class_name"] == .string("sparse_categorical_accuracy"))
  }

  @Test func whatIsWrongIsNamed() throws {
    func expect(_ text: String, _ words: String...) throws {
      let json = try Self.json(text)
      let error = #expect(throws: RecurraError.self) { _ = try Loss(configuration: json) }
      #expect(error?.kind == .badArgument)
      for word in words { #expect(error?.description.contains(word) == true, "\(String(describing: error))") }
    }
    try expect(#""cross""#, "sparse_categorical_crossentropy", #"got "cross""#)
    try expect("3", "class_name")
    try expect(#"{"config": {}}"#, "class_name")
    try expect(#"{"class_name": "huber", "config": [1]}"#, "config", "an object")
    try expect(#"{"class_name": "huber", "config": {"delta": -1}}"#, "delta above 0", "-1")
    try expect(#"{"class_name": "huber", "config": {"slope": 1}}"#, "slope")
    try expect(#"{"class_name": "huber", "config": {"delta": "x"}}"#, "delta", "x")
    try expect(#"{"class_name": "huber", "config": {"reduction": "all"}}"#, "reduction", "sum_over_batch_size", "all")
    try expect(#"{"class_name": "mse", "config": {"from_logits": true}}"#, "from_logits")
    try expect(#"{"class_name": "binary_crossentropy", "config": {"axis": 1}}"#, "axis", "-1")
    try expect(#"{"class_name": "binary_crossentropy", "config": {"label_smoothing": 1.5}}"#, "label smoothing", "1.5")
    try expect(
      #"{"class_name": "sparse_categorical_crossentropy", "config": {"ignore_class": 0.5}}"#, "ignore_class", "0.5")
    let json = try Self.json(#"{"class_name": "mse", "config": {"threshold": 1}}"#)
    #expect(throws: RecurraError.self) { _ = try Metric(configuration: json) }
    #expect(throws: RecurraError.self) { _ = try Metric(configuration: .string("f1")) }
  }

  @Test func onesOwnComesBackThroughTheRegistry() throws {
    let own = Loss("cubic") { ($1 - $0).abs().power(3) }.with(reduction: .sumOverBatchSize)
    #expect(own.configuration["registered_name"] == .string("cubic"))
    let registry = Registry.standard.adding(Loss("cubic") { ($1 - $0).abs().power(3) })
    let back = try Loss(configuration: own.configuration, registry: registry)
    #expect(back.configuration == own.configuration && back.reduction == .sumOverBatchSize)
    let (targets, predictions) = (Tensor.varied([3, 4], seed: 73), Tensor.varied([3, 4], seed: 74))
    expectIdentical(back(targets, predictions), own(targets, predictions))
    let error = #expect(throws: RecurraError.self) { _ = try Loss(configuration: own.configuration) }
    #expect(error?.kind == .badArgument && error?.expected.contains("loss \"cubic\"") == true)

    // A name is taken as it is, in capitals too.
    let capital = Loss("OwnLoss") { ($1 - $0).squared }
    let known = try Loss(configuration: capital.configuration, registry: Registry.standard.adding(capital))
    #expect(known.name == "OwnLoss" && known.configuration == capital.configuration)

    let metric = Metric("largest") { $1.max(axes: [1]) }
    #expect(throws: RecurraError.self) { _ = try Metric(configuration: metric.configuration) }
    let found = try Metric(configuration: metric.configuration, registry: Registry.standard.adding(metric))
    #expect(found.name == "largest" && found.configuration == metric.configuration)
    // A metric is no loss, though the names are the same.
    #expect(throws: RecurraError.self) {
      _ = try Loss(configuration: .string("largest"), registry: Registry.standard.adding(metric))
    }
  }

  /// One's own named like a built-in one is never taken for it.
  @Test func aNameOfABuiltInLossIsNotMistaken() throws {
    let own = Loss("mean_squared_error") { ($1 - $0).abs() }
    #expect(throws: RecurraError.self) { _ = try Loss(configuration: own.configuration) }
    let registry = Registry.standard.adding(own)
    for configuration in [own.configuration, .string("mean_squared_error")] {
      let back = try Loss(configuration: configuration, registry: registry)
      #expect(back(Tensor([1] as [Float]), Tensor([4] as [Float])).item == 3)
    }
    let metric = Metric("accuracy") { $1 - $0 }
    #expect(throws: RecurraError.self) { _ = try Metric(configuration: metric.configuration) }
  }

  static let metrics: [Metric] = [
    .accuracy, .sparseCategoricalAccuracy, .categoricalAccuracy, .binaryAccuracy, .meanSquaredError, .meanAbsoluteError,
  ]

  @Test func metricsComeBackWithTheirNames() throws {
    for metric in try Self.metrics + [Metric(named: "mse"), Metric(named: "acc")] {
      let back = try Metric(configuration: metric.configuration)
      #expect(back.name == metric.name && back.configuration == metric.configuration)
      let (targets, predictions) = (
        Tensor.varied([4, 1], seed: 75, in: 0...1), Tensor.varied([4, 1], seed: 76, in: 0...1)
      )
      guard metric.name != "sparse_categorical_accuracy" else { continue }
      let weights = try RowWeights(predictions: [4, 1])
      #expect(
        try back.weighted(targets, predictions, weights) == (try metric.weighted(targets, predictions, weights)))
    }
    for name in ["mse", "acc", "mean_squared_error"] {
      #expect(try Metric(configuration: .string(name)).name == name)
      #expect(try Metric(configuration: .object([("class_name", .string(name))])).name == name)
    }
    #expect(Set(Self.metrics.map { "\($0.configuration)" }).count == Self.metrics.count)
  }
}
