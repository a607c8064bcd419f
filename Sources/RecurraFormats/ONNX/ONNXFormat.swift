internal import RecurraLayers
package import RecurraTensor

/// ONNX' model files: graphs of operators, run and trained here.
package struct ONNXFormat: ModelFormat {
  /// "ONNX".
  package let name = "ONNX"
  /// ".onnx".
  package let fileExtensions = ["onnx"]

  /// Makes the format.
  package init() {}

  /// Tells by the first fields of the message: a version of the format, then those that a model has.
  package func recognizes(_ file: FileContents) -> Bool {
    ONNXHead(file.head, byteCount: file.file.byteCount).isModel
  }

  /// Reads a graph.
  ///
  /// - Throws: `badFile` naming file, node, operator and opset for what is damaged or not supported.
  package func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    guard file.file.byteCount < 1 << 31 else {
      throw file.file.damaged(expected: "fewer than 2³¹ bytes", got: "\(file.file.byteCount)")
    }
    let bytes = try file.file.bytes(0..<file.file.byteCount)
    let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    let message = try ONNXModelFile.message(bytes, file.operation)
    let graph = try ONNXModelFile(
      message, byteCount: bytes.count, operation: file.operation, folder: folder.isEmpty ? "/" : folder,
      keepsTensors: options.purpose == .everything)
    var (metadata, operators) = (NamedValues<String>(), NamedValues<Int>())
    for (name, value) in graph.metadata { metadata[name] = value }
    for (name, count) in graph.operators { operators[name] = count }
    var description = ModelDescription(tensors: graph.tensors, metadata: metadata, operators: operators)
    description.arrayGraph = ONNXArrayGraph(file: graph)
    if options.purpose == .prediction { return description }
    do {
      description.model = try ONNXLayer(file: graph, message: message).model()
    } catch {
      description.warnings.append("the graph runs, but cannot be trained: \(error)")
    }
    return description
  }

  /// Writes a model of built-in layers, batch first, in the operators of one version.
  ///
  /// Recurrent layers become RNN, LSTM and GRU where these say the same, and a Scan over the timesteps elsewhere: with
  /// masks, in float64, and for cells that ONNX has no operator for.
  ///
  /// - Throws: `badArgument` naming a layer that the operators cannot say; `cannotCreate`, `inputOutput`.
  package func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions
  ) throws(RecurraError) {
    let operation = "write \(path)"
    guard let model = description.model else {
      throw RecurraError(
        .badArgument, operation: operation, expected: "a model of layers", got: "tensors, or a graph, alone")
    }
    let bytes = try ONNXExporter.bytes(of: model, opset: options.opset, operation: operation)
    try AtomicFile.write(to: path, system: options.system) { (file) throws(RecurraError) in try file.append(bytes) }
  }
}
