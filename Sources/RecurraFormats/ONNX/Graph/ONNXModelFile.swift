internal import FoundationEssentials
internal import RecurraLayers
internal import RecurraTensor
internal import SwiftProtobuf

/// A model file made ready to run.
struct ONNXModelFile: Sendable {
  /// Names the model in errors: "run model.onnx".
  let operation: String
  let program: GraphProgram
  let parameters: [Parameter]
  /// How often each operator stands in the file.
  let operators: [String: Int]
  let metadata: [(name: String, value: String)]
  /// The initializers of the graph as they lie in the file.
  let tensors: NamedValues<StoredTensor>
  /// The bytes that one computed array may take at least: inputs of a run come to it.
  let baseLimit: Int

  /// Reads a message.
  ///
  /// - Parameters:
  ///   - bytes: The file.
  ///   - operation: Names it in errors: "read model.onnx".
  ///   - folder: Where it lies; external data is looked for there.
  ///   - keepsTensors: Whether `tensors` are wanted.
  init(
    _ bytes: [UInt8], operation: String, folder: String?, keepsTensors: Bool = true, isWithoutWeights: Bool = false
  ) throws(RecurraError) {
    let message = try Self.message(bytes, operation)
    try self.init(
      message, byteCount: bytes.count, operation: operation, folder: folder, keepsTensors: keepsTensors,
      isWithoutWeights: isWithoutWeights)
  }

  static func message(_ bytes: [UInt8], _ operation: String) throws(RecurraError) -> ONNXModelMessage {
    let (estimate, limit) = (MessageEstimate(bytes).byteCount, (48 << 20) + 2 * bytes.count)
    guard estimate <= limit else {
      throw RecurraError(
        .badFile, operation: operation, expected: "messages of at most \(limit) bytes, for a file of this size",
        got: "about \(estimate)")
    }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 96
    options.discardUnknownFields = true
    do {
      return try ONNXModelMessage(serializedBytes: bytes, options: options)
    } catch {
      throw RecurraError(
        .badFile, operation: operation, expected: "a message of ONNX' ModelProto", got: "\(error)")
    }
  }

  init(
    _ message: ONNXModelMessage, byteCount: Int, operation: String, folder: String?,
    keepsTensors: Bool = true, isWithoutWeights: Bool = false
  ) throws(RecurraError) {
    guard message.hasGraph else {
      throw RecurraError(.badFile, operation: operation, expected: "a graph", got: "none")
    }
    var versions: [String: Int] = [:]
    for opset in message.opsetImport { versions[opset.domain == "ai.onnx" ? "" : opset.domain] = Int(opset.version) }
    if let version = versions[""], !OperatorTable.versions.contains(version) {
      throw RecurraError(
        .badFile, operation: operation, expected: "operators of opset \(OperatorTable.versions)",
        got: "opset \(version)")
    }
    let reader = ONNXTensorReader(operation: operation, folder: folder, isWithoutWeights: isWithoutWeights)
    let compiler = try GraphCompiler(reader, functions: message.functions)
    program = try compiler.program(
      message.graph, GraphCompiler.Surroundings(scope: NameScope(), versions: versions))
    guard !program.outputs.isEmpty else {
      throw RecurraError(.badFile, operation: operation, expected: "an output of the graph", got: "none")
    }
    parameters = compiler.weights.map { Parameter($0.name, $0.value, isStatistic: $0.isStatistic) }
    operators = compiler.operators
    self.operation = operation.hasPrefix("read ") ? "run \(operation.dropFirst(5))" : operation
    var metadata: [(name: String, value: String)] = [("ir_version", "\(message.irVersion)")]
    for (domain, version) in versions.sorted(by: { $0.key < $1.key }) {
      metadata.append((domain.isEmpty ? "opset" : "opset \(domain)", "\(version)"))
    }
    for (name, value) in [
      ("producer_name", message.producerName), ("producer_version", message.producerVersion),
      ("domain", message.domain), ("graph_name", message.graph.name), ("doc_string", message.docString),
    ] where !value.isEmpty { metadata.append((name, value)) }
    for entry in message.metadataProps { metadata.append((entry.key, entry.value)) }
    self.metadata = metadata
    var (tensors, total) = (NamedValues<StoredTensor>(), byteCount)
    for initializer in message.graph.initializer where keepsTensors {
      let stored = try reader.stored(initializer)
      total += stored.bytes.count
      tensors[initializer.name] = stored
    }
    self.tensors = tensors
    baseLimit = (48 << 20) + MemoryLimit.bytes(total, 64)
  }

  /// Begins a run with inputs of so many bytes together.
  func run(inputBytes: Int, _ context: ForwardContext) -> GraphRun {
    let (limit, overflow) = baseLimit.addingReportingOverflow(MemoryLimit.bytes(inputBytes, 64))
    return GraphRun(
      operation: operation, context: context, parameters: parameters, arrayLimit: overflow ? .max : limit)
  }
}
