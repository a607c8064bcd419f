import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct OptimizerTests {
  static let keras: [(case: String, optimizer: Optimizer)] = [
    ("sgd", .sgd()), ("sgd_momentum", .sgd(momentum: 0.9)), ("sgd_nesterov", .sgd(momentum: 0.9, nesterov: true)),
    ("rmsprop", .rmsprop()), ("rmsprop_momentum", .rmsprop(momentum: 0.9)),
    ("rmsprop_momentum_centered", .rmsprop(momentum: 0.9, centered: true)), ("adam", .adam()),
    ("adam_amsgrad", .adam(amsgrad: true)), ("adam_amsgrad_short_memory", .adam(beta2: 0.6, amsgrad: true)),
    ("adam_own_settings", .adam(learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-3)), ("adamw", .adamW()),
    ("adamw_own_settings", .adamW(learningRate: 0.05, weightDecay: 0.1)), ("adagrad", .adagrad()),
    ("adagrad_own_settings", .adagrad(learningRate: 0.2, initialAccumulatorValue: 0.3)),
    ("sgd_clipnorm", .sgd(learningRate: 0.1, clipping: .norm(0.8))),
    ("sgd_clipvalue", .sgd(learningRate: 0.1, clipping: .value(0.5))),
    ("sgd_global_clipnorm", .sgd(learningRate: 0.1, clipping: .globalNorm(1.2))),
    ("adam_clipnorm", .adam(clipping: .norm(0.8))), ("adam_global_clipnorm", .adam(clipping: .globalNorm(1.2))),
  ]

  static let names = ["matrix", "vector"]

  static func parameters(_ reference: Fixture, _ dtype: DType) throws -> [(path: String, parameter: Parameter)] {
    try names.map { ($0, Parameter($0, try reference.tensor("all.\($0)").converted(to: dtype))) }
  }

  static func gradients(_ reference: Fixture, _ step: Int, _ dtype: DType) throws -> [Gradient] {
    try names.map { .dense(try reference.tensor("all.grad_\($0)")[step].converted(to: dtype)) }
  }

  @Test(arguments: keras.indices, [DType.float32, .float64]) func fiveUpdatesAreKeras(index: Int, dtype: DType) throws {
    let (name, optimizer) = Self.keras[index]
    let reference = try Fixture("keras_optimizers")
    let parameters = try Self.parameters(reference, dtype)
    let state = OptimizerState(optimizer, parameters)
    for step in 0..<5 {
      var gradients = try Self.gradients(reference, step, dtype)
      try state.update(&gradients) { "test" }
      for (path, parameter) in parameters {
        let wanted = try reference.tensor("\(name).\(path)")[step]
        expectClose(
          parameter.value.converted(to: .float32), wanted, relative: 1e-5, absolute: 1e-6,
          "\(name) \(path) step \(step)")
      }
    }
  }

  @Test(arguments: keras.indices, [DType.float32, .float64])
  func parametersAndMomentsChangeInPlace(index: Int, dtype: DType) throws {
    let reference = try Fixture("keras_optimizers")
    let parameters = try Self.parameters(reference, dtype)
    let state = OptimizerState(Self.keras[index].optimizer, parameters)
    func addresses() -> [UInt] {
      let tensors = parameters.map(\.parameter.value) + state.exported().map(\.value).filter { $0.rank > 0 }
      return tensors.map { tensor in
        dtype == .float32
          ? tensor.withPointer(of: Float.self) { UInt(bitPattern: $0) }
          : tensor.withPointer(of: Double.self) { UInt(bitPattern: $0) }
      }
    }
    var before: [UInt] = []
    for step in 0..<4 {
      var gradients = try Self.gradients(reference, step, dtype)
      try state.update(&gradients) { "test" }
      // The first update leaves the numbers that the file still holds behind.
      if step == 0 { before = addresses() }
    }
    #expect(addresses() == before)
  }

  @Test(arguments: keras.indices, [DType.float32, .float64])
  func rowsThatWereLookedUpUpdateAsTheWholeTable(index: Int, dtype: DType) throws {
    // More rows than one stretch holds; some ids come twice, some never.
    let (rows, width) = (300, 70)
    let start = Tensor.varied([rows, width], seed: 1, in: -1...1, dtype: dtype)
    let tables = (0..<2).map { _ in Parameter("embeddings", start) }
    let states = tables.map { OptimizerState(Self.keras[index].optimizer, [("embeddings", $0)]) }
    for step in 0..<3 {
      let ids = Tensor((0..<120).map { Int32(($0 * 37 + step) % 290 / 2 * 2) })
      let values = Tensor.varied([120, width], seed: 2 + step, in: -1...1, dtype: dtype)
      let gradient = RowGradient(indices: ids, values: values, shape: [rows, width])
      var sparse = [Gradient.rows(gradient)]
      var dense = [Gradient.dense(gradient.dense)]
      try states[0].update(&sparse) { "test" }
      try states[1].update(&dense) { "test" }
    }
    expectIdentical(tables[0].value, tables[1].value, Self.keras[index].case)
  }

  @Test func whatWasReadBeforeAnUpdateStays() throws {
    let reference = try Fixture("keras_optimizers")
    let parameters = try Self.parameters(reference, .float32)
    let state = OptimizerState(.adam(), parameters)
    let read = parameters[0].parameter.value
    var gradients = try Self.gradients(reference, 0, .float32)
    try state.update(&gradients) { "test" }
    try expectIdentical(read, reference.tensor("all.matrix"))
    #expect(parameters[0].parameter.value.doubles != read.doubles)
  }

  @Test(arguments: keras.indices) func aRestoredStateGoesOnToTheBit(index: Int) throws {
    let (name, optimizer) = Self.keras[index]
    let reference = try Fixture("keras_optimizers")
    let parameters = try Self.parameters(reference, .float32)
    let state = OptimizerState(optimizer, parameters)
    state.optimizer.learningRate = 0.1 / 3
    for step in 0..<2 {
      var gradients = try Self.gradients(reference, step, .float32)
      try state.update(&gradients) { "test" }
    }
    let copies = parameters.map { ($0.path, Parameter($0.path, $0.parameter.value)) }
    let restored = OptimizerState(optimizer, copies)
    try restored.restore(Dictionary(uniqueKeysWithValues: state.exported().map { ($0.name, $0.value) }))
    for step in 2..<5 {
      for each in [state, restored] {
        var gradients = try Self.gradients(reference, step, .float32)
        try each.update(&gradients) { "test" }
      }
    }
    for (one, other) in zip(parameters, copies) { expectIdentical(one.parameter.value, other.1.value, name) }
  }

  @Test func aStateThatDoesNotFitIsRefused() throws {
    let reference = try Fixture("keras_optimizers")
    let state = OptimizerState(.adam(), try Self.parameters(reference, .float32))
    let exported = Dictionary(uniqueKeysWithValues: state.exported().map { ($0.name, $0.value) })
    var missing = exported
    missing["matrix/velocity"] = nil
    var reshaped = exported
    reshaped["matrix/velocity"] = .zeros([3, 2])
    var extra = exported
    extra["matrix/third"] = .zeros([2, 3])
    for (given, word) in [(missing, "matrix/velocity"), (reshaped, "[3, 2]"), (extra, "matrix/third")] {
      let error = #expect(throws: RecurraError.self) { try state.restore(given) }
      #expect(error?.kind == .badFile && error?.description.contains(word) == true)
    }
  }

  @Test func variablesAreCountedAsKeras() throws {
    let reference = try Fixture("keras_optimizers")
    // 6 + 4 weights, the number of the update and the learning rate.
    for (optimizer, count) in [
      (Optimizer.sgd(), 2), (.sgd(momentum: 0.9), 12), (.adam(), 22), (.adam(amsgrad: true), 32),
      (.rmsprop(momentum: 0.1, centered: true), 32), (.adagrad(), 12),
    ] {
      #expect(OptimizerState(optimizer, try Self.parameters(reference, .float32)).variableCount == count)
    }
  }

  @Test func rowsThatAddUpToInfinityChangeNothing() throws {
    let table = Parameter("embeddings", .full([9, 2], 0.5, dtype: .float32))
    let state = OptimizerState(.sgd(), [("embeddings", table)])
    let values = Tensor([[Float(2e38), 1], [2e38, 1]])
    func gradient(_ indices: [Int32]) -> [Gradient] {
      [.rows(RowGradient(indices: Tensor(indices), values: values, shape: [9, 2]))]
    }
    var apart = gradient([3, 4])
    try state.update(&apart) { "fit" }
    let before = table.value
    var together = gradient([7, 7])
    let error = #expect(throws: RecurraError.self) { try state.update(&together) { "fit" } }
    #expect(error?.kind == .notFinite)
    expectIdentical(table.value, before)
  }

  @Test(arguments: [Optimizer.Clipping.none, .value(1), .norm(1), .globalNorm(1)])
  func aGradientThatIsNotFiniteChangesNothing(clipping: Optimizer.Clipping) throws {
    let reference = try Fixture("keras_optimizers")
    let parameters = try Self.parameters(reference, .float32)
    let state = OptimizerState(.adam(clipping: clipping), parameters)
    for bad in [Float.nan, .infinity] {
      var gradients = try Self.gradients(reference, 0, .float32)
      gradients[1] = .dense(Tensor([1, 2, bad, 4]))
      let error = #expect(throws: RecurraError.self) { try state.update(&gradients) { "fit, epoch 2, batch 3" } }
      #expect(error?.kind == .notFinite && error?.operation == "fit, epoch 2, batch 3")
      #expect(error?.expected.contains("vector") == true)
    }
    for (path, parameter) in parameters { try expectIdentical(parameter.value, reference.tensor("all.\(path)")) }
  }

  @Test func settingsOutsideTheirRangeAreRefused() {
    for optimizer in [
      Optimizer.adam(learningRate: -1), .adam(learningRate: .nan), .adam(beta1: 1.5), .sgd(momentum: -0.1),
      .rmsprop(rho: 2), .adagrad(initialAccumulatorValue: -1), .sgd(clipping: .norm(0)), .adamW(weightDecay: -1),
    ] {
      let error = #expect(throws: RecurraError.self) { try optimizer.validate() }
      #expect(error?.kind == .badArgument)
    }
  }

  @Test func namesAreKeras() throws {
    for name in ["sgd", "rmsprop", "adam", "adamw", "adagrad"] {
      #expect(try Optimizer(named: name.uppercased()).name == name)
    }
    let error = #expect(throws: RecurraError.self) { try Optimizer(named: "shampoo") }
    #expect(error?.kind == .badArgument && error?.got == "\"shampoo\"")
  }
}
