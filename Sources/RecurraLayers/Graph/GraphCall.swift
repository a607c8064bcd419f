/// A call of a layer in a built model, for those who write the graph down in other words.
package struct GraphCall: Sendable {
  /// A value that a call reads.
  package struct Source: Sendable {
    /// The name of the layer or input that gives it.
    package let name: String
    /// Which call of that layer.
    package let number: Int
    /// Which of its outputs.
    package let output: Int
    /// Batch first; nil for extents that are not known.
    package let shape: [Int?]
    /// Tells whether a model that is a graph gives it.
    package let isOfGraph: Bool
  }

  /// What the call reads.
  package let inputs: [Source]
}

extension Network {
  /// The calls of each layer, in the order of `layers`; empty before the model is built.
  package var callsOfLayers: [[GraphCall]] {
    let plan = graph.plan
    guard let nodes = graph.state.value?.nodes else { return [] }
    return plan.callsOfLayers.map { calls in
      calls.map { call in GraphCall(inputs: plan.calls[call].inputs.map { plan.source($0, nodes) }) }
    }
  }

  /// What gives the outputs.
  package var outputSources: [GraphCall.Source] {
    let plan = graph.plan
    guard let nodes = graph.state.value?.nodes else { return [] }
    return plan.outputs.map { plan.source($0, nodes) }
  }

  /// The keys under which inputs and outputs stand; nil where they are lists.
  package var keys: (inputs: [String]?, outputs: [String]?) { (graph.plan.inputKeys, graph.plan.outputKeys) }
  /// The names of the inputs, also where a file gives inputs by keys.
  package var inputLayerNames: [String] { graph.plan.inputs.map(\.name) }
  /// Inputs and layers in the order of the summary: an input's number, or a layer's.
  package var rowsOfSummary: [(input: Int?, layer: Int?)] {
    graph.plan.rows.map { row in
      switch row {
      case .input(let index): (index, nil)
      case .layer(let index): (nil, index)
      }
    }
  }
}

extension GraphPlan {
  fileprivate func source(_ source: Source, _ nodes: [[[Int?]]]) -> GraphCall.Source {
    let layer = call(of: source).map { layers[calls[$0].layer].layer }
    return GraphCall.Source(
      name: name(of: source), number: number(of: source), output: source.output,
      shape: nodes[source.node][source.output], isOfGraph: layer is Model)
  }
}
