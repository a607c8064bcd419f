package import RecurraLayers
public import RecurraTensor

/// The formats there are.
public enum ModelFormats {
  /// All formats, in the order in which they look at a file.
  public static let all: [any ModelFormat] = [
    SafeTensorsFormat(), NumPyArchiveFormat(), PyTorchFormat(), PyTorchListFormat(), KerasFormat(),
    ONNXFormat(),
  ]

  /// Reads a file of any format.
  ///
  /// - Throws: `noInput` when there is no such file, `badFile` when it is damaged or of no format that is known.
  public static func read(_ path: String, _ options: ReadingOptions = ReadingOptions()) throws(RecurraError)
    -> ModelDescription
  {
    let contents = try FileContents(path)
    return try format(of: contents).read(contents, options)
  }

  /// The format of a file.
  ///
  /// - Throws: `badFile` when it is of none.
  public static func format(of file: FileContents) throws(RecurraError) -> any ModelFormat {
    if let format = all.first(where: { $0.recognizes(file) }) { return format }
    throw file.file.damaged(
      expected: "a model or tensors: \(all.map(\.name).joined(separator: ", "))", got: "a file of another kind")
  }

  /// Tells whether a description of layers is in the words of another system than Keras.
  package static func isForeign(_ json: JSONValue) -> Bool {
    guard case .array(let layers) = json else { return false }
    return layers.contains { $0["module"] != nil && $0["class_name"] == nil }
  }

  /// Tells whether a file of this name is written in another format than Recurra's own.
  package static func isForeign(_ path: String) -> Bool {
    let format = format(for: path)
    return format != nil && !(format is SafeTensorsFormat)
  }

  /// The same for a model, which goes back in its own words where it came in those of another system.
  package static func isForeign(_ path: String, for model: any Network) -> Bool {
    isForeign(path) || (model as? Sequential)?.origin != nil
  }

  /// The format that a file's name ends in; nil for an ending that none has.
  private static func format(for path: String) -> (any ModelFormat)? {
    let ending = path.utf8.split(separator: UInt8(ascii: ".")).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    return all.first { $0.fileExtensions.contains(ending.lowercased()) }
  }

  /// Finds out whether a file's format can say a model, for those who have much to do before they write it.
  ///
  /// - Throws: What `write` throws.
  package static func check(_ description: ModelDescription, for path: String) throws(RecurraError) {
    var options = WritingOptions()
    options.system = StreamFileSystem.nowhere
    try write(description, to: path, options)
  }

  /// Writes a file in the format that its name ends in: Recurra's own for an ending that no format has.
  ///
  /// - Throws: What the format's `write` throws.
  public static func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions = WritingOptions()
  ) throws(RecurraError) {
    let format = format(for: path) ?? SafeTensorsFormat()
    try format.write(description, to: path, options)
  }
}
