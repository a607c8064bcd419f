import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What comes from outside and is wrong ends in an error that says what, before any weight has changed.
@Suite struct BadDataTests {
  static let x = ToyData.x
  static let y = ToyData.labels

  static func expect(
    _ kind: RecurraError.Kind, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    from body: (Trainer) throws -> Void
  ) throws {
    let trainer = try ToyData.trainer()
    try trainer.model.build(inputShape: [nil, 5])
    let before = trainer.weights
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { try body(trainer) }
    guard let error else { return }
    #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
    for word in words { #expect(error.description.contains(word), "\(error)", sourceLocation: sourceLocation) }
    for (one, other) in zip(before, trainer.weights) { expectIdentical(one, other, sourceLocation: sourceLocation) }
  }

  @Test func dataThatDoNotFitTogether() throws {
    try Self.expect(.badData, "at least one row") { try $0.fit(.zeros([0, 5]), .zeros([0], dtype: .int32)) }
    try Self.expect(.badData, "extent 0", "[23, 0]") { try $0.fit(.zeros([23, 0]), Self.y) }
    try Self.expect(.badData, "as many rows", "23", "[22]") { try $0.fit(Self.x, Self.y[0..<22]) }
    try Self.expect(.badData, "as many lengths", "2") { try $0.fit(Self.x, Self.y, lengths: [1, 2]) }
    try Self.expect(.badData, "lengths in 0…5", "6 in row 22") {
      try $0.fit(Self.x, Self.y, lengths: [Int](repeating: 1, count: 22) + [6])
    }
    try Self.expect(.badData, "[B]", "[23, 3]") { try $0.fit(Self.x, .zeros([23, 3])) }
    try Self.expect(.badData, "as many rows") { try $0.evaluate(Self.x, Self.y[0..<3]) }
    try Self.expect(.badData) { _ = try $0.predict(.zeros([4, 6])) }
    try Self.expect(.badData) { _ = try $0.predict(Tensor(1)) }
  }

  @Test func labelsOutsideTheClasses() throws {
    for (label, text) in [(Int32(3), "3 in row 9"), (-1, "-1 in row 9")] {
      var labels = Self.y.scalars(as: Int32.self)
      labels[9] = label
      try Self.expect(.badData, "labels in 0..<3", text) { try $0.fit(Self.x, Tensor(labels)) }
    }
    var fractions = Self.y.doubles
    fractions[4] = 0.5
    try Self.expect(.badData, "labels in 0..<3", "0.5 in row 4") { try $0.fit(Self.x, Tensor(fractions)) }
  }

  @Test func numbersThatAreNotFinite() throws {
    for (bad, text) in [(Float.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")] {
      var numbers = Self.x.scalars(as: Float.self)
      numbers[5 * 17 + 2] = bad
      let x = Tensor(numbers, shape: [23, 5])
      try Self.expect(.badData, "finite numbers in x", "\(text) in row 17") { try $0.fit(x, Self.y) }
      try Self.expect(.badData, "finite numbers in x") { _ = try $0.predict(x) }
    }
    let trainer = try ToyData.regressor().compile(loss: .meanSquaredError)
    var numbers = ToyData.targets.scalars(as: Float.self)
    numbers[9] = .nan
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(Self.x, Tensor(numbers, shape: [23, 2]), verbose: .silent)
    }
    #expect(error?.kind == .badData && error?.description.contains("finite numbers in y, got nan in row 4") == true)
  }

  @Test func optionsOutsideTheirRange() throws {
    try Self.expect(.badArgument, "batch size", "0") { try $0.fit(Self.x, Self.y, batchSize: 0) }
    try Self.expect(.badArgument, "batch size") { try $0.evaluate(Self.x, Self.y, batchSize: -1) }
    try Self.expect(.badArgument, "batch size") { _ = try $0.predict(Self.x, batchSize: 0) }
    try Self.expect(.badArgument, "epochs") { try $0.fit(Self.x, Self.y, epochs: -1) }
    try Self.expect(.badArgument, "initial epoch", "-2") { try $0.fit(Self.x, Self.y, epochs: 3, initialEpoch: -2) }
    try Self.expect(.badArgument, "initial epoch", "\(Int.max)") { try $0.fit(Self.x, Self.y, initialEpoch: .max) }
    for split in [-0.1, 1, 2, .nan] {
      try Self.expect(.badArgument, "validation split") { try $0.fit(Self.x, Self.y, validationSplit: split) }
    }
    try Self.expect(.badData, "both sides", "1 rows") {
      try $0.fit(Self.x[0..<1], Self.y[0..<1], validationSplit: 0.5)
    }
    #expect(throws: RecurraError.self) {
      try ToyData.classifier().compile(loss: .huber(), metrics: [.accuracy, .accuracy])
    }
    #expect(throws: RecurraError.self) {
      try ToyData.classifier().compile(loss: .huber(), optimizer: .sgd(momentum: 7))
    }
  }

  @Test func targetsOfAnotherShape() throws {
    let trainer = try ToyData.regressor().compile(loss: .meanSquaredError)
    let error = #expect(throws: RecurraError.self) { try trainer.fit(Self.x, .zeros([23, 3]), verbose: .silent) }
    #expect(error?.kind == .badData && error?.expected.contains("[B, 2]") == true && error?.got == "[23, 3]")
  }

  @Test func aMonitoredNameThatIsNeverLogged() throws {
    for callback: any Callback in [EarlyStopping(), ReduceLROnPlateau()] {
      try Self.expect(.badArgument, "accuracy, loss", "val_loss") {
        try $0.fit(Self.x, Self.y, callbacks: [callback], verbose: .silent)
      }
    }
  }

  @Test func aCallbackThatThrowsEndsTheRun() throws {
    let trainer = try ToyData.trainer()
    let thrown = RecurraError(.badArgument, operation: "own", expected: "this", got: "that")
    let callback = LambdaCallback(onEpochEnd: { epoch, _, _ throws(RecurraError) in if epoch == 1 { throw thrown } })
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(Self.x, Self.y, epochs: 5, callbacks: [callback], verbose: .silent)
    }
    #expect(error == thrown && trainer.history?.epoch == [0])
  }
}
