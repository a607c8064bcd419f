internal import RecurraLayers
public import RecurraTensor

/// The formats there are.
public enum ModelFormats {
  /// All formats, in the order in which they look at a file.
  public static let all: [any ModelFormat] = [ONNXFormat()]

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

  /// Writes a file in the format that its name ends in.
  ///
  /// - Throws: `badArgument` for an ending that no format has, and what the format's `write` throws.
  public static func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions = WritingOptions()
  ) throws(RecurraError) {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    guard let format = all.first(where: { $0.fileExtensions.contains(ending) }) else {
      let endings = all.flatMap(\.fileExtensions).map { "." + $0 }.joined(separator: ", ")
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "a name that ends in \(endings)", got: path.excerpt)
    }
    try format.write(description, to: path, options)
  }
}
