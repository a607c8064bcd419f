import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// The further optimisers, means and schedules against Keras, made from Keras' own settings.
@Suite struct KerasOptimizerTests {
  static let all = ((try? Fixture("keras_more_optimizers").cases) ?? []).map(\.name)
  static let updates = all.filter { $0 != "all" && !$0.hasPrefix("training") }
  static let trainings = all.filter { $0.hasPrefix("training_") }

  static func optimizer(_ test: Fixture.Case) throws -> Optimizer {
    let options = try #require(test.arguments?["options"]), name = try #require(test.arguments?["optimizer"])
    var optimizer = try Optimizer(configuration: .object([("class_name", name), ("config", options)]))
    if case .array(let names)? = test.arguments?["excluded"] {
      optimizer.excludedFromWeightDecay = names.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }
    return optimizer
  }

  @Test func everyOptimizerHasACase() {
    #expect(Self.updates.count == 22 && Self.trainings.count == 26)
  }

  @Test(arguments: updates, [DType.float32, .float64]) func fiveUpdatesAreKeras(name: String, dtype: DType) throws {
    let reference = try Fixture("keras_more_optimizers")
    let optimizer = try Self.optimizer(reference[name])
    let parameters = try OptimizerTests.parameters(reference, dtype)
    let state = OptimizerState(optimizer, parameters)
    func compare(_ step: Int) throws {
      for (path, parameter) in parameters {
        expectClose(
          parameter.value.converted(to: .float32), try reference.tensor("\(name).\(path)")[step], relative: 1e-5,
          absolute: 2e-6, "\(name) \(path) step \(step)")
      }
    }
    for step in 0..<5 {
      var gradients = try OptimizerTests.gradients(reference, step, dtype)
      try state.update(&gradients) { "test" }
      try compare(step)
    }
    guard try reference.tensor("\(name).matrix").shape[0] > 5 else { return }
    state.finish()
    try compare(5)
  }

  static func trainer(_ reference: Fixture, _ optimizer: Optimizer) throws -> Trainer {
    let model = Sequential {
      LSTM(units: 4)
      Dense(units: 2)
    }
    try model.build(inputShape: [nil, 5, 3])
    try model.setWeights((0..<5).map { try reference.tensor("training.weight_\($0)") })
    return try model.compile(loss: .meanSquaredError, optimizer: optimizer)
  }

  @Test(arguments: trainings) func tenLossesAreKeras(name: String) throws {
    let reference = try Fixture("keras_more_optimizers")
    let trainer = try Self.trainer(reference, Self.optimizer(reference[name]))
    let history = try trainer.fit(
      reference.tensor("training.x"), reference.tensor("training.y"), batchSize: 7, epochs: 10, shuffle: false,
      verbose: .silent)
    let (found, wanted) = (history["loss"] ?? [], try reference.tensor("\(name).losses").doubles)
    for (step, loss) in wanted.enumerated() {
      #expect((found[step] - loss).magnitude <= 1e-4 * loss, "\(name) step \(step): \(found), not \(wanted)")
    }
  }

  /// A run that was saved in the middle of an epoch goes on to the bits of one that was not.
  @Test(arguments: trainings) func aSavedRunGoesOnToTheSameBits(name: String) throws {
    let reference = try Fixture("keras_more_optimizers")
    let (x, y) = try (reference.tensor("training.x"), reference.tensor("training.y"))
    let optimizer = try Self.optimizer(reference[name])
    let whole = try Self.trainer(reference, optimizer)
    for _ in 0..<7 { try whole.trainBatch(x, y) }
    let first = try Self.trainer(reference, optimizer)
    for _ in 0..<3 { try first.trainBatch(x, y) }
    let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try first.save(to: path)
    let second = try Trainer(contentsOf: path)
    #expect(second.optimizer == optimizer && second.learningRate == first.learningRate)
    for _ in 0..<4 { try second.trainBatch(x, y) }
    #expect(zip(second.weights, whole.weights).allSatisfy { $0.doubles == $1.doubles }, "\(name)")
  }

  @Test func settingsOutsideTheirRangeAreRefused() {
    var wrong: [Optimizer] = [
      .adadelta(rho: 1.5), .adamax(beta1: 1), .nadam(beta2: 1), .adafactor(clipThreshold: 0), .lamb(epsilon: 2),
      .lion(beta1: -0.1), .muon(momentum: 2), .ftrl(learningRatePower: 0.5), .ftrl(l1RegularizationStrength: -1),
    ]
    for change: (inout Optimizer) -> Void in [
      { $0.gradientAccumulationSteps = 1 }, { $0.emaOverwriteFrequency = 0 },
      { ($0.useEMA, $0.emaMomentum) = (true, 1.5) },
      { $0.learningRateSchedule = .exponentialDecay(initialLearningRate: 0.1, decaySteps: 0, decayRate: 0.5) },
      { $0.learningRateSchedule = .piecewiseConstantDecay(boundaries: [3], values: [1]) },
    ] {
      var optimizer = Optimizer.adam()
      change(&optimizer)
      wrong.append(optimizer)
    }
    for optimizer in wrong { #expect(throws: RecurraError.self, "\(optimizer)") { try optimizer.validate() } }
  }

  /// Weights that lie in one tensor are matrices of their own where a rule looks at them as a whole.
  @Test func statesOfPartsHaveKerasNames() throws {
    let reference = try Fixture("keras_more_optimizers")
    let trainer = try Self.trainer(reference, .adafactor())
    try trainer.trainBatch(reference.tensor("training.x"), reference.tensor("training.y"))
    let state = trainer.state.optimizer
    #expect(state["lstm/kernel/row"]?.shape == [3] && state["lstm/recurrent_kernel/row"]?.shape == [4])
    #expect(state["lstm/kernel/column"]?.shape == [16] && state["lstm/bias/velocity"]?.shape == [16])
  }
}

@Suite struct LearningRateScheduleTests {
  static let names = ((try? Fixture("keras_schedules").cases) ?? []).map(\.name)

  static func schedule(_ name: String) throws -> LearningRateSchedule {
    let test = try Fixture("keras_schedules")[name]
    let className = try #require(test.arguments?["schedule"]), options = try #require(test.arguments?["options"])
    return try LearningRateSchedule(configuration: .object([("class_name", className), ("config", options)]))
  }

  @Test func everyScheduleHasACase() { #expect(Self.names.count == 11) }

  @Test(arguments: names) func ratesAreKeras(name: String) throws {
    let (schedule, rates) = (try Self.schedule(name), try Fixture("keras_schedules").tensor("\(name).rates").doubles)
    for (step, rate) in rates.enumerated() {
      #expect((schedule(step) - rate).magnitude <= 1e-5 * max(rate, 1e-2), "\(name) step \(step)")
    }
    #expect(try LearningRateSchedule(configuration: schedule.configuration) == schedule)
  }

  @Test func aRateThatIsSetTakesTheSchedulesPlace() throws {
    let schedule = LearningRateSchedule.exponentialDecay(initialLearningRate: 0.4, decaySteps: 1, decayRate: 0.5)
    let model = Sequential { Dense(units: 1) }
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd().with(learningRate: schedule))
    #expect(trainer.learningRate == 0.4)
    try trainer.trainBatch(.ones([2, 3]), .ones([2, 1]))
    #expect(trainer.learningRate == 0.2)
    trainer.learningRate = 0.3
    try trainer.trainBatch(.ones([2, 3]), .ones([2, 1]))
    #expect(trainer.learningRate == 0.3 && trainer.optimizer.learningRateSchedule == nil)
  }

  @Test func callbacksThatSetTheRateRefuseASchedule() throws {
    let schedule = LearningRateSchedule.polynomialDecay(initialLearningRate: 0.4, decaySteps: 10)
    for callback: any Callback in [ReduceLROnPlateau(monitor: "loss"), LearningRateScheduler { _, rate in rate }] {
      let trainer = try Sequential { Dense(units: 1) }.compile(
        loss: .meanSquaredError, optimizer: .sgd().with(learningRate: schedule))
      #expect(throws: RecurraError.self) {
        try trainer.fit(.ones([2, 3]), .ones([2, 1]), callbacks: [callback], verbose: .silent)
      }
    }
  }

  @Test(arguments: [
    #"{"class_name": "Unknown", "config": {}}"#, #"{"class_name": "CosineDecay", "config": {"decay_steps": 3}}"#,
    #"{"class_name": "CosineDecay", "config": {"initial_learning_rate": 1, "decay_steps": 0}}"#,
    #"{"class_name": "CosineDecay", "config": {"initial_learning_rate": 1, "decay_steps": 3, "speed": 2}}"#,
    #"{"class_name": "PiecewiseConstantDecay", "config": {"boundaries": [3, 2], "values": [1, 2, 3]}}"#,
    #"{"class_name": "PiecewiseConstantDecay", "config": {"boundaries": ["a"], "values": [1, 2]}}"#, "[]",
  ])
  func wrongDescriptionsAreRefused(text: String) throws {
    let json = try JSONValue(parsing: Array(text.utf8))
    #expect(throws: RecurraError.self) { try LearningRateSchedule(configuration: json) }
  }
}
