internal import RecurraLayers
internal import RecurraTensor

/// A graph of ONNX that is run on arrays as they are given.
struct ONNXArrayGraph: ArrayGraph {
  let file: ONNXModelFile

  var inputNames: [String] { file.program.inputs.map(\.name) }
  var outputNames: [String] { file.program.outputs.map(\.name) }

  func run(_ inputs: NamedValues<StoredTensor>) throws(RecurraError) -> [StoredTensor] {
    var values: [ONNXValue] = []
    for port in file.program.inputs {
      guard let stored = inputs[port.name] else {
        throw RecurraError(
          .badData, operation: file.operation, expected: "an input \(port.name.excerpt)",
          got: inputs.names.isEmpty ? "none" : inputs.names.map(\.excerpt).joined(separator: ", "))
      }
      try file.check(stored.format, stored.shape, port)
      values.append(try ONNXValue(stored, name: port.name, operation: file.operation))
    }
    let known = Set(inputNames.map { Array($0.utf8) })
    if let unknown = inputs.names.first(where: { !known.contains(Array($0.utf8)) }) {
      throw RecurraError(
        .badData, operation: file.operation,
        expected: "inputs among \(inputNames.map(\.excerpt).joined(separator: ", "))", got: unknown.excerpt)
    }
    let results = try file.run(values, ForwardContext())
    return zip(results, file.program.outputs).map { value, _ in value.stored }
  }
}

extension ONNXModelFile {
  /// Checks an array against what the graph says of an input.
  func check(_ format: ElementFormat, _ shape: [Int], _ port: GraphProgram.Port) throws(RecurraError) {
    func failure(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(.badData, operation: "\(operation), input \(port.name.excerpt)", expected: expected, got: got)
    }
    guard port.format == nil || port.format == format else {
      throw failure(port.format?.rawValue ?? "", format.rawValue)
    }
    guard let wanted = port.shape else { return }
    guard shape.count == wanted.count, zip(shape, wanted).allSatisfy({ $1 == nil || $0 == $1 }) else {
      throw failure("shape \(text(of: wanted))", "\(Shape.text(shape))")
    }
  }

  /// Runs the graph.
  func run(_ values: [ONNXValue], _ context: ForwardContext) throws(RecurraError) -> [ONNXValue] {
    try BLAS.prepare()
    var bytes = 0
    for value in values { bytes += value.count * value.format.byteCount }
    let run = run(inputBytes: bytes, context)
    return try program.run(values.map { HeldValue($0) }, captured: [], run).map(\.value)
  }
}
