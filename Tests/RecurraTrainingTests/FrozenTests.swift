import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// A rule that keeps no moments and counts its updates.
private struct Decline: OptimizerRule {
  static let name = "decline"
  var configuration: [String: JSONValue] { [:] }
  var moments: [Moment] { [] }

  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
  func update(
    _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int
  ) {
    weights = weights - gradient * (learningRate / Double(step))
  }
}

/// Parameters that are not trained, from the beginning or for a while.
@Suite struct FrozenTests {
  static let optimizers: [Optimizer] = [
    .sgd(momentum: 0.9), .rmsprop(momentum: 0.5, centered: true), .adam(amsgrad: true), .adamW(), .adagrad(),
    Optimizer(OwnAdam(), weightDecay: 0.1), Optimizer(Decline(), learningRate: 0.5),
  ]

  static func trainer(_ optimizer: Optimizer) throws -> Trainer {
    let trainer = try ToyData.trainer(optimizer: optimizer)
    _ = try trainer.predict(ToyData.x)
    return trainer
  }

  static func freeze(_ trainer: Trainer, _ isFrozen: Bool = true) {
    for parameter in trainer.model.layers[0].parameters { parameter.isTrainable = !isFrozen }
  }

  static func step(_ trainer: Trainer, times: Int = 1) throws {
    for _ in 0..<times { try trainer.trainBatch(ToyData.x, ToyData.labels) }
  }

  @Test(arguments: optimizers) func oneFrozenInBetweenStandsStill(optimizer: Optimizer) throws {
    let trainer = try Self.trainer(optimizer)
    try Self.step(trainer, times: 3)
    Self.freeze(trainer)
    let before = trainer.weights
    try Self.step(trainer, times: 2)
    // No momentum, no decay.
    for i in 0..<2 { expectIdentical(trainer.weights[i], before[i], "\(optimizer.name) \(i)") }
    for i in 2..<4 { #expect(trainer.weights[i].doubles != before[i].doubles) }
    Self.freeze(trainer, false)
    try Self.step(trainer)
    for i in 0..<4 { #expect(trainer.weights[i].doubles != before[i].doubles) }
  }

  @Test(arguments: optimizers) func oneFrozenFromTheStartHasNoMoments(optimizer: Optimizer) throws {
    let trainer = try Self.trainer(optimizer)
    Self.freeze(trainer)
    try Self.step(trainer, times: 2)
    func names() -> [String] { trainer.state.optimizer.keys.sorted() }
    #expect(!names().contains { $0.hasPrefix("dense/") })
    #expect(names().contains { $0.hasPrefix("dense_1/") } == !optimizer.moments.isEmpty)
    let counted = try #require(trainer.optimizerVariableCount)
    #expect(counted == 2 + optimizer.moments.count * (7 * 3 + 3))
    Self.freeze(trainer, false)
    try Self.step(trainer)
    for moment in optimizer.moments { #expect(names().contains("dense/kernel/\(moment.name)")) }
  }

  @Test(arguments: [Optimizer.adam(learningRate: 0.1), Optimizer(OwnAdam(), learningRate: 0.1)])
  func oneThatIsTrainedLateTakesTheStepsOfAFreshOne(optimizer: Optimizer) throws {
    // Two lone parameters with the same gradients, one of them frozen for the first three updates.
    func parameter() -> Parameter { Parameter("w", .varied([5], seed: 3)) }
    let (late, fresh, other) = (parameter(), parameter(), parameter())
    let state = OptimizerState(optimizer, [("late", late), ("other", other)])
    let reference = OptimizerState(optimizer, [("fresh", fresh)])
    func gradient(_ step: Int) -> Gradient { .dense(.varied([5], seed: 10 + step)) }
    late.isTrainable = false
    for step in 0..<3 {
      var gradients = [gradient(step)]
      try state.update(&gradients) { "test" }
    }
    late.isTrainable = true
    for step in 3..<6 {
      var (both, alone) = ([gradient(step), gradient(step)], [gradient(step)])
      try state.update(&both) { "test" }
      try reference.update(&alone) { "test" }
      expectIdentical(late.value, fresh.value, "step \(step)")
    }
    #expect(state.step == 6)
  }

  @Test func frozenGradientsDoNotCountInACommonNorm() throws {
    func parameters() -> [(path: String, parameter: Parameter)] {
      [("a", Parameter("a", .zeros([2], dtype: .float64))), ("b", Parameter("b", .zeros([1], dtype: .float64)))]
    }
    let both = parameters()
    let state = OptimizerState(.sgd(learningRate: 1, clipping: .globalNorm(1)), both)
    both[0].parameter.isTrainable = false
    var gradients = [Gradient.dense(Tensor([0.5]))]
    try state.update(&gradients) { "test" }
    #expect(both[1].parameter.value.doubles == [-0.5] && both[0].parameter.value.doubles == [0, 0])
  }

  @Test func oneWithoutMomentsKeepsItsCountWhileItIsFrozen() throws {
    func state() -> (OptimizerState, Parameter) {
      let parameter = Parameter("w", .varied([5], seed: 3))
      return (OptimizerState(Optimizer(Decline(), learningRate: 0.5), [("w", parameter)]), parameter)
    }
    func step(_ state: OptimizerState) throws {
      var gradients = [Gradient.dense(.varied([5], seed: 4))]
      try state.update(&gradients) { "test" }
    }
    let ((whole, one), (again, other)) = (state(), state())
    for _ in 0..<3 { try step(whole) }
    one.isTrainable = false
    other.isTrainable = false
    other.value = one.value
    try again.restore(Dictionary(uniqueKeysWithValues: whole.exported().map { ($0.name, $0.value) }))
    for (state, parameter) in [(whole, one), (again, other)] {
      parameter.isTrainable = true
      try step(state)
    }
    expectIdentical(one.value, other.value)
  }

  @Test(arguments: optimizers, 0...8) func aStateWithFrozenOnesComesBack(optimizer: Optimizer, broken: Int) throws {
    // Frozen from the start, trained, frozen again, trained again; the state is taken at every point of it.
    let plan: [Bool] = [true, true, false, false, true, true, false, false]
    func run(_ trainer: Trainer, _ steps: Range<Int>) throws {
      for step in steps {
        Self.freeze(trainer, plan[step])
        try Self.step(trainer)
      }
    }
    let (whole, first, second) = (
      try Self.trainer(optimizer), try Self.trainer(optimizer), try Self.trainer(optimizer)
    )
    try run(whole, 0..<8)
    try run(first, 0..<broken)
    if broken == 0 { Self.freeze(first) }
    Self.freeze(second, broken == 0 || plan[broken - 1])
    second.weights = first.weights
    let state = first.state
    try second.restore(state)
    #expect(second.state.optimizer.keys.sorted() == state.optimizer.keys.sorted())
    try run(second, broken..<8)
    for (one, other) in zip(whole.weights, second.weights) { expectIdentical(one, other, optimizer.name) }
  }
}
