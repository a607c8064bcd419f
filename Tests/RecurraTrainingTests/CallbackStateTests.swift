import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Callbacks whose run is broken off after an epoch and goes on, with their state read back from text.
@Suite struct CallbackStateTests {
  /// Lets a callback see epochs of one batch, with a loss of one's choice each, until it stops.
  static func run(
    _ callback: any Callback, _ trainer: Trainer, _ losses: [Double], _ epochs: Range<Int>, resuming: Bool = false
  ) throws {
    trainer.isResuming = resuming
    trainer.logNames = ["loss"]
    try callback.onTrainBegin(trainer)
    for epoch in epochs {
      var logs = Logs()
      logs["loss"] = losses[epoch]
      // Weights that tell which epoch they are of.
      trainer.weights = trainer.weights.map { .full($0.shape, Double(epoch), dtype: $0.dtype) }
      try callback.onEpochBegin(epoch, trainer)
      try callback.onTrainBatchEnd(0, logs, trainer)
      try callback.onEpochEnd(epoch, &logs, trainer)
      if (callback as? EarlyStopping)?.stoppedEpoch != nil { return }
    }
  }

  static func trainer() throws -> Trainer {
    let trainer = try ToyData.trainer(optimizer: .sgd(learningRate: 1))
    _ = try trainer.predict(ToyData.x)
    return trainer
  }

  /// The callback as it comes back from its configuration and state.
  static func again<C: RestorableCallback>(_ callback: C) throws -> C {
    try again(callback, made(callback))
  }

  /// The callback as its configuration makes it.
  static func made<C: RestorableCallback>(_ callback: C) throws -> C {
    let settings = callback.configuration.map { (name: $0.key, value: $0.value) }
    guard case .object(let read) = try JSONValue(parsing: JSONValue.object(settings).encoded()) else {
      throw CancellationError()
    }
    let arguments = LayerArguments(
      typeName: C.typeName, values: Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.value) }))
    let made = try C(configuration: arguments)
    try arguments.requireAllRead()
    return made
  }

  /// A callback that was given again, with the state of another.
  static func again<C: Callback>(_ callback: C, _ made: C) throws -> C {
    #expect(made.configuration == callback.configuration)
    try made.restore(state: JSONValue(parsing: callback.state.encoded()), tensors: callback.stateTensors)
    #expect(made.state == callback.state)
    return made
  }

  @Test(arguments: 0...6) func earlyStoppingGoesOn(broken: Int) throws {
    let losses = [5, 3, 4, 2.5, 4, 4, 4.0]
    let (whole, parts) = (try Self.trainer(), try Self.trainer())
    let first = EarlyStopping(monitor: "loss", minDelta: 0.125, patience: 3, restoreBestWeights: true)
    try Self.run(first, whole, losses, 0..<7)
    let begun = EarlyStopping(monitor: "loss", minDelta: 0.125, patience: 3, restoreBestWeights: true)
    try Self.run(begun, parts, losses, 0..<broken)
    let other = try Self.again(begun)
    try Self.run(other, parts, losses, broken..<7, resuming: true)
    #expect(other.stoppedEpoch == 6 && other.stoppedEpoch == first.stoppedEpoch && other.bestEpoch == 3)
    #expect(other.state == first.state)
    other.onTrainEnd(Logs(), parts)
    for weight in parts.weights { expectIdentical(weight, .full(weight.shape, 3)) }
    // A new run on the same callback knows nothing of the old one.
    try Self.run(other, parts, [9, 9], 0..<2)
    #expect(other.bestEpoch == 0 && other.stoppedEpoch == nil)
  }

  @Test(arguments: 0...9) func aPlateauGoesOn(broken: Int) throws {
    let losses = [5, 5, 5, 4, 4, 4, 4, 4, 4.0]
    func made() -> ReduceLROnPlateau {
      ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 2, cooldown: 1, minLR: 0.01)
    }
    let (whole, parts) = (try Self.trainer(), try Self.trainer())
    let (first, begun) = (made(), made())
    try Self.run(first, whole, losses, 0..<9)
    try Self.run(begun, parts, losses, 0..<broken)
    let other = try Self.again(begun)
    try Self.run(other, parts, losses, broken..<9, resuming: true)
    #expect(other.state == first.state && parts.learningRate == whole.learningRate && whole.learningRate == 0.125)
  }

  @Test(arguments: 0...6) func aCheckpointGoesOn(broken: Int) throws {
    let losses = [5, 3, 4, 2, 1, 3.0]
    func names(_ broken: Int?) throws -> [String] {
      try CheckpointTests.files { folder in
        func best() -> ModelCheckpoint {
          ModelCheckpoint(folder + "/best-{epoch}", monitor: "loss", saveBestOnly: true, initialValueThreshold: 4.5)
        }
        func batches() -> ModelCheckpoint { ModelCheckpoint(folder + "/batch-{epoch}", frequency: .batches(2)) }
        for make in [best, batches] {
          let callback = make()
          let trainer = try Self.trainer()
          try Self.run(callback, trainer, losses, 0..<(broken ?? 6))
          guard let broken else { continue }
          let other = try Self.again(callback, make())
          #expect(other.lastPath == callback.lastPath && other.best == callback.best)
          try Self.run(other, trainer, losses, broken..<6, resuming: true)
        }
      }
    }
    let whole = try names(nil)
    #expect(whole == ["batch-2", "batch-4", "batch-6", "best-2", "best-4", "best-5"])
    #expect(try names(broken) == whole)
  }

  @Test(arguments: [false, true], 0...4) func linesOfAFileAreThereOnce(appends: Bool, broken: Int) throws {
    let losses = [0.5, 0.25, 1.0 / 3, 2]
    func text(_ body: (String) throws -> Void) throws -> String {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).csv").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try "old\r\n".write(toFile: path, atomically: true, encoding: .utf8)
      try body(path)
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let whole = try text { try Self.run(CSVLogger($0, separator: ";", append: appends), Self.trainer(), losses, 0..<4) }
    let lines = "0;0.5;NA\r\n1;0.25;NA\r\n2;0.3333333333333333;NA\r\n3;2.0;NA\r\n"
    #expect(whole == (appends ? "old\r\n" : "epoch;loss;val_loss\r\n") + lines)
    let parts = try text { path in
      let trainer = try Self.trainer()
      let begun = CSVLogger(path, separator: ";", append: appends)
      try Self.run(begun, trainer, losses, 0..<broken)
      let saved = try Self.again(begun, CSVLogger(path, separator: ";", append: appends))
      // The run went on behind its last saved state, and was killed.
      for epoch in broken..<4 {
        var logs = Logs()
        logs["loss"] = 77
        try begun.onEpochEnd(epoch, &logs, trainer)
      }
      try Self.run(saved, trainer, losses, broken..<4, resuming: true)
    }
    #expect(parts == whole)
  }

  @Test func aFileThatLostLinesIsRefused() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let logger = CSVLogger(path)
    try Self.run(logger, Self.trainer(), [1, 2], 0..<2)
    try FileManager.default.removeItem(atPath: path)
    let error = #expect(throws: RecurraError.self) {
      try Self.run(Self.again(logger, CSVLogger(path)), Self.trainer(), [1, 2, 3], 2..<3, resuming: true)
    }
    #expect(error?.kind == .badFile && error?.operation.contains(path) == true)
  }

  @Test(arguments: [0.1 + 0.2, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity, -.infinity, .nan, 3])
  func aBestComesBackToTheBit(best: Double) throws {
    func made() -> ModelCheckpoint { ModelCheckpoint("a", initialValueThreshold: best) }
    let again = try Self.again(made(), made())
    #expect(
      again.best.map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern } == (best.isNaN ? Double.nan : best).bitPattern
    )
  }

  @Test func aStateOfAnotherCallbackIsRefusedAndChangesNothing() throws {
    let stopping = EarlyStopping(monitor: "loss", restoreBestWeights: true)
    try Self.run(stopping, Self.trainer(), [1, 2], 0..<2)
    let (state, tensors) = (stopping.state, stopping.stateTensors)
    func changed(_ name: String, _ value: JSONValue) -> JSONValue {
      guard case .object(let members) = state else { return .null }
      return .object(members.map { $0.name == name ? (name, value) : $0 })
    }
    guard case .object(let known) = state else { return }
    for bad in [
      .object(known + [("more", .integer(1))]), .object(known.dropLast()),
      .null, .object([]), .array([]), changed("wait", .integer(-1)), changed("wait", .null),
      changed("wait", .number(1.5)),
      changed("best", .string("good")), changed("best_epoch", .integer(.max)),
      changed("best_epoch", .integer(1 << 53)), changed("stopped_epoch", .bool(true)),
      ModelCheckpoint("a").state,
    ] {
      let error = #expect(throws: RecurraError.self) { try stopping.restore(state: bad, tensors: tensors) }
      #expect(error?.kind == .badFile && error?.operation.hasPrefix("EarlyStopping state") == true)
      #expect(stopping.state == state)
    }
    var misnamed = tensors
    misnamed["0"] = nil
    misnamed["weights"] = .zeros([1])
    #expect(throws: RecurraError.self) { try stopping.restore(state: state, tensors: misnamed) }
    for callback in [ReduceLROnPlateau(), ModelCheckpoint("a"), CSVLogger("a"), LambdaCallback()] as [any Callback] {
      let error = #expect(throws: RecurraError.self) { try callback.restore(state: state, tensors: [:]) }
      #expect(error?.kind == .badFile)
      let other = #expect(throws: RecurraError.self) { try callback.restore(state: callback.state, tensors: tensors) }
      #expect(other?.kind == .badFile)
      try callback.restore(state: callback.state, tensors: [:])
    }
  }

  @Test func bestWeightsOfAnotherModelAreRefusedBeforeTraining() throws {
    let stopping = EarlyStopping(monitor: "loss", restoreBestWeights: true)
    try Self.run(stopping, Self.trainer(), [1, 2], 0..<2)
    let other = try ToyData.regressor().compile(loss: .meanSquaredError)
    _ = try other.predict(ToyData.x)
    let error = #expect(throws: RecurraError.self) { try Self.run(stopping, other, [1, 2], 1..<2, resuming: true) }
    #expect(error?.kind == .badFile)
  }

  @Test func configurationsNameWhatDoesNotFit() {
    func make<C: RestorableCallback>(_ type: C.Type, _ values: [String: JSONValue]) throws {
      let arguments = LayerArguments(typeName: C.typeName, values: values)
      _ = try type.init(configuration: arguments)
      try arguments.requireAllRead()
    }
    for (body, word) in [
      ({ try make(EarlyStopping.self, ["mode": .string("up")]) }, "mode"),
      ({ try make(EarlyStopping.self, ["baseline": .string("low")]) }, "baseline"),
      ({ try make(ReduceLROnPlateau.self, ["rate": .integer(1)]) }, "rate"),
    ] as [(() throws -> Void, String)] {
      let error = #expect(throws: RecurraError.self) { try body() }
      #expect(error?.kind == .badArgument && error?.description.contains(word) == true)
    }
  }

  @Test func namesAreKeras() {
    #expect(EarlyStopping.typeName == "EarlyStopping" && CSVLogger.typeName == "CSVLogger")
    #expect(LambdaCallback.typeName == "LambdaCallback" && LambdaCallback().configuration.isEmpty)
    let stopping = EarlyStopping(
      minDelta: -0.5, patience: 2, mode: .max, baseline: 0.75, startFromEpoch: 1, verbose: true)
    #expect(
      stopping.configuration == [
        "monitor": .string("val_loss"), "min_delta": .number(0.5), "patience": .integer(2), "mode": .string("max"),
        "baseline": .number(0.75), "restore_best_weights": .bool(false), "start_from_epoch": .integer(1),
        "verbose": .bool(true),
      ])
  }
}
