public import RecurraTensor

/// A kind of file that models, or tensors alone, lie in.
///
/// A format is one folder of this module and one line in `ModelFormats.all`.
public protocol ModelFormat: Sendable {
  /// What the format is called: "Keras", "ONNX".
  var name: String { get }
  /// The endings of names, without the dot, by which this format is chosen to write in.
  var fileExtensions: [String] { get }
  /// Tells by a file's content, never by its name, whether it is of this format.
  func recognizes(_ file: FileContents) -> Bool
  /// Reads a file.
  ///
  /// - Throws: `badFile` naming file and place for what is damaged or not supported.
  func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription
  /// Writes a file, whole or not at all.
  ///
  /// - Throws: `badArgument` for what the format cannot say; `cannotCreate`, `inputOutput`.
  func write(_ description: ModelDescription, to path: String, _ options: WritingOptions) throws(RecurraError)
}
