import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Adam written in tensor operations, as a user would.
struct OwnAdam: OptimizerRule {
  static let name = "own_adam"
  var beta = 0.9

  var configuration: [String: JSONValue] { ["beta": .number(beta)] }
  var moments: [Moment] { [Moment("mean"), Moment("square", initialValue: 0)] }

  init(beta: Double = 0.9) { self.beta = beta }
  init(configuration: LayerArguments) throws(RecurraError) {
    beta = try configuration.number("beta", default: beta, in: 0...1)
  }

  func update(
    _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int
  ) {
    moments["mean"] = moments["mean"] + (gradient - moments["mean"]) * (1 - beta)
    moments["square"] = moments["square"] + (gradient.squared - moments["square"]) * (1 - 0.999)
    let (first, second) = (1 - power(beta, step), 1 - power(0.999, step))
    let size = learningRate * second.squareRoot() / first
    weights = weights - moments["mean"] * size / (moments["square"].sqrt() + 1e-7)
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}

@Suite struct OwnOptimizerTests {
  static let clippings: [Optimizer.Clipping] = [.none, .value(0.3), .norm(0.8), .globalNorm(1.2)]

  @Test(arguments: clippings, [DType.float32, .float64])
  func oneWrittenInTensorsFollowsTheBuiltInOne(clipping: Optimizer.Clipping, dtype: DType) throws {
    let reference = try Fixture("keras_optimizers")
    let own = Optimizer(OwnAdam(), learningRate: 0.03, weightDecay: 0.2, clipping: clipping)
    let states = try [own, .adam(learningRate: 0.03, weightDecay: 0.2, clipping: clipping)].map {
      OptimizerState($0, try OptimizerTests.parameters(reference, dtype))
    }
    for step in 0..<5 {
      for state in states {
        var gradients = try OptimizerTests.gradients(reference, step, dtype)
        try state.update(&gradients, scale: 0.5) { "test" }
      }
      for (one, other) in zip(states[0].parameters, states[1].parameters) {
        expectClose(
          one.value, other.value, relative: dtype == .float32 ? 1e-5 : 1e-12, absolute: 1e-7, "step \(step)")
      }
    }
  }

  @Test func itTrainsAModelAndItsStateComesBack() throws {
    func trainer() throws -> Trainer { try ToyData.trainer(optimizer: Optimizer(OwnAdam(), learningRate: 0.02)) }
    func fit(_ trainer: Trainer, _ epochs: Range<Int>) throws -> History {
      try trainer.fit(
        ToyData.x, ToyData.labels, batchSize: 4, epochs: epochs.upperBound, verbose: .silent,
        initialEpoch: epochs.lowerBound)
    }
    let whole = try trainer()
    let losses = try #require(fit(whole, 0..<20)["loss"])
    #expect(losses[19] < 0.7 * losses[0])
    let (first, second) = (try trainer(), try trainer())
    _ = try fit(first, 0..<7)
    let state = first.state
    #expect(state.optimizer.keys.contains("dense/kernel/mean") && state.optimizer.keys.contains("dense_1/bias/square"))
    _ = try second.model.predict(ToyData.x)
    second.weights = first.weights
    try second.restore(state)
    _ = try fit(second, 7..<20)
    for (one, other) in zip(whole.weights, second.weights) { expectIdentical(one, other) }
  }

  @Test func itComesBackFromItsConfiguration() throws {
    let own = Optimizer(OwnAdam(beta: 0.7), learningRate: 0.25, weightDecay: 0.125, clipping: .norm(3))
    let json = try JSONValue(parsing: own.configuration.encoded())
    let again = try Optimizer(configuration: json, rules: [OwnAdam.self])
    #expect(again == own && again.configuration == own.configuration && again.name == "own_adam")
    let unknown = #expect(throws: RecurraError.self) { try Optimizer(configuration: json) }
    #expect(unknown?.kind == .badArgument && unknown?.got == "\"own_adam\"")
    let bad = JSONValue.object([("class_name", .string("own_adam")), ("config", .object([("gamma", .number(1))]))])
    let error = #expect(throws: RecurraError.self) { try Optimizer(configuration: bad, rules: [OwnAdam.self]) }
    #expect(error?.kind == .badArgument && error?.description.contains("gamma") == true)
  }

  struct Named: OptimizerRule {
    static let name = "named"
    var names: [String]
    var first = 0.0
    var configuration: [String: JSONValue] { [:] }
    var moments: [Moment] { names.map { Moment($0, initialValue: first) } }

    init(_ names: [String], first: Double = 0) { (self.names, self.first) = (names, first) }
    init(configuration: LayerArguments) throws(RecurraError) { names = [] }
    func update(
      _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int
    ) {}
  }

  struct Misshapen: OptimizerRule {
    static let name = "misshapen"
    var configuration: [String: JSONValue] { [:] }
    var moments: [Moment] { [Moment("mean")] }

    init() {}
    init(configuration: LayerArguments) throws(RecurraError) {}
    func update(
      _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int
    ) {
      moments["mean"] = .zeros([1])
    }
  }

  @Test func aMomentOfAnotherShapeIsAMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let trainer = try ToyData.trainer(optimizer: Optimizer(Misshapen()))
      try trainer.trainBatch(ToyData.x, ToyData.labels)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("moment mean: expected float32 [5, 7], got float32 [1]"))
  }

  @Test func momentsThatAFileCouldNotTellApartAreRefused() throws {
    for rule in [Named(["a", "a"]), Named([""]), Named(["a/b"]), Named(["iteration"]), Named(["a"], first: .nan)] {
      let error = #expect(throws: RecurraError.self) { try ToyData.trainer(optimizer: Optimizer(rule)) }
      #expect(error?.kind == .badArgument)
    }
    _ = try ToyData.trainer(optimizer: Optimizer(Named(["a", "b"], first: 2)))
  }
}
