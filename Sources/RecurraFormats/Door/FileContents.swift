package import RecurraLayers
public import RecurraTensor

/// A file that is to be read: its bytes, and what they say about its kind.
public struct FileContents: Sendable {
  /// The file.
  package let file: InputFile
  /// Where it is; what lies beside it is found from here.
  public let path: String
  /// Up to 512 bytes from its start.
  public let head: [UInt8]
  /// The archive that the file is; nil for what is none.
  package let archive: ZipArchive?

  /// Opens a file and looks at its start.
  ///
  /// - Throws: `noInput` when there is no such file, `badFile` for a damaged archive, `inputOutput` when reading fails.
  public init(_ path: String) throws(RecurraError) {
    try self.init(InputFile(path), path: path)
  }

  package init(_ file: InputFile, path: String) throws(RecurraError) {
    (self.file, self.path) = (file, path)
    head = try file.bytes(0..<min(512, file.byteCount))
    archive = ZipArchive.isArchive(head) ? try ZipArchive(file) : nil
  }

  /// The names in the directory of a zip archive; nil for what is none.
  public var memberNames: [String]? { archive?.entries.map(\.name) }

  /// Names the operation in errors: "read model.keras".
  public var operation: String { file.operation }

  /// The first byte that is no white space: what JSON is known by.
  package var firstCharacter: UInt8? { head.first { $0 > 0x20 } }
}
