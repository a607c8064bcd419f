internal import ArgumentParser
internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// The model a subcommand works with.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: """
      A saved model of any format (Recurra, Keras, ONNX); or layers in Keras' or PyTorch's names as JSON, in a file or \
      as this very argument, such as '[{"class_name": "LSTM", "config": {"units": 100}}]': a fresh model from the seed.
      """,
    completion: .file(extensions: ["safetensors", "keras", "h5", "onnx", "json"]))
  var model: String

  @Option(
    help: "The file with the weights, where MODEL is an architecture alone.",
    completion: .file(extensions: ["h5", "safetensors", "pt", "pth", "npz"]))
  var weights: String?

  /// The file; nil where the argument is the description itself.
  var path: String? { isDescription ? nil : model }

  private var isDescription: Bool { model.utf8.first(where: { $0 > 0x20 }).map(Self.opensDescription) ?? false }

  private static func opensDescription(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{")
  }

  /// Names the files that are read.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    try roles.reads("MODEL", path)
    try roles.reads("--weights", weights)
  }

  /// Reads the model, and what stands beside it in its file.
  ///
  /// - Throws: `badFile` for a graph that is run on arrays alone, and for tensors without a model.
  func load(seed: UInt64) throws -> LoadedModel {
    switch try read(seed: seed, for: .model) {
    case .model(let loaded): return loaded
    case .graph(_, let source, let reason):
      throw RecurraError(.badFile, operation: source, expected: "a model that can be trained", got: reason)
    }
  }

  /// What a file may hold.
  enum Content {
    case model(LoadedModel)
    /// A graph that is run on arrays as they are, and what names its file in errors.
    case graph(any ArrayGraph, source: String, reason: String)
  }

  /// Reads the file for a prediction: a graph of arrays is run as such.
  func loadForPrediction() throws -> Content {
    let content = try read(seed: 0, for: .prediction)
    if case .model(let loaded) = content {
      if let graph = loaded.description?.arrayGraph { return .graph(graph, source: loaded.source, reason: "") }
      try loaded.requireWeights()
    }
    return content
  }

  private func read(seed: UInt64, for purpose: ReadingOptions.Purpose) throws -> Content {
    let file =
      isDescription ? InputFile(Array(model.utf8), operation: "MODEL") : try InputSource.open(model)
    let start = try file.bytes(0..<min(512, file.byteCount))
    // A saved model begins with the length of its header in 8 bytes, and no text has a NUL.
    if start.count >= 8, start[4..<8].allSatisfy({ $0 == 0 }), weights == nil, !SafeTensorsFormat.isStateDict(start) {
      let saved = try ModelFile(file, registry: .formats)
      return .model(
        LoadedModel(model: saved.model, notes: saved.notes, source: file.operation, saved: (saved, file)))
    }
    let isText = start.first(where: { $0 > 0x20 }).map(Self.opensDescription) ?? false
    if isText, weights == nil {
      let json = try JSONValue(parsing: file.bytes(0..<file.byteCount), operation: file.operation)
      if !ModelFormats.isForeign(json) { return .model(try LoadedModel(json, seed: seed, source: file.operation)) }
    }
    let contents = try FileContents(file, path: model)
    let format = try ModelFormats.format(of: contents)
    let description = try format.read(contents, ReadingOptions(weights: weights, for: purpose))
    // What cannot be trained can be run all the same.
    if description.arrayGraph == nil { description.warnings.forEach { Console.warning($0) } }
    guard let network = description.model else {
      if let graph = description.arrayGraph {
        return .graph(graph, source: file.operation, reason: description.warnings.joined(separator: "; "))
      }
      throw file.damaged(
        expected: "a model",
        got: "\(description.tensors.count) tensors alone; --weights takes them, with layers as MODEL")
    }
    return .model(LoadedModel(model: network, notes: [:], source: file.operation, description: description))
  }

  /// Reads a model that has weights.
  func loadSaved() throws -> LoadedModel {
    let loaded = try load(seed: 0)
    try loaded.requireWeights()
    return loaded
  }
}

/// A model and what is known about where it came from.
struct LoadedModel {
  let model: any Network
  let notes: [String: String]
  /// Names the file in errors: "read model.json".
  let source: String
  /// Recurra's own file that the model came from with its weights.
  var saved: (file: ModelFile, input: InputFile)?
  /// What a file of another format says.
  var description: ModelDescription?

  /// Tells whether the model came with its weights.
  var isSaved: Bool { saved != nil || description != nil }

  /// Refuses layers alone.
  func requireWeights() throws(RecurraError) {
    guard !isSaved else { return }
    throw RecurraError(
      .badFile, operation: source, expected: "a saved model, as recur train makes it from layers",
      got: "layers without weights")
  }

  /// The trainer that the file describes; nil where a model was saved alone.
  func savedTrainer() throws(RecurraError) -> Trainer? {
    if let training = description?.training { return try training.trainer(of: model) }
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
