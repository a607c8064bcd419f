internal import RecurraTensor

/// A graph as a program or a file has it, in any order and not checked.
struct GraphDraft {
  struct Node {
    /// The position of the layer; nil for an input.
    var layer: Int?
    /// The extents of an input, batch first.
    var shape: [Int?] = []
    var inputs: [GraphPlan.Source] = []
    var name: String?
    /// Says which node comes first, where they are numbered.
    var serial = 0
  }

  var nodes: [Node] = []
  var layers: [LayerEntry] = []
  /// The nodes of the inputs.
  var inputs: [Int] = []
  var outputs: [GraphPlan.Source] = []
  /// The keys under which inputs and outputs are given, in their order; nil where they are lists.
  var (inputKeys, outputKeys): ([String]?, [String]?)

  /// An error of a graph, which is an argument whether it comes from a program or a file.
  static func failure(_ expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: "Model", expected: expected, got: got)
  }

  /// What a node is called in an error.
  func text(_ node: Int) -> String {
    let given = nodes[node].name ?? nodes[node].layer.flatMap { layers[$0].name }
    if let given { return given.excerpt }
    return nodes[node].layer.map { "a layer \(type(of: layers[$0].layer).typeName)" } ?? "an input without a name"
  }
}

extension GraphDraft {
  /// Goes back from a program's outputs to its inputs.
  init(inputs: [SymbolicValue], outputs: [SymbolicValue]) throws(RecurraError) {
    var numbers: [ObjectIdentifier: Int] = [:]
    var positions: [ObjectIdentifier: Int] = [:]
    var calls: [SymbolicCall] = []
    func number(_ call: SymbolicCall) -> Int {
      if let known = numbers[ObjectIdentifier(call)] { return known }
      numbers[ObjectIdentifier(call)] = calls.count
      calls.append(call)
      return calls.count - 1
    }
    self.inputs = inputs.map { number($0.call) }
    self.outputs = outputs.map { GraphPlan.Source(node: number($0.call), output: $0.output) }
    var next = 0
    while next < calls.count {
      let call = calls[next]
      var node = Node(name: call.name, serial: call.serial)
      switch call.kind {
      case .input(let shape): node.shape = shape
      case .layer(let layer):
        let position = positions[ObjectIdentifier(layer)] ?? layers.count
        if position == layers.count {
          positions[ObjectIdentifier(layer)] = position
          layers.append(LayerEntry(layer: layer))
        }
        node.layer = position
        if let name = call.name {
          guard layers[position].name ?? name == name else {
            throw Self.failure("one name for a layer", got: "\(layers[position].name ?? "") and \(name)")
          }
          layers[position].name = name
        }
        node.inputs = call.inputs.map { GraphPlan.Source(node: number($0.call), output: $0.output) }
      }
      nodes.append(node)
      next += 1
    }
  }
}
