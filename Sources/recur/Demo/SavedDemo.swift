internal import Glibc
internal import Recurra
internal import RecurraLayers

/// A model of the demonstration in a file, with what its training came to.
struct SavedDemo {
  private static let noteName = "demo"

  let model: any Network
  /// Says what it is, for people: "the BiLSTM, right for 96.29 % of the held-out words".
  let description: String

  /// Reads a model; one that was saved by other means is taken too when it has the right shapes.
  init(contentsOf path: String) throws {
    let saved = try ModelFile(InputSource.open(path))
    model = saved.model
    let note = try saved.notes[Self.noteName].map { try JSONValue(parsing: Array($0.utf8), operation: "read \(path)") }
    if case .string(let cell)? = note?["cell"], case .number(let accuracy)? = note?["accuracy"] {
      description = "the \(cell), right for \(Console.decimal(100 * accuracy, 2)) % of the held-out words"
    } else {
      description = "a model"
    }
    let outputs = try model.outputShape(for: [nil, SyllableWords.timesteps])
    guard outputs.count == 2, outputs.last == SyllableWords.classes, model.dtype == .float32 else {
      throw RecurraError(
        .badFile, operation: "read \(path)", expected: "a model with \(SyllableWords.classes) classes",
        got: "outputs of shape [\(outputs.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))]")
    }
  }

  /// Saves a run's model.
  static func write(_ run: DemoRun, to path: String) throws {
    let members: [(name: String, value: JSONValue)] = [
      ("cell", .string(run.cell.title)), ("accuracy", .measured(run.accuracy ?? .nan)),
    ]
    let note = String(decoding: JSONValue.object(members).encoded(), as: UTF8.self)
    try OutputTarget.write(to: path) { (path, system) throws(RecurraError) in
      try run.model.save(to: path, notes: [noteName: note], system: system)
    }
  }

  /// Where the model lies that answers when no other one is named; nil where there is no folder for it.
  static var usualPath: String? {
    // A path that is not absolute says nothing, by the XDG Base Directory Specification.
    let folder = Environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (folder ?? Environment["HOME"].map { "\($0)/.cache" }).map { "\($0)/recurra/syllables.safetensors" }
  }

  /// Makes the folders above the usual path that are not there yet.
  static func makeFolders(for path: String) {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).dropLast()
    for count in parts.indices {
      _ = unsafe mkdir("/" + parts[...count].compactMap { String($0) }.joined(separator: "/"), 0o700)
    }
  }
}
