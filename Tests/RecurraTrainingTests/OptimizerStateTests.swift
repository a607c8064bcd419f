import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct OptimizerStateTests {
  static func export(_ state: OptimizerState) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: state.exported().map { ($0.name, $0.value) })
  }

  static func parameters(_ dtype: DType = .float32) -> [(path: String, parameter: Parameter)] {
    [("a/kernel", [3, 5]), ("a/bias", [7]), ("b/kernel", [2, 9])].enumerated().map { index, each in
      (each.0, Parameter(each.0, .varied(each.1, seed: 40 + index, dtype: dtype)))
    }
  }

  static func gradients(of state: OptimizerState, seed: Int, times factor: Double = 1) -> [Gradient] {
    state.parameters.enumerated().map { index, parameter in
      .dense(.varied(parameter.shape, seed: 100 * seed + index, dtype: parameter.dtype) * factor)
    }
  }

  @Test(arguments: [Optimizer.Clipping.none, .value(0.3), .norm(0.7), .globalNorm(0.9)], [DType.float32, .float64])
  func aSumWithItsScaleIsTheMean(clipping: Optimizer.Clipping, dtype: DType) throws {
    // A power of two, so that the sum is exact and its mean the same to the bit.
    let states = (0..<2).map { _ in OptimizerState(.adam(learningRate: 0.1, clipping: clipping), Self.parameters(dtype))
    }
    for step in 0..<3 {
      var means = Self.gradients(of: states[0], seed: step)
      var sums = Self.gradients(of: states[1], seed: step, times: 8)
      try states[0].update(&means) { "mean" }
      try states[1].update(&sums, scale: 0.125) { "sum" }
    }
    for (one, other) in zip(states[0].parameters, states[1].parameters) {
      expectClose(other.value, one.value, relative: dtype == .float32 ? 1e-6 : 1e-14)
    }
  }

  @Test func aScaleThatMakesAGradientInfiniteChangesNothing() throws {
    let state = OptimizerState(.sgd(), Self.parameters(.float64))
    let before = state.parameters.map(\.value)
    var gradients = Self.gradients(of: state, seed: 1, times: 1e150)
    let error = #expect(throws: RecurraError.self) { try state.update(&gradients, scale: 1e10) { "fit" } }
    #expect(error?.kind == .notFinite)
    for (one, other) in zip(state.parameters, before) { expectIdentical(one.value, other) }
  }

  @Test func gradientsOfOtherParametersAreRefused() throws {
    let state = OptimizerState(.sgd(), Self.parameters())
    var gradients = Array(Self.gradients(of: state, seed: 1).dropLast())
    let error = #expect(throws: RecurraError.self) { try state.update(&gradients) { "fit" } }
    #expect(error?.got == "2" && state.step == 0)
  }

  @Test func aStateOfAnotherModelOrOptimizerIsRefusedAndChangesNothing() throws {
    let state = OptimizerState(.adam(learningRate: 0.5), Self.parameters())
    var gradients = Self.gradients(of: state, seed: 1)
    try state.update(&gradients) { "test" }
    let good = Self.export(state)
    func changed(_ name: String, _ value: Tensor?) -> [String: Tensor] {
      var result = good
      result[name] = value
      return result
    }
    func number(_ value: Double) -> Tensor { Tensor(value, dtype: .float64) }
    let cases: [(given: [String: Tensor], word: String)] = [
      ([:], "iteration"), (changed("iteration", nil), "iteration"), (changed("iteration", number(-1)), "-1"),
      (changed("iteration", number(.nan)), "nan"), (changed("iteration", number(1.5)), "1.5"),
      (changed("iteration", number(1e300)), "1e+300"), (changed("iteration", .zeros([2], dtype: .float64)), "[2]"),
      (changed("iteration", Tensor(1, dtype: .int32)), "int32"), (changed("learning_rate", number(.infinity)), "inf"),
      (changed("learning_rate", number(-0.5)), "-0.5"), (changed("a/bias/velocity", nil), "a/bias/velocity"),
      (changed("a/bias/velocity", .zeros([8])), "[8]"),
      (changed("a/bias/velocity", .zeros([7], dtype: .float64)), "float64"),
      (changed("a/bias/velocity_hat", .zeros([7])), "a/bias/velocity_hat"),
      (changed("a/bias/iteration", number(2)), "2"), (changed("c/kernel/momentum", .zeros([1])), "c/kernel/momentum"),
      (Self.export(OptimizerState(.sgd(), Self.parameters())), "momentum"),
      (Self.export(OptimizerState(.adam(amsgrad: true), Self.parameters())), "velocity_hat"),
      (Self.export(OptimizerState(.adam(), Array(Self.parameters().dropLast()))), "b/kernel/momentum"),
    ]
    for (given, word) in cases {
      let error = #expect(throws: RecurraError.self) { try state.restore(given) }
      #expect(error?.kind == .badFile && error?.description.contains(word) == true, "\(error?.description ?? word)")
    }
    let after = Self.export(state)
    #expect(after.keys == good.keys && state.step == 1 && state.optimizer.learningRate == 0.5)
    for (name, value) in good { expectIdentical(try #require(after[name]), value, name) }
    try state.restore(good)
  }

  @Test func aParameterThatIsNotFiniteIsFound() throws {
    for dtype in [DType.float32, .float64] {
      let parameters = Self.parameters(dtype)
      let state = OptimizerState(.sgd(), parameters)
      #expect(state.firstNonFiniteParameter() == nil)
      // Large is not infinite, in the first, in the last place and where nothing is trained.
      parameters[1].parameter.value = .full([7], dtype == .float32 ? 3e38 : 1e308, dtype: dtype)
      #expect(state.firstNonFiniteParameter() == nil)
      for (index, place, bad) in [(0, 0, Double.nan), (1, 6, .infinity), (2, 17, -.infinity)] {
        let parameter = parameters[index].parameter
        let good = parameter.value
        var numbers = good.doubles
        numbers[place] = bad
        parameter.value = Tensor(numbers, shape: good.shape).converted(to: dtype)
        parameter.isTrainable = index != 2
        #expect(state.firstNonFiniteParameter() == parameters[index].path)
        parameter.value = good
      }
    }
  }

  @Test(arguments: [-1, .nan, .infinity]) func aLearningRateOutsideItsRangeEndsTheNextStep(rate: Double) throws {
    let trainer = try ToyData.trainer()
    try trainer.trainBatch(ToyData.x, ToyData.labels)
    let before = trainer.weights
    trainer.learningRate = rate
    let error = #expect(throws: RecurraError.self) { try trainer.trainBatch(ToyData.x, ToyData.labels) }
    #expect(error?.kind == .badArgument && error?.operation == "trainBatch, adam")
    #expect(error?.expected == "a finite learning rate of 0 or more")
    for (one, other) in zip(trainer.weights, before) { expectIdentical(one, other) }
    trainer.learningRate = 0.01
    try trainer.trainBatch(ToyData.x, ToyData.labels)
  }

  @Test func aRateSetBeforeTheModelIsBuiltIsTheRateOfTheFirstStep() throws {
    let (early, late) = (
      try ToyData.trainer(optimizer: .sgd(learningRate: 1)), try ToyData.trainer(optimizer: .sgd(learningRate: 0.25))
    )
    early.learningRate = 0.25
    #expect(early.learningRate == 0.25)
    for trainer in [early, late] { try trainer.trainBatch(ToyData.x, ToyData.labels) }
    for (one, other) in zip(early.weights, late.weights) { expectIdentical(one, other) }
    #expect(early.weights[0].doubles != ToyData.classifier().weights.first?.doubles)
  }
}
