internal import RecurraTensor

/// Finds the order in which a graph's nodes run, and that of its summary, as Keras does.
struct GraphOrder {
  /// The nodes that outputs depend on, each behind those that it reads.
  private(set) var nodes: [Int] = []
  /// The order in which layers and inputs were first met, going back from the outputs.
  private var meetings: [GraphPlan.Row: Int] = [:]
  private let draft: GraphDraft

  /// - Throws: `badArgument` for a cycle.
  init(_ draft: GraphDraft) throws(RecurraError) {
    self.draft = draft
    // 1 while what a node reads is being gone through, 2 behind that.
    var states = [UInt8](repeating: 0, count: draft.nodes.count)
    for output in draft.outputs where states[output.node] == 0 {
      var path = [(node: output.node, next: 0)]
      enter(output.node, &states)
      while let (node, next) = path.last {
        let inputs = draft.nodes[node].inputs
        guard next < inputs.count else {
          states[node] = 2
          nodes.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next = next + 1
        let source = inputs[next].node
        guard states[source] != 1 else {
          throw GraphDraft.failure("a graph without cycles", got: "one through \(draft.text(source))")
        }
        if states[source] == 0 {
          enter(source, &states)
          path.append((source, 0))
        }
      }
    }
  }

  private mutating func enter(_ node: Int, _ states: inout [UInt8]) {
    states[node] = 1
    let row = row(node)
    if meetings[row] == nil { meetings[row] = meetings.count }
  }

  private func row(_ node: Int) -> GraphPlan.Row { draft.nodes[node].layer.map { .layer($0) } ?? .input(node) }

  /// Inputs, by their nodes, and layers in the order of the summary: those farthest from the outputs first.
  var rows: [GraphPlan.Row] {
    var depths = [Int](repeating: 0, count: draft.nodes.count)
    var ofRows: [GraphPlan.Row: Int] = [:]
    for node in nodes.reversed() {
      let row = row(node)
      let depth = max(depths[node], ofRows[row] ?? 0)
      (depths[node], ofRows[row]) = (depth, depth)
      for source in draft.nodes[node].inputs { depths[source.node] = max(depths[source.node], depth + 1) }
    }
    return meetings.keys.sorted { left, right in
      let (first, second) = (ofRows[left] ?? 0, ofRows[right] ?? 0)
      return first != second ? first > second : (meetings[left] ?? 0) < (meetings[right] ?? 0)
    }
  }
}
