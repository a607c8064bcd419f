internal import RecurraLayers
package import RecurraTensor

/// Tensors by name in a .npz archive, as `numpy.savez` writes them.
package struct NumPyArchiveFormat: ModelFormat {
  /// The format's name.
  package let name = "NumPy archive"
  /// .npz.
  package let fileExtensions = ["npz"]

  /// Makes the format.
  package init() {}

  /// Tells an archive of NumPy files from others.
  package func recognizes(_ file: FileContents) -> Bool {
    guard let names = file.memberNames, !names.contains("config.json") else { return false }
    return names.contains { $0.hasSuffix(Self.suffix) }
  }

  private static let suffix = ".npy"

  /// Reads all arrays; what is no NumPy file is left out with a warning.
  package func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    guard let archive = file.archive else { throw file.file.damaged(expected: "a zip archive", got: "other bytes") }
    var description = ModelDescription()
    for entry in archive.entries {
      guard entry.name.hasSuffix(Self.suffix) else {
        description.warnings.append("\(file.operation): \(entry.name.excerpt) is no array and is left out")
        continue
      }
      let name = String(entry.name.dropLast(Self.suffix.count))
      description.tensors[name] = try Self.tensor(entry, archive)
    }
    return description
  }

  private static func tensor(_ entry: ZipArchive.Entry, _ archive: ZipArchive) throws(RecurraError) -> StoredTensor {
    let operation = archive.operation(entry.name)
    // The size that the array says is compared with the member's before the member is inflated.
    let start = InputFile(
      try archive.start(of: entry.name, count: NumPyHeader.maximumEnd), operation: operation)
    let header = try NumPyHeader(start, fileByteCount: entry.byteCount)
    guard entry.byteCount - header.dataOffset == header.byteCount else {
      throw start.damaged(
        expected: "\(header.byteCount) bytes of data for shape \(header.shape)",
        got: "\(entry.byteCount - header.dataOffset)")
    }
    var bytes = try archive.bytes(of: entry.name)
    bytes.removeFirst(header.dataOffset)
    return try StoredTensor(header, bytes, operation)
  }

  /// Writes the tensors, or a model's parameters by their paths; `numpy.load` reads them.
  ///
  /// NumPy has no bfloat16, which becomes float32.
  ///
  /// - Throws: `badArgument` for names that an archive cannot have; `cannotCreate`, `inputOutput`.
  package func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions
  ) throws(RecurraError) {
    let tensors = description.allTensors
    for name in tensors.names where !ZipArchive.isName(name + Self.suffix) {
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "names that can be files in a folder", got: name.excerpt)
    }
    try AtomicFile.write(to: path) { (file) throws(RecurraError) in
      var writer = ZipWriter()
      for (name, stored) in tensors {
        let tensor = stored.widened
        let header = NumPyHeader.bytes(tensor.format, shape: tensor.shape)
        var checksum = Checksum()
        checksum.add(header)
        checksum.add(tensor.bytes)
        try file.append(
          writer.header(
            name + Self.suffix, byteCount: header.count + tensor.bytes.count, checksum: checksum.value))
        try file.append(header)
        try file.append(tensor.bytes)
      }
      try file.append(writer.directory())
    }
  }
}
