internal import FoundationEssentials
package import RecurraLayers
package import RecurraTensor
internal import SwiftProtobuf

/// A graph of ONNX as a layer: it is run, trained and saved like every other.
///
/// Its parameters are the floating constants that operators read as weights, under the names that the file gives them
/// and in ONNX' layouts. Normalisations use the means that the file holds, in training too; dropout drops in training.
/// A file that names the layer is read with `Registry.formats`.
///
/// - Shapes: As the graph says; whole numbers are taken as int32, or as floating numbers without a fraction.
/// - Throws: `badData` for inputs that do not fit, with the node's name.
package final class ONNXLayer: Layer {
  /// "ONNXLayer".
  package static var typeName: String { "ONNXLayer" }

  let file: ONNXModelFile
  /// The graph without its weights, for `configuration`.
  private let message: ONNXModelMessage

  init(file: ONNXModelFile, message: ONNXModelMessage) {
    (self.file, self.message) = (file, message.withoutWeights)
  }

  /// Makes the layer from its arguments in a file.
  package init(configuration: LayerArguments) throws(RecurraError) {
    let text = try configuration.string("graph")
    guard let data = Data(base64Encoded: text) else {
      throw configuration.failure("graph", expected: "a graph of ONNX in base64", got: .string(text))
    }
    message = try ONNXModelFile.message(Array(data), Self.typeName)
    file = try ONNXModelFile(
      message, byteCount: data.count, operation: Self.typeName, folder: nil, keepsTensors: false,
      isWithoutWeights: true)
  }

  /// The graph, without its weights, in base64.
  package var configuration: [String: JSONValue] {
    // Only a message with a field that is missing or beyond 2 GiB cannot be written; this one was read.
    let bytes: [UInt8] = (try? message.serializedBytes()) ?? []
    return ["graph": .string(Data(bytes).base64EncodedString())]
  }

  /// The weights, by their names in the file.
  package var parameters: [Parameter] { file.parameters }
  /// Yes: the weights came with the graph.
  package var isBuilt: Bool { true }
  /// The number of the graph's outputs.
  package var outputCount: Int { file.program.outputs.count }

  /// Checks the shapes alone.
  package func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try checked(inputShapes)
  }

  /// The shape of the first output.
  package func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try outputShapes(for: [inputShape])[0]
  }

  /// What the graph says of its outputs, the batch left open.
  package func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    let batch = try checked(inputShapes).first.flatMap { $0.first } ?? nil
    var shapes: [[Int?]] = []
    for port in file.program.outputs {
      guard let shape = port.shape, !shape.isEmpty else {
        throw failure(
          expected: "outputs whose number of axes the file says, the batch first", got: port.name.excerpt)
      }
      shapes.append([batch] + shape.dropFirst())
    }
    return shapes
  }

  private func checked(_ shapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    let ports = file.program.inputs
    guard shapes.count == ports.count else {
      throw failure(expected: "\(ports.count) inputs", got: "\(shapes.count)")
    }
    for (shape, port) in zip(shapes, ports) {
      guard let wanted = port.shape else { continue }
      guard shape.count == wanted.count,
        zip(shape, wanted).allSatisfy({ $0 == nil || $1 == nil || $0 == $1 })
      else {
        throw failure(
          expected: "\(port.name.excerpt) \(text(of: wanted))", got: text(of: shape))
      }
    }
    return shapes
  }

  /// Runs the graph with one input.
  package func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let values = try forward([Value(input.value, mask: input.mask)], context)
    var output = Signal(values[0].tensor)
    output.furtherValues = values.dropFirst().map(\.tensor)
    return output
  }

  /// Runs the graph.
  package func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let ports = file.program.inputs
    guard inputs.count == ports.count else {
      throw failure(expected: "\(ports.count) inputs", got: "\(inputs.count)")
    }
    var values: [ONNXValue] = []
    for (input, port) in zip(inputs, ports) {
      guard input.mask.lengths == nil else {
        throw failure(expected: "lengths among the graph's own inputs", got: "a mask")
      }
      let value = try value(input.tensor, port)
      try file.check(value.format, value.shape, port)
      values.append(value)
    }
    var outputs: [Value] = []
    for (value, port) in zip(try file.run(values, context), file.program.outputs) {
      switch value {
      case .floats(let tensor, _): outputs.append(Value(tensor))
      case .integers(let array):
        guard let tensor = array.tensor else {
          throw failure(expected: "whole numbers within int32 as \(port.name.excerpt)", got: "larger ones")
        }
        outputs.append(Value(tensor))
      }
    }
    return outputs
  }

  /// A tensor in the type that the graph asks for.
  private func value(_ tensor: Tensor, _ port: GraphProgram.Port) throws(RecurraError) -> ONNXValue {
    let format = port.format ?? ElementFormat(tensor.dtype)
    if format.isFloating { return .floats(tensor.converted(to: format.dtype), format) }
    let numbers = ONNXValue.floats(tensor.dtype == .int32 ? tensor.converted(to: .float64) : tensor.detached).doubles
    var elements: [Int64] = []
    elements.reserveCapacity(numbers.count)
    for number in numbers {
      guard let element = Int64(exactly: number) else {
        throw failure(expected: "whole numbers as \(port.name.excerpt)", got: "\(number)")
      }
      elements.append(IntegerArray.wrapped(element, to: format))
    }
    return .integers(IntegerArray(elements, shape: tensor.shape, format: format))
  }
}
