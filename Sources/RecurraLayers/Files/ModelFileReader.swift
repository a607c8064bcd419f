internal import RecurraTensor

/// Takes a model's file apart, without reading more of it than is asked for.
struct ModelFileReader {
  private typealias Format = ModelFile.Format

  private let file: InputFile
  private let header: SafeTensors.Header
  private let version: Int
  private let architecture: String

  init(_ file: InputFile) throws(RecurraError) {
    self.file = file
    header = try SafeTensors.Header(file)
    guard header.metadata[Format.formatName] == Format.format, let version = header.metadata[Format.versionName],
      let architecture = header.metadata[Format.architectureName]
    else {
      throw file.damaged(expected: "a model saved by Recurra", got: "tensors without its metadata")
    }
    guard let number = Int(version), number >= 1, String(number) == version else {
      throw file.damaged(expected: "a format version", got: JSONValue.string(version).shortText)
    }
    guard number <= Format.version else {
      throw file.damaged(
        expected: "format version \(Format.version) or older",
        got: "version \(number), made by a newer version of Recurra")
    }
    self.version = number
    self.architecture = architecture
  }

  /// The notes: in version 1 the metadata that are not the format's own.
  func notes() throws(RecurraError) -> [String: String] {
    var members: [(name: String, value: String)] = []
    if version == 1 {
      let own = [Format.formatName, Format.versionName, Format.architectureName]
      members = header.metadata.filter { !own.contains($0.name) }
    } else if let text = header.metadata[Format.notesName] {
      guard case .object(let notes) = try json(text, Format.notesName) else {
        throw file.damaged(expected: "an object as \(Format.notesName)", got: "another value")
      }
      for (name, value) in notes {
        guard case .string(let note) = value else {
          throw file.damaged(expected: "texts as \(Format.notesName)", got: value.kind)
        }
        members.append((name, note))
      }
    }
    let notes = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    guard notes.count == members.count else {
      throw file.damaged(expected: "\(Format.notesName) whose names differ", got: "two that Swift takes for one")
    }
    return notes
  }

  /// The model with its parameters; every tensor must be a parameter, or belong to the training.
  func model(_ registry: Registry) throws(RecurraError) -> NetworkKind {
    let kind = try fresh(registry)
    let model = kind.network
    var remaining = NamedValues<SafeTensors.Header.Entry>()
    for entry in header.entries where !isTraining(entry) { remaining[entry.name] = entry }
    for (path, parameter) in model.namedParameters {
      guard let entry = remaining[path] else { throw file.damaged(expected: "a tensor \(path.excerpt)", got: "none") }
      remaining[path] = nil
      guard entry.shape == parameter.shape, entry.format.dtype == parameter.dtype else {
        throw file.damaged(
          expected: "\(path.excerpt) as \(parameter.dtype) of shape \(parameter.shape)",
          got: "\(entry.format.dtype) of shape \(entry.shape)")
      }
      parameter.value = try header.tensor(entry, file)
    }
    if let extra = remaining.names.first {
      throw file.damaged(expected: "the parameters of the architecture", got: "a tensor \(extra.excerpt) besides")
    }
    return kind
  }

  /// The parameters by their paths, for a model that is there already.
  func parameters() throws(RecurraError) -> NamedValues<Tensor> {
    var parameters = NamedValues<Tensor>()
    for entry in header.entries where !isTraining(entry) { parameters[entry.name] = try header.tensor(entry, file) }
    return parameters
  }

  /// What a trainer saved; nil when the model was saved alone.
  func training() throws(RecurraError) -> ModelFile.Training? {
    guard version > 1, let text = header.metadata[Format.trainingName] else { return nil }
    let description = try json(text, Format.trainingName)
    var tensors = NamedValues<Tensor>()
    for entry in header.entries where isTraining(entry) {
      let name = entry.name.utf8.dropFirst(Format.trainingPrefix.utf8.count)
      tensors[String(decoding: name, as: UTF8.self)] = try header.tensor(entry, file)
    }
    return ModelFile.Training(description: description, tensors: tensors)
  }

  private func isTraining(_ entry: SafeTensors.Header.Entry) -> Bool {
    version > 1 && header.metadata[Format.trainingName] != nil
      && entry.name.utf8.starts(with: Format.trainingPrefix.utf8)
  }

  private func json(_ text: String, _ name: String) throws(RecurraError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), operation: "\(file.operation), \(name)")
  }

  private func fresh(_ registry: Registry) throws(RecurraError) -> NetworkKind {
    let description = try json(architecture, Format.architectureName)
    let kind: NetworkKind
    do {
      kind = try NetworkKind(configuration: description, registry: registry)
    } catch {
      // What is an argument elsewhere is the content of a file here.
      throw RecurraError(
        .badFile, operation: "\(file.operation), \(error.operation)", expected: error.expected, got: error.got)
    }
    guard kind.network.inputShapes != nil else {
      throw file.damaged(expected: "an architecture with build_input_shape", got: "none")
    }
    return kind
  }
}
