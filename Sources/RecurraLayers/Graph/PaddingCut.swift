/// Which timesteps of an input's rows no layer needs, so that they can be left out without a change in meaning.
package enum PaddingCut: Sendable {
  /// Every timestep is kept.
  case none
  /// Those behind the last id that is not 0: all embeddings that read the input take 0 for padding.
  case behindLastID
  /// Those past the longest of the given lengths.
  case pastLongestLength
}

extension PaddingCut {
  /// Finds what a graph allows: only layers that respect lengths may see the timesteps, until each of them has taken
  /// the axis of time away.
  init(_ plan: GraphPlan, input: Int) {
    self = .none
    var (pending, hasPaddingID, hasFeatures) = ([GraphPlan.Source(node: input, output: 0)], false, false)
    let ends = Set(plan.outputs)
    var readers: [GraphPlan.Source: [Int]] = [:]
    for (index, call) in plan.calls.enumerated() {
      for source in call.inputs { readers[source, default: []].append(index) }
    }
    while let source = pending.popLast() {
      if ends.contains(source) { return }
      for index in readers[source] ?? [] {
        let (call, layer) = (plan.calls[index], plan.layers[plan.calls[index].layer].layer)
        let output = GraphPlan.Source(node: plan.inputs.count + index, output: 0)
        if source.node == input, let lookup = layer.idLookup {
          if lookup.paddingID == 0 { hasPaddingID = true } else { hasFeatures = true }
          pending.append(output)
          continue
        }
        guard let parts = layer.recurrentParts, !parts.options.goBackwards,
          call.inputs.filter({ $0 == source }).count == 1,
          call.inputs[0] == source
        else { return }
        if source.node == input { hasFeatures = true }
        guard parts.options.returnSequences else { continue }
        pending.append(output)
        if parts.keepsDirectionsApart { pending.append(GraphPlan.Source(node: output.node, output: 1)) }
      }
    }
    self = hasPaddingID && !hasFeatures ? .behindLastID : .pastLongestLength
  }
}
