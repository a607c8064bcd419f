internal import RecurraTensor
internal import Synchronization

/// The layers of a model, what each of them reads, and what was found out when it was built; a model makes one and
/// never touches it.
public final class NetworkGraph: Sendable {
  struct Built: Sendable {
    let inputShapes: [[Int?]]
    /// The shapes of every node's outputs: inputs, then calls.
    let nodes: [[[Int?]]]
    let dtype: DType
  }

  package let plan: GraphPlan
  /// How a pass goes through the layers.
  package let pass: PassPlan
  let layers: [any Layer]
  /// What padding of each input no layer needs.
  package let paddingCuts: [PaddingCut]
  /// Tells whether a call depends on the calls before it.
  package let isStateful: Bool
  let state = BuildState<Built>()
  /// Tells whether there was room for the parameters' first values.
  let hasParameterMemory = Atomic(false)
  /// About how many numbers all layers together take for a timestep of a row; 0 before the model is built.
  let numbersPerStep = Atomic(0)

  init(_ plan: GraphPlan) {
    self.plan = plan
    layers = plan.layers.map(\.layer)
    pass = PassPlan(plan)
    isStateful = layers.contains(where: \.isStateful)
    paddingCuts = plan.inputs.indices.map { PaddingCut(plan, input: $0) }
  }

  /// The names of the layers that give the outputs, also where a file gives outputs by keys.
  package var outputLayerNames: [String] { plan.outputNames }

  /// The outputs' shapes of all nodes for some inputs; `body` is told of each call first.
  func nodes(
    _ inputs: [[Int?]], _ body: (GraphPlan.Call, [[Int?]]) throws(RecurraError) -> Void = { _, _ in }
  ) throws(RecurraError) -> [[[Int?]]] {
    var nodes = inputs.map { [$0] }
    for (call, step) in zip(plan.calls, pass.steps) {
      let shapes = call.inputs.map { nodes[$0.node][$0.output] }
      let layer = layers[call.layer]
      nodes.append(
        try LayerNames.naming(plan.layerNames[call.layer], remedy: plan.remedy(call, shapes)) {
          () throws(RecurraError) in
          try body(call, shapes)
          return try step.isSingle
            ? [layer.outputShape(for: shapes[0])] : layer.checked(layer.outputShapes(for: shapes))
        })
    }
    return nodes
  }

  /// What each call is given and gives, of the shapes of all nodes.
  func layerShapes(_ nodes: [[[Int?]]]) -> [LayerShapes] {
    plan.calls.enumerated().map { index, call in
      LayerShapes(
        layer: call.layer, inputs: call.inputs.map { nodes[$0.node][$0.output] },
        outputs: nodes[plan.inputs.count + index])
    }
  }
}

extension GraphPlan {
  /// What most likely has to be done when a layer does not take the shape that those before it give.
  func remedy(_ call: Call, _ shapes: [[Int?]]) -> String? {
    guard shapes.count == 1, shapes[0].count == 2 else { return nil }
    var source = call.inputs.first
    while let before = source.flatMap({ self.call(of: $0) }).map({ calls[$0] }) {
      if Self.endsSequences(layers[before.layer].layer) {
        return "set returnSequences on the layer before, \(layerNames[before.layer].excerpt)"
      }
      source = before.inputs.first
    }
    return nil
  }

  /// Tells whether a layer gives out the last timestep alone.
  private static func endsSequences(_ layer: any Layer) -> Bool {
    if let model = layer.network { return model.layers.contains { endsSequences($0) } }
    return layer.recurrentParts?.options.returnSequences == false
  }
}
