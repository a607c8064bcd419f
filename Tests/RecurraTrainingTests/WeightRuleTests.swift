import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Regularisers and constraints against Keras: alone, and in the loss and the updates of a recurrent model.
@Suite struct WeightRuleTests {
  static let names = ((try? Fixture("keras_regularizers").cases) ?? []).map(\.name)
  static let regularizers = names.filter { $0.hasPrefix("regularizer_") }
  static let constraints = names.filter { $0.hasPrefix("constraint_") }
  static let trainings = names.filter { $0.hasPrefix("training_") }

  static func json(_ test: Fixture.Case) throws -> JSONValue {
    let name = try #require(test.arguments?["class_name"]), options = try #require(test.arguments?["options"])
    return .object([("class_name", name), ("config", options)])
  }

  @Test func everyRuleHasACase() {
    #expect(Self.regularizers.count == 5 && Self.constraints.count == 6 && Self.trainings.count == 3)
  }

  @Test(arguments: regularizers) func penaltiesAndGradientsAreKeras(name: String) throws {
    let reference = try Fixture("keras_regularizers")
    let regularizer = try Regularizer(json: Self.json(reference[name]))
    let matrix = try reference.tensor("all.matrix").tracked
    let penalty = regularizer(matrix)
    try expectClose(penalty, reference.tensor("\(name).penalty"), relative: 1e-5, name)
    try expectClose(
      penalty.gradients(withRespectTo: [matrix])[0], reference.tensor("\(name).grad"), relative: 1e-5, toLargest: true,
      name)
    expectGradients(of: { regularizer($0[0]) }, at: [matrix.detached.converted(to: .float64)], name)
    #expect(try Regularizer(json: regularizer.json) == regularizer)
  }

  @Test(arguments: constraints) func constrainedWeightsAreKeras(name: String) throws {
    let reference = try Fixture("keras_regularizers")
    let constraint = try Constraint(json: Self.json(reference[name]))
    try expectClose(
      constraint(reference.tensor("all.matrix")), reference.tensor("\(name).output"), relative: 1e-5, absolute: 1e-7,
      name)
    #expect(try Constraint(json: constraint.json) == constraint)
  }

  @Test(arguments: [
    ("Conv1D", #""filters": 2, "kernel_size": 2"#, "kernel"), ("Conv1D", #""filters": 2, "kernel_size": 2"#, "bias"),
    ("DepthwiseConv1D", #""kernel_size": 2"#, "depthwise"),
    ("SeparableConv1D", #""filters": 2, "kernel_size": 2"#, "depthwise"),
    ("SeparableConv1D", #""filters": 2, "kernel_size": 2"#, "pointwise"),
    ("BatchNormalization", #""momentum": 0.9"#, "gamma"), ("BatchNormalization", #""momentum": 0.9"#, "beta"),
    ("GroupNormalization", #""groups": 2"#, "gamma"), ("PReLU", #""shared_axes": [1]"#, "alpha"),
  ]) func weightsOfTheLayersAroundMayCostSomething(_ className: String, _ settings: String, _ weight: String) throws {
    func model(_ rule: String) throws -> Sequential {
      let json = #"{"class_name": "\#(className)", "config": {\#(settings)\#(rule)}}"#
      let layer = try Registry.standard.layer(from: JSONValue(parsing: Array(json.utf8)))
      let model = Sequential(seed: 4) {
        layer
        GlobalAveragePooling1D()
      }
      try model.build(inputShape: [nil, 5, 4], dtype: .float64)
      for (index, parameter) in layer.parameters.enumerated() where !parameter.isStatistic {
        parameter.value = Tensor.varied(parameter.shape, seed: 20 + index)
      }
      return model
    }
    let ruled = try model(#", "\#(weight)_regularizer": {"class_name": "L2", "config": {"l2": 0.5}}"#)
    let plain = try model("")
    let x = Tensor.varied([6, 5, 4], seed: 1)
    let y = try plain(x) + 1
    func loss(_ model: Sequential) throws -> Double {
      let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd())
      return try #require(try trainer.evaluate(x, y, verbose: .silent)["loss"])
    }
    let named = ruled.parameters.filter { $0.name == weight || $0.name == weight + "_kernel" }
    let own = try #require(named.first ?? ruled.parameters.first { $0.name == "kernel" })
    let cost = 0.5 * own.value.squared.sum().item
    let difference = try loss(ruled) - loss(plain)
    #expect(cost > 1e-4 && abs(difference - cost) < 1e-9)
  }

  /// The model of a case, with its rules from Keras' arguments.
  static func trainer(_ reference: Fixture, _ name: String) throws -> Trainer {
    var settings: [(name: String, value: JSONValue)] = [("units", .integer(4))]
    if case .object(let members)? = reference[name].arguments?["layer"] { settings += members }
    let layer = try Registry.standard.layer(
      from: .object([("class_name", .string("LSTM")), ("config", .object(settings))]))
    let model = Sequential {
      layer
      Dense(units: 2)
    }
    try model.build(inputShape: [nil, 5, 3])
    try model.setWeights((0..<5).map { try reference.tensor("training.weight_\($0)") })
    return try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1, momentum: 0.5))
  }

  static func fit(_ trainer: Trainer, _ reference: Fixture, epochs: Int = 5, blockSize: Int? = nil) throws -> History {
    let validation = try Examples(reference.tensor("training.val_x"), reference.tensor("training.val_y"))
    return try trainer.fit(
      reference.tensor("training.x"), reference.tensor("training.y"), batchSize: 4, blockSize: blockSize,
      epochs: epochs, validationData: validation, shuffle: false, verbose: .silent)
  }

  @Test(arguments: trainings) func lossesAndWeightsAreKeras(name: String) throws {
    let reference = try Fixture("keras_regularizers")
    let trainer = try Self.trainer(reference, name)
    let history = try Self.fit(trainer, reference)
    for log in ["loss", "val_loss"] {
      let (found, wanted) = (history[log] ?? [], try reference.tensor("\(name).\(log)").doubles)
      for (step, loss) in wanted.enumerated() {
        #expect((found[step] - loss).magnitude <= 1e-5 * loss, "\(name) \(log) \(step): \(found), not \(wanted)")
      }
    }
    for (index, weight) in trainer.model.weights.enumerated() {
      try expectClose(weight, reference.tensor("\(name).weight_\(index)"), relative: 1e-4, absolute: 1e-6, name)
    }
  }

  /// A penalty has its gradient once, however many blocks a batch is cut into.
  @Test(arguments: trainings) func blocksComeToTheSame(name: String) throws {
    let reference = try Fixture("keras_regularizers")
    let (whole, cut) = (try Self.trainer(reference, name), try Self.trainer(reference, name))
    let (first, second) = (try Self.fit(whole, reference), try Self.fit(cut, reference, blockSize: 2))
    for (a, b) in zip(first["loss"] ?? [], second["loss"] ?? []) { #expect((a - b).magnitude < 1e-5 * a) }
    for (a, b) in zip(whole.weights, cut.weights) { expectClose(a, b, relative: 1e-4, absolute: 1e-6, name) }
  }

  @Test(arguments: trainings) func aFileBringsTheRulesBack(name: String) throws {
    let reference = try Fixture("keras_regularizers")
    let (first, whole) = (try Self.trainer(reference, name), try Self.trainer(reference, name))
    _ = try Self.fit(first, reference, epochs: 2)
    _ = try Self.fit(whole, reference, epochs: 2)
    let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try first.save(to: path)
    let second = try Trainer(contentsOf: path)
    #expect(try Self.fit(second, reference)["val_loss"] == Self.fit(whole, reference)["val_loss"])
    #expect(zip(second.weights, whole.weights).allSatisfy { $0.doubles == $1.doubles })
  }

  /// What a layer is told by words is what a file says, in both directions of a layer too.
  @Test func wordsAndFilesAgree() throws {
    let layer = LSTM(units: 4).with(
      kernelRegularizer: .l2(0.1), recurrentRegularizer: .orthogonal(), biasConstraint: .nonNeg)
    let both = Bidirectional(layer)
    #expect(both.backwardLayer.regularizers == layer.regularizers && both.backwardLayer.constraints["bias"] == .nonNeg)
    let again = try #require(try Registry.standard.layer(from: both.json) as? Bidirectional)
    #expect(again.forwardLayer.regularizers == ["kernel": .l2(0.1), "recurrent": .orthogonal()])
    #expect(again.backwardLayer.constraints == ["bias": .nonNeg] && again.json == both.json)
    let model = Sequential { both }
    try model.build(inputShape: [nil, 5, 3])
    #expect(model.ruledWeights.count == 6)
    #expect(model.ruledWeights.map(\.rows) == [0..<3, 3..<7, nil, 0..<3, 3..<7, nil])
  }

  /// The loss with the penalty of an embedding falls along the gradient that the update used, rows of ids that never
  /// came included.
  @Test func anEmbeddingsPenaltyReachesEveryRow() throws {
    let model = Sequential {
      Embedding(inputDim: 6, outputDim: 2).with(embeddingsRegularizer: .l2(0.5))
      Flatten()
      Dense(units: 1)
    }
    let x = Tensor([1, 2, 1, 2] as [Int32]).reshaped([2, 2])
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    try model.build(inputShape: [nil, 2])
    let before = model.layers[0].weights[0]
    try trainer.trainBatch(x, .zeros([2, 1]))
    let after = model.layers[0].weights[0]
    // w − 0.1·2·0.5·w.
    expectClose(after[4], before[4] * 0.9, relative: 1e-6)
    #expect((before[1] - after[1]).doubles != (before[1] * 0.1).doubles)
  }

  @Test func ofFrozenWeightsNothingIsAsked() throws {
    let model = Sequential { Dense(units: 3).with(kernelRegularizer: .l2(1), kernelConstraint: .unitNorm()) }
    try model.build(inputShape: [nil, 2])
    model.isTrainable = false
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd())
    let (x, before) = (Tensor.varied([4, 2], seed: 1).converted(to: .float32), model.weights.map(\.doubles))
    let logs = try trainer.trainBatch(x, try model.predict(x))
    #expect(logs["loss"] == 0 && model.weights.map(\.doubles) == before)
  }

  @Test func whatCannotBeObeyedIsRefusedWithLayerAndWeight() throws {
    for (layer, word) in [
      (Dense(units: 2).with(recurrentRegularizer: .l2()), "recurrent"),
      (Dense(units: 2).with(kernelRegularizer: .l1(-1)), "kernel"),
      (Dense(units: 2).with(biasRegularizer: .orthogonal()), "bias"),
      (Dense(units: 2).with(biasConstraint: .maxNorm(1, axis: 1)), "bias"),
      (Dense(units: 2).with(kernelConstraint: .minMaxNorm(minValue: 2)), "kernel"),
    ] {
      let error = #expect(throws: RecurraError.self) { try Sequential { layer }.build(inputShape: [nil, 3]) }
      #expect(error?.kind == .badArgument && error?.description.contains(word) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("dense") == true)
    }
    // A bias that is left out may have rules, as Keras writes them.
    try Sequential { Dense(units: 2, useBias: false).with(biasRegularizer: .l1()) }.build(inputShape: [nil, 3])
    let nested = Sequential { Bidirectional(LSTM(units: 2).with(activityRegularizer: .l2())) }
    #expect(throws: RecurraError.self) { try nested.build(inputShape: [nil, 4, 3]) }
  }

  @Test(arguments: [
    #"{"kernel_regularizer": "l3"}"#, #"{"kernel_regularizer": {"class_name": "L2", "config": {"l1": 1}}}"#,
    #"{"kernel_constraint": 3}"#, #"{"kernel_constraint": {"class_name": "MaxNorm", "config": {"axis": "a"}}}"#,
  ])
  func wrongDescriptionsAreRefused(text: String) throws {
    guard case .object(let members) = try JSONValue(parsing: Array(text.utf8)) else { return }
    let json = JSONValue.object([
      ("class_name", .string("Dense")), ("config", .object([("units", .integer(2))] + members)),
    ])
    let error = #expect(throws: RecurraError.self) { try Registry.standard.layer(from: json) }
    #expect(error?.description.contains("kernel_") == true)
  }
}
