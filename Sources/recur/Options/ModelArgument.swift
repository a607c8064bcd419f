internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// The model a subcommand works with.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: """
      A saved model; or layers in Keras' names as JSON, a list or a graph, in a file or as this very argument, such as \
      '[{"class_name": "LSTM", "config": {"units": 100}}]': a fresh model from the seed.
      """,
    completion: .file(extensions: ["safetensors", "json"]))
  var model: String

  /// The file; nil where the argument is the description itself.
  var path: String? { isDescription ? nil : model }

  private var isDescription: Bool { model.utf8.first(where: { $0 > 0x20 }).map(Self.opensDescription) ?? false }

  private static func opensDescription(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{")
  }

  /// Reads the model, and the notes that stand in its file.
  func load(seed: UInt64) throws -> LoadedModel {
    if isDescription {
      let json = try JSONValue(parsing: Array(model.utf8), operation: "MODEL")
      return try LoadedModel(json, seed: seed, source: "MODEL")
    }
    let file = try InputSource.open(model)
    let start = try file.bytes(0..<min(8, file.byteCount))
    // A saved model begins with the length of its header in 8 bytes, and no text has a NUL.
    if start.count == 8, start[4...].allSatisfy({ $0 == 0 }) {
      let saved = try ModelFile(file)
      return LoadedModel(model: saved.model, notes: saved.notes, source: file.operation, saved: (saved, file))
    }
    guard let first = start.first(where: { $0 > 0x20 }), Self.opensDescription(first) else {
      throw file.damaged(expected: "a saved model, or a JSON list of layers", got: "neither")
    }
    let json = try JSONValue(parsing: file.bytes(0..<file.byteCount), operation: file.operation)
    return try LoadedModel(json, seed: seed, source: file.operation)
  }

  /// Reads a model that has weights.
  func loadSaved() throws -> LoadedModel {
    let loaded = try load(seed: 0)
    guard loaded.isSaved else {
      throw RecurraError(
        .badFile, operation: loaded.source, expected: "a saved model, as recur train makes it from layers",
        got: "layers without weights")
    }
    return loaded
  }
}

/// A model and what is known about where it came from.
struct LoadedModel {
  let model: any Network
  let notes: [String: String]
  /// Names the file in errors: "read model.json".
  let source: String
  /// The file that the model came from with its weights; nil for layers alone.
  let saved: (file: ModelFile, input: InputFile)?

  /// Tells whether the model came with its weights.
  var isSaved: Bool { saved != nil }

  /// The trainer that saved the model; nil where a model was saved alone.
  func savedTrainer() throws(RecurraError) -> Trainer? {
    guard let saved, saved.file.holdsTraining else { return nil }
    return try Trainer(saved.file, saved.input)
  }
}

extension LoadedModel {
  /// Makes a fresh model of its description.
  fileprivate init(_ description: JSONValue, seed: UInt64, source: String) throws(RecurraError) {
    let model: any Network
    do throws(RecurraError) {
      model = try NetworkKind(configuration: description, seed: seed).network
    } catch {
      throw error.found(in: source)
    }
    self.init(model: model, notes: [:], source: source, saved: nil)
  }

  /// Gives the model its weights for rows of such inputs; does nothing when it has them.
  func build(for x: Tensor, from path: String) throws(RecurraError) {
    guard !model.isBuilt, x.rank >= 1 else { return }
    let shape: [Int?] = [nil] + x.shape.dropFirst().map(Optional.some)
    do throws(RecurraError) {
      try model.build(inputShape: shape, dtype: x.dtype == .float64 ? .float64 : .float32)
    } catch {
      throw error.found(in: "\(source), for rows of shape \(Array(x.shape.dropFirst())) from \(path)")
    }
  }
}

extension RecurraError {
  /// The same error about the content of a file: what is an argument to the library came out of the file.
  func found(in source: String) -> RecurraError {
    RecurraError(
      kind == .badArgument || kind == .badData ? .badFile : kind, operation: "\(source), \(operation)",
      expected: expected, got: got)
  }
}
