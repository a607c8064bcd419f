internal import RecurraTensor

/// The order in which the nodes of a graph can be computed.
enum NodeOrder {
  /// The indices of nodes so that each stands behind those whose outputs it reads; nil for a cycle.
  static func sorted(_ nodes: [ONNXNodeMessage]) -> [Int]? {
    var makers: [[UInt8]: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.output where !output.isEmpty { makers[Array(output.utf8)] = index }
    }
    var readers = [[Int]](repeating: [], count: nodes.count)
    var missing = [Int](repeating: 0, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      var sources: Set<Int> = []
      for name in names(readBy: node) {
        if let maker = makers[Array(name.utf8)] { sources.insert(maker) }
      }
      // A graph inside a node may have a name that the node gives out as well.
      if !node.input.contains(where: { makers[Array($0.utf8)] == index }) { sources.remove(index) }
      for source in sources { readers[source].append(index) }
      missing[index] = sources.count
    }
    var ready = nodes.indices.filter { missing[$0] == 0 }
    var next = 0
    while next < ready.count {
      for reader in readers[ready[next]] {
        missing[reader] -= 1
        if missing[reader] == 0 { ready.append(reader) }
      }
      next += 1
    }
    return ready.count == nodes.count ? ready : nil
  }

  /// The names that a node reads, itself or in a graph inside it.
  private static func names(readBy node: ONNXNodeMessage) -> [String] {
    var names: [String] = []
    var pending = [node]
    while let node = pending.popLast() {
      names += node.input.filter { !$0.isEmpty }
      for graph in node.graphs {
        names += graph.output.map(\.name)
        pending += graph.node
      }
    }
    return names
  }
}

extension ONNXNodeMessage {
  /// The graphs inside the node.
  var graphs: [ONNXGraphMessage] { attribute.flatMap { ($0.hasG ? [$0.g] : []) + $0.graphs } }
  /// The operator with its domain in front, where that is not ONNX' own.
  var operatorName: String { domain.isEmpty || domain == "ai.onnx" ? opType : "\(domain).\(opType)" }
}
