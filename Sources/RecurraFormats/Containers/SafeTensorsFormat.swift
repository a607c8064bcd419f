internal import RecurraLayers
package import RecurraTensor
internal import RecurraTraining

/// Safetensors: Recurra's own models, models with PyTorch's names, or tensors alone.
package struct SafeTensorsFormat: ModelFormat {
  /// The format's name.
  package let name = "safetensors"
  /// .safetensors.
  package let fileExtensions = ["safetensors"]

  /// Makes the format.
  package init() {}

  /// Tells by a file's first bytes whether PyTorch, or a model in its words, wrote it.
  package static func isStateDict(_ head: [UInt8]) -> Bool {
    head.dropFirst(8).starts(with: #"{"__metadata__":{"format":"pt""#.utf8)
  }

  /// Tells by the length of a header that begins with a brace and ends within the file.
  package func recognizes(_ file: FileContents) -> Bool {
    guard let length = file.head.littleEndian(at: 0, count: 8), file.head.count > 8 else { return false }
    return file.head[8] == UInt8(ascii: "{") && length <= UInt64(file.file.byteCount - 8)
  }

  /// Reads the tensors with their own types, and the model that they are the parameters of where the file says one.
  package func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    let header = try SafeTensors.Header(file.file)
    var description = ModelDescription()
    let isOwn = header.metadata["format"] == "recurra"
    for entry in header.entries where !isOwn || options.purpose == .everything {
      let start = header.dataOffset + entry.range.lowerBound
      description.tensors[entry.name] = StoredTensor(
        entry.format, shape: entry.shape, bytes: try file.file.bytes(start..<(start + entry.range.count)))
    }
    description.metadata = header.metadata
    if let modules = header.metadata[PyTorchListFormat.metadataName], header.metadata["format"] == "pt" {
      return try PyTorchListFormat.description(
        of: JSONValue(parsing: Array(modules.utf8), operation: file.operation), operation: file.operation,
        tensors: description.tensors)
    }
    if isOwn {
      let saved = try ModelFile(file.file, registry: options.registry)
      description.model = saved.model
      if saved.holdsTraining {
        description.training = TrainingDescription(try Trainer(saved, file.file, registry: options.registry))
      }
    }
    return description
  }

  /// Writes the model as Recurra's own, or the tensors with their own types; a model that a list of PyTorch's modules
  /// describes becomes a state dict that `load_state_dict(strict=True)` takes, with the list beside it.
  ///
  /// - Throws: `badArgument` for a tensor that is called `__metadata__`; `cannotCreate`, `inputOutput`.
  package func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions
  ) throws(RecurraError) {
    guard let model = description.model else {
      return try Self.write(description.tensors, metadata: description.metadata, to: path, system: options.system)
    }
    if let modules = (model as? Sequential)?.origin {
      let list = try JSONValue(parsing: Array(modules.utf8), operation: "write \(path)")
      let tensors = try TorchStateDict.tensors(of: model, list, operation: "write \(path)")
      let metadata: NamedValues<String> = ["format": "pt", PyTorchListFormat.metadataName: modules]
      return try Self.write(tensors, metadata: metadata, to: path, system: options.system)
    }
    if let training = description.training {
      try training.trainer(of: model).write(to: path, notes: [:], system: options.system)
    } else {
      try ModelFile.write(model: model, to: path, system: options.system)
    }
  }

  static func write(
    _ tensors: NamedValues<StoredTensor>, metadata: NamedValues<String>, to path: String,
    system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    guard tensors[SafeTensors.Header.metadataName] == nil else {
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "tensors not called \(SafeTensors.Header.metadataName)",
        got: "one")
    }
    let ordered = tensors.map { (name: $0.name, tensor: $0.value) }.sorted { left, right in
      SafeTensors.Header.precedes((left.name, left.tensor.format), (right.name, right.tensor.format))
    }
    let header = SafeTensors.Header.bytes(
      ordered.map { (name: $0.name, format: $0.tensor.format, shape: $0.tensor.shape) }, metadata: metadata)
    try AtomicFile.write(to: path, system: system) { (file) throws(RecurraError) in
      try file.append(header)
      for (_, tensor) in ordered { try file.append(tensor.bytes) }
    }
  }
}
