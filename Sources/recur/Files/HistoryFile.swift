internal import Recurra
internal import RecurraLayers

/// What training did, as a JSON file: {"epoch": […], "history": {"loss": […], …}, "params": {…}}.
enum HistoryFile {
  /// How a run was set up, beside what its history says.
  struct Training {
    let loss: String
    let optimizer: String
    let learningRate: Double
    let batchSize: Int
    let validationSplit: Double
    let shuffle: Bool

    var members: [(name: String, value: JSONValue)] {
      [
        ("batch_size", .integer(batchSize)), ("learning_rate", .number(learningRate)), ("loss", .string(loss)),
        ("optimizer", .string(optimizer)), ("shuffle", .bool(shuffle)), ("validation_split", .number(validationSplit)),
      ]
    }

    /// One line of JSON, for a model's notes.
    var text: String { String(decoding: JSONValue.object(members).encoded(), as: UTF8.self) }
  }

  static func write(_ history: History, _ training: Training, to path: String) throws {
    let metrics = history.names.map { name in
      (name: name, value: JSONValue.array((history[name] ?? []).map(JSONValue.measured)))
    }
    let parameters = [
      (name: "epochs", value: JSONValue.integer(history.params.epochs)), ("steps", .integer(history.params.steps)),
      ("seed", Int(exactly: history.params.seed).map { .integer($0) } ?? .string("\(history.params.seed)")),
      ("threads", .integer(Threads.count)),
    ]
    let file = JSONValue.object([
      (name: "epoch", value: .array(history.epoch.map { .integer($0) })), ("history", .object(metrics)),
      ("params", .object(parameters + training.members)),
    ])
    let bytes = file.encoded(pretty: true) + [UInt8(ascii: "\n")]
    try OutputTarget.write(to: path) { (path, system) throws(RecurraError) in
      try AtomicFile.write(bytes, to: path, system: system)
    }
  }

  /// Reads the numbers by name, one for each epoch; files that hold nothing but the numbers are taken too.
  static func read(_ path: String) throws -> [String: [Double]] {
    let source = try InputSource.open(path, maximumByteCount: JSONValue.Limits().byteCount)
    let file = try JSONValue(parsing: source.bytes(0..<source.byteCount), operation: source.operation)
    guard case .object(let members) = file["history"] ?? file, !members.isEmpty else {
      throw RecurraError(
        .badFile, operation: source.operation, expected: "an object of metrics, each a list of numbers", got: "none")
    }
    var metrics: [String: [Double]] = [:]
    for (name, value) in members {
      guard case .array(let elements) = value, !elements.isEmpty else {
        throw RecurraError(
          .badFile, operation: source.operation, expected: "numbers of \(name)",
          got: value == .array([]) ? "an empty list" : value.kind)
      }
      metrics[name] = try elements.map { (element) throws(RecurraError) -> Double in
        switch element {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        // JSON has no word for a number that is not finite.
        case .null: .nan
        default:
          throw RecurraError(.badFile, operation: source.operation, expected: "a number in \(name)", got: element.kind)
        }
      }
    }
    return metrics
  }
}

extension JSONValue {
  /// A number that was measured; null where it is not finite, for which JSON has no word.
  static func measured(_ number: Double) -> JSONValue { number.isFinite ? .number(number) : .null }
}
