public import RecurraTensor

extension Sequential {
  /// Writes the model as a safetensors file, whole or not at all: an error leaves a file of that name as it was.
  ///
  /// Each parameter is a tensor called by its path, "lstm/weights"; the header's metadata hold `format` "recurra", its `version`
  /// and the `architecture`, the JSON that `init(configuration:)` reads. The bytes depend on nothing but the model.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - notes: Further texts for the metadata.
  /// - Throws: `badArgument` when the model is not built yet, `cannotCreate` when the file cannot be made, `inputOutput` when
  ///   writing fails.
  public func save(to path: String, notes: [String: String] = [:]) throws(RecurraError) {
    try save(to: path, notes: notes, system: LocalFileSystem())
  }

  package func save(to path: String, notes: [String: String], system: any FileSystem) throws(RecurraError) {
    guard isBuilt, inputShape != nil else {
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "a built model", got: "one without parameters")
    }
    var metadata = notes
    metadata[ModelFile.formatName] = ModelFile.format
    metadata[ModelFile.versionName] = String(ModelFile.version)
    metadata[ModelFile.architectureName] = String(decoding: try json.encoded(), as: UTF8.self)
    let tensors = Dictionary(namedParameters.map { ($0.path, $0.parameter.value) }) { first, _ in first }
    try SafeTensors(tensors, metadata: metadata).write(to: path, system: system)
  }

  /// Reads a model that `save(to:)` wrote; it predicts the same, to the bit.
  ///
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged, no model, made by a newer version, or lacks a
  ///   parameter, has one too many or one of another shape or type, named each.
  public static func load(from path: String) throws(RecurraError) -> Sequential {
    try ModelFile(InputFile(path, maximumByteCount: ModelFile.maximumByteCount)).model
  }
}

/// A model as it stands in a file, with the notes beside it.
package struct ModelFile {
  static let formatName = "format"
  static let format = "recurra"
  static let versionName = "version"
  /// Raised by a change that older versions of the library would misread.
  static let version = 1
  static let architectureName = "architecture"
  static let maximumByteCount = 1 << 36

  package let model: Sequential
  package let notes: [String: String]

  package init(_ file: InputFile) throws(RecurraError) {
    let content = try SafeTensors(file)
    guard content.metadata[Self.formatName] == Self.format, let version = content.metadata[Self.versionName],
      let architecture = content.metadata[Self.architectureName]
    else {
      throw file.damaged(expected: "a model saved by Recurra", got: "tensors without its metadata")
    }
    guard let number = Int(version), number >= 1, number <= Self.version else {
      throw file.damaged(expected: "format version \(Self.version) or older", got: "version \(version.prefix(20))")
    }
    model = try Self.model(architecture, file)
    try Self.setParameters(of: model, content.tensors, file)
    let own = [Self.formatName, Self.versionName, Self.architectureName]
    notes = content.metadata.filter { !own.contains($0.key) }
  }

  private static func model(_ architecture: String, _ file: InputFile) throws(RecurraError) -> Sequential {
    let json = try JSONValue(parsing: Array(architecture.utf8), operation: "\(file.operation), architecture")
    let model: Sequential
    do {
      model = try Sequential(configuration: json)
    } catch {
      // What is an argument elsewhere is the content of a file here.
      throw RecurraError(
        .badFile, operation: "\(file.operation), \(error.operation)", expected: error.expected, got: error.got)
    }
    guard model.inputShape != nil else {
      throw file.damaged(expected: "an architecture with build_input_shape", got: "none")
    }
    return model
  }

  private static func setParameters(
    of model: Sequential, _ tensors: [String: Tensor], _ file: InputFile
  ) throws(RecurraError) {
    let parameters = model.namedParameters
    let known = Set(parameters.map(\.path))
    if let extra = tensors.keys.filter({ !known.contains($0) }).min() {
      throw file.damaged(expected: "the parameters of the architecture", got: "a tensor \(extra) besides")
    }
    for (path, parameter) in parameters {
      guard let tensor = tensors[path] else { throw file.damaged(expected: "a tensor \(path)", got: "none") }
      guard tensor.shape == parameter.shape, tensor.dtype == parameter.dtype else {
        throw file.damaged(
          expected: "\(path) as \(parameter.dtype) of shape \(parameter.shape)",
          got: "\(tensor.dtype) of shape \(tensor.shape)")
      }
      parameter.value = tensor
    }
  }
}
