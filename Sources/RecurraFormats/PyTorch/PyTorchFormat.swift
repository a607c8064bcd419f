internal import RecurraLayers
package import RecurraTensor

/// Tensors that `torch.save` wrote: .pt and .pth, an archive or the format before it.
///
/// Pickles are read as data: what names anything but tensors, lists, dictionaries and numbers is refused, and nothing
/// is ever called.
package struct PyTorchFormat: ModelFormat {
  /// The format's name.
  package let name = "PyTorch"
  /// .pt, .pth.
  package let fileExtensions = ["pt", "pth"]

  /// Makes the format.
  package init() {}

  /// Tells an archive with a pickle, or the magic number of the older format.
  package func recognizes(_ file: FileContents) -> Bool {
    TorchFile.isLegacy(file.head) || file.memberNames?.contains { $0.hasSuffix("/data.pkl") } == true
  }

  /// Reads all tensors, at any depth, with the keys on the way to them joined by '.'.
  package func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    let content: TorchFile
    if let archive = file.archive {
      content = try TorchFile(archive, file.file)
    } else {
      content = try TorchFile(legacy: file.file)
    }
    return ModelDescription(tensors: content.tensors, metadata: content.notes)
  }

  /// Writes the tensors as a state dict that `torch.load` reads.
  ///
  /// - Throws: `badArgument` for types that PyTorch's state dicts lack; `cannotCreate`, `inputOutput`.
  package func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions
  ) throws(RecurraError) {
    var tensors = description.allTensors
    if let model = description.model as? Sequential, let modules = model.origin {
      let list = try JSONValue(parsing: Array(modules.utf8), operation: "write \(path)")
      tensors = try TorchStateDict.tensors(of: model, list, operation: "write \(path)")
    }
    try TorchWriter.write(tensors, to: path, system: options.system)
  }
}
