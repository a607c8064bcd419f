public import RecurraTensor

extension Network {
  /// Writes the model as a safetensors file, whole or not at all: an error leaves a file of that name as it was.
  ///
  /// Each parameter is a tensor called by its path, "lstm/weights"; the header's metadata hold `format` "recurra", its
  /// `version`, the `architecture`, which is the JSON that `init(configuration:)` reads, and the `notes`, JSON too. The
  /// bytes depend on the model and the notes alone.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - notes: Texts of one's own that are kept with the model; `ModelFile` reads them.
  /// - Throws: `badArgument` when the model is not built yet, `cannotCreate` when the file cannot be made,
  ///   `inputOutput` when writing fails.
  public func save(to path: String, notes: [String: String] = [:]) throws(RecurraError) {
    try save(to: path, notes: notes, system: LocalFileSystem())
  }

  package func save(to path: String, notes: [String: String], system: any FileSystem) throws(RecurraError) {
    try ModelFile.write(model: self, notes: notes, to: path, system: system)
  }
}

extension Sequential {
  /// Reads a model that `save(to:)` wrote; it predicts the same, to the bit.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - registry: What the file may name; layers of one's own are registered there.
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged, no model, made by a newer version,
  ///   has a layer that `registry` does not know, or lacks a parameter, has one too many or one of another shape or
  ///   type, named each; and when it holds a graph.
  public static func load(from path: String, registry: Registry = .standard) throws(RecurraError) -> Sequential {
    let file = try ModelFile(contentsOf: path, registry: registry)
    if case .sequential(let model) = file.kind { return model }
    throw RecurraError(
      .badFile, operation: "read \(path)", expected: "a Sequential", got: "a graph, for Model.load(from:)")
  }
}

extension Model {
  /// Reads a graph that `save(to:)` wrote; it predicts the same, to the bit.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - registry: What the file may name; layers of one's own are registered there.
  /// - Throws: What `Sequential.load` throws; `badFile` when the file holds a `Sequential`.
  public static func load(from path: String, registry: Registry = .standard) throws(RecurraError) -> Model {
    let file = try ModelFile(contentsOf: path, registry: registry)
    if case .graph(let model) = file.kind { return model }
    throw RecurraError(
      .badFile, operation: "read \(path)", expected: "a graph", got: "a Sequential, for Sequential.load(from:)")
  }
}

/// A model as it stands in a file, with the notes beside it.
public struct ModelFile: Sendable {
  /// Where a trainer's run stands, for those who go on with it.
  package struct Training: Sendable {
    package let description: JSONValue
    package let tensors: NamedValues<Tensor>
  }

  /// The model, with its parameters: a `Sequential` or a `Model`.
  public var model: any Network { kind.network }
  let kind: NetworkKind
  /// The texts that were saved with the model.
  public let notes: [String: String]
  /// What a trainer saved; nil where only the model was saved, and where it was not asked for.
  package let training: Training?

  /// Reads a file that `Sequential.save` or a trainer wrote.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - registry: What the file may name; layers of one's own are registered there.
  /// - Throws: What `Sequential.load` throws.
  public init(contentsOf path: String, registry: Registry = .standard) throws(RecurraError) {
    let file = try InputFile(path, maximumByteCount: Self.maximumByteCount)
    try self.init(file, registry: registry, readsTraining: false)
  }

  package static let maximumByteCount = 1 << 36

  /// Reads an open file; with `readsTraining` what a trainer saved as well.
  package init(
    _ file: InputFile, registry: Registry = .standard, readsTraining: Bool = true
  ) throws(RecurraError) {
    let reader = try ModelFileReader(file)
    notes = try reader.notes()
    kind = try reader.model(registry)
    training = readsTraining ? try reader.training() : nil
  }

  /// Tells whether a trainer saved the model, with all it needs to go on.
  package var holdsTraining: Bool { training != nil }

  /// What a file holds, for a model that is there already: no layer has to be made by name.
  package struct Contents: Sendable {
    package let parameters: NamedValues<Tensor>
    package let notes: [String: String]
    package let training: Training?
  }

  /// Reads an open file without making its model.
  package static func contents(of file: InputFile) throws(RecurraError) -> Contents {
    let reader = try ModelFileReader(file)
    return Contents(parameters: try reader.parameters(), notes: try reader.notes(), training: try reader.training())
  }

  /// Writes a model, whole or not at all, with notes and what a trainer has to say.
  ///
  /// The training is one JSON value and tensors by name; reading the model alone does not look at them.
  package static func write(
    model: any Network, notes: [String: String] = [:], training: JSONValue? = nil,
    trainingTensors: NamedValues<Tensor> = [:], to path: String, system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    func refused(_ expected: String, got: String) -> RecurraError {
      RecurraError(.badArgument, operation: "write \(path)", expected: expected, got: got)
    }
    guard model.isBuilt, model.inputShapes != nil else { throw refused("a built model", got: "one without parameters") }
    guard training != nil || trainingTensors.isEmpty else {
      throw refused("a description of the training beside its tensors", got: "none")
    }
    var content = SafeTensors()
    content.metadata[Format.formatName] = Format.format
    content.metadata[Format.versionName] = String(Format.version)
    content.metadata[Format.architectureName] = model.json.text
    if !notes.isEmpty {
      let members = notes.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      content.metadata[Format.notesName] = JSONValue.object(members.map { (name: $0, value: .string($1)) }).text
    }
    for (path, parameter) in model.namedParameters {
      guard content.tensors[path] == nil else {
        throw refused("parameters of different names", got: "\(path.excerpt) twice")
      }
      content.tensors[path] = parameter.value
    }
    if let training { content.metadata[Format.trainingName] = training.text }
    for (name, tensor) in trainingTensors { content.tensors[Format.trainingPrefix + name] = tensor }
    try content.write(to: path, system: system)
  }

  /// How a model lies in a safetensors file.
  enum Format {
    static let formatName = "format"
    static let format = "recurra"
    static let versionName = "version"
    /// Raised by a change that older versions of the library would misread. Version 1 kept each note as metadata of its
    /// own.
    static let version = 2
    static let architectureName = "architecture"
    static let notesName = "notes"
    static let trainingName = "training"
    /// No parameter's path begins with a slash, because every layer has a name.
    static let trainingPrefix = "/training/"
  }
}
