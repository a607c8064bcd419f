internal import FoundationEssentials
internal import RecurraLayers
internal import RecurraTensor
internal import SwiftProtobuf

/// A graph of ONNX in the making: nodes in the order in which they run, and constants.
///
/// Names are told apart by a number, also among the graphs within a node, which may read what is around them.
struct ONNXGraphBuilder {
  private(set) var nodes: [ONNXNodeMessage] = []
  private(set) var constants: [ONNXTensorMessage] = []
  private var count = 0
  /// Names that a model's inputs and outputs have.
  private var reserved: Set<String> = []
  private var integers: [[Int]: String] = [:]
  /// The type of the numbers.
  let dtype: DType

  init(dtype: DType) { self.dtype = dtype }

  /// Leaves out names that a model gives its inputs and outputs.
  mutating func reserve(_ names: [String]) { reserved.formUnion(names) }

  /// A name that nothing else has.
  mutating func fresh(_ hint: String) -> String {
    repeat { count += 1 } while reserved.contains("\(hint)_\(count)")
    return "\(hint)_\(count)"
  }

  /// Adds a node and returns the name of its only output.
  mutating func node(
    _ type: String, _ inputs: [String], _ attributes: [(String, ExportAttribute)] = [], output: String? = nil
  ) -> String {
    node(type, inputs, attributes, outputs: 1, names: output.map { [$0] })[0]
  }

  /// Adds a node of several outputs.
  mutating func node(
    _ type: String, _ inputs: [String], _ attributes: [(String, ExportAttribute)], outputs: Int, names: [String]? = nil
  ) -> [String] {
    var message = ONNXNodeMessage()
    message.opType = type
    message.name = fresh(type)
    message.input = inputs
    message.output = names ?? (0..<outputs).map { _ in fresh(type.lowercased()) }
    message.attribute = attributes.map { $1.message($0) }
    nodes.append(message)
    return message.output
  }

  /// Adds a constant of the numbers' type.
  mutating func constant(_ tensor: Tensor, _ hint: String = "constant") -> String {
    let name = fresh(hint)
    constants.append(Self.message(StoredTensor(tensor), name))
    return name
  }

  /// Adds one number.
  mutating func scalar(_ value: Double) -> String { constant(Tensor(value, dtype: dtype), "number") }

  /// Adds a list of whole numbers, once for each list.
  mutating func list(_ values: [Int]) -> String {
    if let name = integers[values] { return name }
    let name = fresh("list")
    var bytes: [UInt8] = []
    for value in values { bytes.appendLittleEndian(UInt64(bitPattern: Int64(value)), count: 8) }
    constants.append(Self.message(StoredTensor(.int64, shape: [values.count], bytes: bytes), name))
    integers[values] = name
    return name
  }

  /// A number of ONNX for the type of elements.
  static func type(_ dtype: DType) -> Int32 {
    switch dtype {
    case .float64: 11
    case .int32: 6
    default: 1
    }
  }

  private static func message(_ tensor: StoredTensor, _ name: String) -> ONNXTensorMessage {
    var message = ONNXTensorMessage()
    message.name = name
    message.dims = tensor.shape.map { Int64($0) }
    message.dataType = tensor.format == .int64 ? 7 : tensor.format == .float64 ? 11 : tensor.format == .int32 ? 6 : 1
    message.rawData = Data(tensor.bytes)
    return message
  }

  /// A value that flows in or out of a graph; a text stands for an extent that is not known.
  static func value(_ name: String, _ type: Int32, _ shape: [ExportExtent]?) -> ONNXValueMessage {
    var message = ONNXValueMessage()
    message.name = name
    message.type.tensorType.elemType = type
    for extent in shape ?? [] {
      var dimension = ONNXShapeMessage.Dimension()
      switch extent {
      case .known(let number): dimension.dimValue = Int64(number)
      case .named(let name): dimension.dimParam = name
      }
      message.type.tensorType.shape.dim.append(dimension)
    }
    return message
  }

  /// Builds a graph within a node: what `body` adds runs there, and its constants lie around it.
  mutating func subgraph(
    _ name: String, inputs: [ONNXValueMessage],
    _ body: (inout ONNXGraphBuilder) throws(RecurraError) -> [ONNXValueMessage]
  ) throws(RecurraError) -> ONNXGraphMessage {
    let around = nodes
    nodes = []
    let outputs = try body(&self)
    var graph = ONNXGraphMessage()
    graph.name = name
    graph.input = inputs
    graph.output = outputs
    graph.node = nodes
    nodes = around
    return graph
  }
}

/// An extent of a value's shape.
enum ExportExtent {
  case known(Int)
  case named(String)
}
