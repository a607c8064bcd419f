internal import RecurraLayers
internal import RecurraTensor

/// Makes the graphs of a model file ready to run: every name is resolved and every operator looked up before anything
/// is computed.
final class GraphCompiler {
  /// A weight or statistic of the model.
  struct Weight {
    let name: String
    let value: Tensor
    let isStatistic: Bool
  }

  private let tensors: ONNXTensorReader
  private let functions: [[UInt8]: ONNXFunctionMessage]
  /// What a graph of constants may be made into: the weights in the order in which they were found.
  private(set) var weights: [Weight] = []
  private var weightNames: Set<[UInt8]> = []
  private(set) var operators: [String: Int] = [:]
  /// Functions may call each other, so that few bytes name many nodes.
  private var nodesLeft = 200_000

  private var operation: String { tensors.operation }

  init(_ tensors: ONNXTensorReader, functions: [ONNXFunctionMessage]) throws(RecurraError) {
    self.tensors = tensors
    var table: [[UInt8]: ONNXFunctionMessage] = [:]
    for function in functions {
      let key = Self.key(function.domain, function.name, function.overload)
      guard table.updateValue(function, forKey: key) == nil else {
        throw RecurraError(
          .badFile, operation: tensors.operation, expected: "each function once",
          got: "\(function.name.excerpt) twice")
      }
    }
    self.functions = table
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> [UInt8] {
    Array((domain == "ai.onnx" ? "" : domain).utf8) + [0] + Array(name.utf8) + [0] + Array(overload.utf8)
  }

  /// Where nodes are made ready: whose names they see, by which versions they are read, what a function was told.
  struct Surroundings {
    let scope: NameScope
    let versions: [String: Int]
    /// What the function around was told; nil outside of functions.
    var arguments: [String: ONNXAttributeMessage]?
    var weights = TrainableWeights.Names()
    /// Names what is inside a node in front of the names of weights.
    var prefix = ""
    var depth = 0

    func inside(_ scope: NameScope) -> Surroundings {
      Surroundings(
        scope: scope, versions: versions, arguments: arguments, weights: weights, prefix: prefix, depth: depth + 1)
    }
  }

  func damaged(expected: String, got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: expected, got: got)
  }

  /// Makes a graph ready.
  func program(_ graph: ONNXGraphMessage, _ surroundings: Surroundings) throws(RecurraError) -> GraphProgram {
    guard surroundings.depth < 32 else { throw damaged(expected: "graphs 32 deep at most", got: "deeper ones") }
    guard graph.sparseInitializer.isEmpty else {
      throw damaged(expected: "dense tensors", got: "a sparse initializer")
    }
    let scope = surroundings.scope
    var surroundings = surroundings
    surroundings.weights = TrainableWeights.names(in: graph.node)
    var constants: [(place: Int, constant: GraphProgram.Constant)] = []
    for initializer in graph.initializer {
      let value = try tensors.value(initializer)
      constants.append(
        (
          try define(initializer.name, scope), constant(initializer.name, value, surroundings, isInitializer: true)
        ))
    }
    // Until version 4 of the format initializers stood among the inputs as well.
    let given = Set(graph.initializer.map { Array($0.name.utf8) })
    var inputs: [GraphProgram.Port] = []
    for input in graph.input where !given.contains(Array(input.name.utf8)) {
      inputs.append(try port(input, try define(input.name, scope)))
    }
    let steps = try steps(graph.node, surroundings, &constants)
    var outputs: [GraphProgram.Port] = []
    for output in graph.output {
      guard let place = scope.place(of: output.name) else {
        throw damaged(expected: "a value for the output \(output.name.excerpt)", got: "none")
      }
      outputs.append(try port(output, place))
    }
    return GraphProgram(
      inputs: inputs, outputs: outputs, captures: scope.captures.map(\.place), constants: constants, steps: steps,
      placeCount: scope.placeCount)
  }

  private func define(_ name: String, _ scope: NameScope) throws(RecurraError) -> Int {
    guard !name.isEmpty else { throw damaged(expected: "a name for every value", got: "none") }
    guard let place = scope.define(name) else {
      throw damaged(expected: "names of values that differ", got: "\(name.excerpt) twice")
    }
    return place
  }

  private func port(_ value: ONNXValueMessage, _ place: Int) throws(RecurraError) -> GraphProgram.Port {
    guard value.hasType, value.type.value != nil else {
      return GraphProgram.Port(name: value.name, place: place, format: nil, shape: nil)
    }
    guard case .tensorType(let tensor)? = value.type.value else {
      throw damaged(expected: "tensors as inputs and outputs", got: "another type for \(value.name.excerpt)")
    }
    guard tensor.elemType == 0 || ElementFormat(code: tensor.elemType) != nil else {
      throw damaged(
        expected: "numbers or truth values as \(value.name.excerpt)", got: "element type \(tensor.elemType)")
    }
    var shape: [Int?]?
    if tensor.hasShape {
      shape = tensor.shape.dim.map { dimension in
        if case .dimValue(let extent)? = dimension.value, extent >= 0 { return Int(extent) }
        return nil
      }
    }
    return GraphProgram.Port(
      name: value.name, place: place, format: ElementFormat(code: tensor.elemType), shape: shape)
  }

  /// A constant, which is a parameter of the model where it is a weight.
  private func constant(
    _ name: String, _ value: ONNXValue, _ surroundings: Surroundings, isInitializer: Bool
  ) -> GraphProgram.Constant {
    let names = surroundings.weights
    guard surroundings.arguments == nil, names.isWeight(name, isInitializer: isInitializer),
      case .floats(let tensor, let format) = value, tensor.rank > 0,
      tensor.count > 0
    else { return .value(value) }
    var path = surroundings.prefix + name
    if weightNames.contains(Array(path.utf8)) { path += "_\(weights.count)" }
    while !weightNames.insert(Array(path.utf8)).inserted { path += "_" }
    weights.append(Weight(name: path, value: tensor, isStatistic: names.isStatistic(name)))
    return .parameter(weights.count - 1, format)
  }

  /// Makes nodes ready, in an order in which they can be computed.
  private func steps(
    _ nodes: [ONNXNodeMessage], _ surroundings: Surroundings,
    _ constants: inout [(place: Int, constant: GraphProgram.Constant)]
  ) throws(RecurraError) -> [GraphProgram.Step] {
    nodesLeft -= nodes.count
    guard nodesLeft >= 0 else { throw damaged(expected: "at most 200000 nodes", got: "more, in functions") }
    guard let order = NodeOrder.sorted(nodes) else {
      throw damaged(expected: "nodes that can be put in order", got: "a cycle")
    }
    var steps: [GraphProgram.Step] = []
    for index in order {
      let message = nodes[index]
      operators[message.operatorName, default: 0] += 1
      if message.operatorName == "Constant" {
        let node = try node(message, surroundings).node
        guard message.output.count == 1 else { throw node.failure(expected: "one output", got: "another number") }
        let value = try Self.constantValue(node)
        let name = message.output[0]
        constants.append(
          (try define(name, surroundings.scope), constant(name, value, surroundings, isInitializer: false)))
      } else {
        steps.append(try step(message, surroundings))
      }
    }
    return steps
  }

  private func step(
    _ message: ONNXNodeMessage, _ surroundings: Surroundings
  ) throws(RecurraError) -> GraphProgram.Step {
    let scope = surroundings.scope
    let (node, captured) = try node(message, surroundings)
    var inputs: [Int] = []
    for name in message.input {
      guard !name.isEmpty else {
        inputs.append(-1)
        continue
      }
      guard let place = scope.place(of: name) else {
        throw node.failure(expected: "an input \(name.excerpt)", got: "nothing of that name")
      }
      inputs.append(place)
    }
    let body = try body(message, node, surroundings)
    var outputs: [Int] = []
    for name in message.output { outputs.append(name.isEmpty ? -1 : try define(name, scope)) }
    return GraphProgram.Step(node: node, body: body, inputs: inputs, captured: captured, outputs: outputs)
  }

  /// Reads a node, with the graphs inside it, and the places of what these take from around.
  private func node(
    _ message: ONNXNodeMessage, _ surroundings: Surroundings
  ) throws(RecurraError) -> (node: ONNXNode, captured: [Int]) {
    let domain = message.domain == "ai.onnx" ? "" : message.domain
    let name = message.name.isEmpty ? message.output.first ?? "" : message.name
    guard let version = surroundings.versions[domain] else {
      throw damaged(
        expected: "a version for the operators of node \(name.excerpt) (\(message.opType.excerpt))",
        got: "none for domain \(domain.excerpt)")
    }
    var attributes: [String: ONNXAttribute] = [:]
    var captures: [String: [Int]] = [:]
    var captured: [Int] = []
    for original in message.attribute {
      var attribute = original
      if !original.refAttrName.isEmpty {
        guard let given = surroundings.arguments?[original.refAttrName] else { continue }
        attribute = given
      }
      if attribute.hasG {
        let inner = NameScope(inside: surroundings.scope)
        var inside = surroundings.inside(inner)
        inside.prefix += "\(name.prefix(60))/\(original.name.prefix(60))/"
        let program = try program(attribute.g, inside)
        var places: [Int] = []
        for capture in inner.captures {
          guard let place = surroundings.scope.place(of: capture.name) else { continue }
          places.append(captured.count)
          captured.append(place)
        }
        captures[original.name] = places
        attributes[original.name] = .graph(program)
      } else if let value = try value(attribute) {
        attributes[original.name] = value
      }
    }
    let node = ONNXNode(
      name: name, operatorName: message.operatorName, version: version, attributes: attributes,
      hasInput: message.input.map { !$0.isEmpty }, wantsOutput: message.output.map { !$0.isEmpty },
      captures: captures, operation: operation)
    return (node, captured)
  }

  private func value(_ attribute: ONNXAttributeMessage) throws(RecurraError) -> ONNXAttribute? {
    func texts(_ bytes: [some Sequence<UInt8>]) -> [String] { bytes.map { String(decoding: Array($0), as: UTF8.self) } }
    switch attribute.type {
    case .float: return .number(Double(attribute.f))
    case .int: return .integer(Int(attribute.i))
    case .string: return .text(texts([attribute.s])[0])
    case .tensor: return .tensor(try tensors.value(attribute.t))
    case .floats: return .numbers(attribute.floats.map(Double.init))
    case .ints: return .integers(attribute.ints.map { Int($0) })
    case .strings: return .texts(texts(attribute.strings))
    case .undefined:
      // Files of the first years do not say the type.
      if attribute.hasF { return .number(Double(attribute.f)) }
      if attribute.hasI { return .integer(Int(attribute.i)) }
      if attribute.hasS { return .text(texts([attribute.s])[0]) }
      if attribute.hasT { return .tensor(try tensors.value(attribute.t)) }
      if !attribute.floats.isEmpty { return .numbers(attribute.floats.map(Double.init)) }
      if !attribute.ints.isEmpty { return .integers(attribute.ints.map { Int($0) }) }
      if !attribute.strings.isEmpty { return .texts(texts(attribute.strings)) }
      return nil
    default:
      throw damaged(
        expected: "an attribute \(attribute.name.excerpt) of a type that is supported", got: "\(attribute.type)")
    }
  }

  /// Looks an operator up, or makes a function of the file ready.
  private func body(
    _ message: ONNXNodeMessage, _ node: ONNXNode, _ surroundings: Surroundings
  ) throws(RecurraError) -> OperatorBody {
    if let function = functions[Self.key(message.domain, message.opType, message.overload)] {
      return try body(of: function, message, node, surroundings)
    }
    let name = message.operatorName
    guard let entry = OperatorTable.standard[name], entry.since <= node.version,
      node.version >= 7 || name != message.opType || OperatorTable.unchanged.contains(name)
    else {
      throw node.failure(
        expected: "an operator that is supported", got: "\(message.operatorName.excerpt) of opset \(node.version)")
    }
    return try entry.make(node)
  }

  private func body(
    of function: ONNXFunctionMessage, _ message: ONNXNodeMessage, _ node: ONNXNode, _ surroundings: Surroundings
  ) throws(RecurraError) -> OperatorBody {
    var arguments: [String: ONNXAttributeMessage] = [:]
    for standard in function.attributeProto { arguments[standard.name] = standard }
    for attribute in message.attribute {
      guard attribute.refAttrName.isEmpty else {
        arguments[attribute.name] = surroundings.arguments?[attribute.refAttrName] ?? arguments[attribute.name]
        continue
      }
      arguments[attribute.name] = attribute
    }
    var versions: [String: Int] = [:]
    for opset in function.opsetImport { versions[opset.domain == "ai.onnx" ? "" : opset.domain] = Int(opset.version) }
    var graph = ONNXGraphMessage()
    graph.node = function.node
    graph.input = function.input.map { name in
      var value = ONNXValueMessage()
      value.name = name
      return value
    }
    graph.output = function.output.map { name in
      var value = ONNXValueMessage()
      value.name = name
      return value
    }
    guard node.inputCount <= function.input.count, message.output.count <= function.output.count else {
      throw node.failure(
        expected: "at most \(function.input.count) inputs and \(function.output.count) outputs",
        got: "\(node.inputCount) and \(message.output.count)")
    }
    let inside = Surroundings(
      scope: NameScope(), versions: versions, arguments: arguments, prefix: surroundings.prefix,
      depth: surroundings.depth + 1)
    let program = try program(graph, inside)
    return { (call) throws(RecurraError) in
      try program.run(call.inputs, captured: [], call.run).map(\.value)
    }
  }

  /// The value of a node Constant.
  private static func constantValue(_ node: ONNXNode) throws(RecurraError) -> ONNXValue {
    if let tensor = try node.tensor("value") { return tensor }
    if let number = try node.number("value_float") { return .floats(Tensor(number)) }
    if let integer = try node.integer("value_int") {
      return .integers(IntegerArray([Int64(integer)], shape: [], format: .int64))
    }
    if let numbers = try node.numbers("value_floats") { return .floats(Tensor(numbers.map { Float($0) })) }
    if let integers = try node.integers("value_ints") { return .integers(IntegerArray(integers)) }
    throw node.failure(expected: "a value of numbers", got: "none, or one of texts")
  }
}
