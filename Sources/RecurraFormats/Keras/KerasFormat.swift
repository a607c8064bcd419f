internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Keras' files: `.keras`, the `.h5` of Keras 1 to 3, weights alone, and architectures as JSON with weights beside.
///
/// Read is what Keras 1, 2 and 3 write; written is what Keras 3 reads: `.keras` with the compile configuration and the
/// optimiser's variables, `.weights.h5`, and `.json` for the architecture.
struct KerasFormat: ModelFormat {
  let name = "Keras"
  let fileExtensions = ["keras", "h5", "hdf5", "json"]

  private enum Member {
    static let config = "config.json"
    static let metadata = "metadata.json"
    static let weights = "model.weights.h5"
    static let arrays = "model.weights.npz"
  }

  func recognizes(_ file: FileContents) -> Bool {
    if let names = file.memberNames { return names.contains(Member.config) }
    if file.head.starts(with: HDF5File.signature) { return true }
    return file.firstCharacter == UInt8(ascii: "{") || file.firstCharacter == UInt8(ascii: "[")
  }

  func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    let reader = KerasModelReader(operation: file.operation, options: options)
    if let archive = file.archive {
      let config = try JSONValue(
        parsing: archive.bytes(of: Member.config, atMost: 1 << 26), operation: archive.operation(Member.config))
      var metadata = JSONValue.object([])
      if archive.entry(Member.metadata) != nil {
        metadata = try JSONValue(
          parsing: archive.bytes(of: Member.metadata, atMost: 1 << 20), operation: archive.operation(Member.metadata))
      }
      guard archive.entry(Member.weights) != nil else {
        let got = archive.entry(Member.arrays) != nil ? Member.arrays : "none"
        throw file.file.damaged(expected: "a member \(Member.weights)", got: got)
      }
      let weights = InputFile(
        try archive.bytes(of: Member.weights), operation: archive.operation(Member.weights))
      return try reader.model(
        config, version: KerasVersion(metadata["keras_version"]), weights: try HDF5File.read(weights),
        compile: config["compile_config"], metadata: metadata)
    }
    if file.head.starts(with: HDF5File.signature) {
      let root = try HDF5File.read(file.file)
      guard let text = root.attributes["model_config"]?.text else { return try reader.weightsAlone(root) }
      let config = try JSONValue(parsing: Array(text.utf8), operation: "\(file.operation), model_config")
      var compile: JSONValue?
      if let text = root.attributes["training_config"]?.text {
        compile = try JSONValue(parsing: Array(text.utf8), operation: "\(file.operation), training_config")
      }
      let version = JSONValue.string(root.attributes["keras_version"]?.text ?? "1")
      return try reader.model(
        config, version: KerasVersion(version), weights: root, compile: compile,
        metadata: .object([("keras_version", version)]))
    }
    let config = try JSONValue(parsing: file.file.bytes(0..<file.file.byteCount), operation: file.operation)
    if KerasShards.isIndex(config) {
      return try reader.weightsAlone(KerasShards.read(config, at: file.path, operation: file.operation))
    }
    guard let path = options.weights else {
      throw file.file.damaged(expected: "weights beside the architecture", got: "an architecture alone")
    }
    let root = try Self.weights(path)
    let version = config["keras_version"] ?? root.attributes["keras_version"]?.text.map { .string($0) }
    return try reader.model(
      config, version: KerasVersion(version), weights: root, compile: config["compile_config"], metadata: .object([]))
  }

  /// The weights beside an architecture: in one file, or in several with an index.
  private static func weights(_ path: String) throws(RecurraError) -> HDF5Group {
    let contents = try FileContents(path)
    if contents.head.starts(with: HDF5File.signature) { return try HDF5File.read(contents.file) }
    if contents.firstCharacter == UInt8(ascii: "{") {
      let index = try JSONValue(
        parsing: contents.file.bytes(0..<contents.file.byteCount), operation: contents.operation)
      if KerasShards.isIndex(index) {
        return try KerasShards.read(index, at: path, operation: contents.operation)
      }
    }
    throw contents.file.damaged(
      expected: "a .weights.h5, a .weights.json that leads to some, or a .h5", got: "a file of another kind")
  }

  func write(_ description: ModelDescription, to path: String, _ options: WritingOptions) throws(RecurraError) {
    let operation = "write \(path)"
    guard let model = description.model, model.isBuilt else {
      throw RecurraError(
        .badArgument, operation: operation, expected: "a built model",
        got: description.model == nil ? "tensors alone" : "one without parameters")
    }
    let config = try KerasArchitectureWriter(operation: operation).json(model)
    let bytes: [UInt8]
    if path.hasSuffix(".json") {
      bytes = Array(config.text.utf8)
    } else if path.hasSuffix(".weights.h5") {
      bytes = try HDF5Writer.bytes(of: KerasWeights.tree(of: model))
    } else if path.hasSuffix(".keras") {
      bytes = try archive(model, config, description.training, operation)
    } else {
      throw RecurraError(
        .badArgument, operation: operation, expected: "a name that ends in .keras, .weights.h5 or .json",
        got: path.excerpt)
    }
    try AtomicFile.write(bytes, to: path, system: options.system)
  }

  /// A whole `.keras` file.
  private func archive(
    _ model: any Network, _ config: JSONValue, _ training: TrainingDescription?, _ operation: String
  ) throws(RecurraError) -> [UInt8] {
    var (config, tree) = (config, KerasWeights.tree(of: model))
    if let training {
      let writer = KerasCompileWriter(model: model, operation: operation)
      config = config.adding([("compile_config", try writer.json(training))])
      let state = KerasOptimizerState(model: model, optimizer: training.optimizer, registry: .formats)
      if let numbers = training.optimizerState, let variables = try state.variables(numbers) {
        KerasWeights.addOptimizer(
          variables.enumerated().map { index, value in
            index == 0 ? StoredTensor(wholeNumber: Int(value.item)) : StoredTensor(value)
          }, named: training.optimizer.name, to: &tree)
      }
    }
    // No clock gets into a file: equal models give equal bytes.
    let metadata = JSONValue.object([
      ("keras_version", .string("3.15.1")), ("date_saved", .string("1980-01-01@00:00:00")),
    ])
    return ZipArchive.bytes(of: [
      (Member.metadata, Array(metadata.text.utf8)), (Member.config, Array(config.text.utf8)),
      (Member.weights, try HDF5Writer.bytes(of: tree)),
    ])
  }
}
