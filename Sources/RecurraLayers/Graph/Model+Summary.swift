extension Model {
  /// Tells whether the graph is one way from one input to one output.
  public var isChain: Bool {
    plan.inputs.count == 1 && plan.layers.count == plan.calls.count && plan.outputs.map(\.node) == [plan.calls.count]
      && plan.calls.enumerated().allSatisfy { index, call in call.inputs.map(\.node) == [index] }
  }

  /// A row for each input and layer, those farthest from the outputs first.
  public var summaryRows: [SummaryRow] {
    plan.rows.map { row in
      switch row {
      case .input(let index):
        let shape = inputShapes?[index] ?? plan.inputs[index].shape
        return SummaryRow(name: inputNames[index], layer: nil, shapes: [shape])
      case .layer(let index):
        let calls = plan.calls(of: index)
        // Keras shows the shapes of the last call.
        return SummaryRow(
          name: layerNames[index], layer: layers[index],
          shapes: calls.last.flatMap { call in nodeShapes.map { $0[plan.inputs.count + call] } },
          connections: calls.flatMap { plan.calls[$0].inputs.map(connection) })
      }
    }
  }

  /// A source as Keras writes it: layer, number of its call, number of the output.
  private func connection(_ source: GraphPlan.Source) -> String {
    let number = plan.call(of: source).map { plan.calls[$0].number } ?? 0
    return "\(plan.name(of: source))[\(number)][\(source.output)]"
  }
}
