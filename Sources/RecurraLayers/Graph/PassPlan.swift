internal import RecurraCells
internal import RecurraTensor

/// How a pass goes through a graph: which calls take over what the call before gives, where other values are kept until
/// their last reader has had them, and which recurrent layers may run at the same time.
package struct PassPlan: Sendable {
  struct Read: Sendable {
    /// Where the value is kept; nil for what the call before gave, which nothing else reads.
    let slot: Int?
    /// Tells whether it is let go then.
    let isLast: Bool
  }

  package final class Step: Sendable {
    let layer: any Layer
    let name: String
    let inputs: [Read]
    /// Tells whether one value goes in and one comes out, so that no lists are needed.
    package let takesSignal: Bool
    /// Where each output is kept; nil for what the next call takes over, and for what nothing reads.
    package let slots: [Int?]
    /// The last function of the call, where a loss of the model may be taken from before it.
    let activation: Activation?
    /// Where the value before that function is kept, when other calls read the one behind it.
    let slotBeforeActivation: Int?
    /// The layer, where it may run at the same time as others, and how many such layers follow each other from it on.
    let recurrent: (any RecurrentLayer)?
    package let stackCount: Int

    fileprivate init(
      _ layer: any Layer, _ name: String, _ inputs: [Read], _ slots: [Int?], takesSignal: Bool, activation: Activation?,
      slotBeforeActivation: Int?, recurrent: (any RecurrentLayer)?, stackCount: Int
    ) {
      (self.layer, self.name, self.inputs, self.slots) = (layer, name, inputs, slots)
      self.takesSignal = takesSignal
      (self.activation, self.slotBeforeActivation) = (activation, slotBeforeActivation)
      (self.recurrent, self.stackCount) = (recurrent, stackCount)
    }
  }

  /// The model's inputs, then the calls.
  let inputSlots: [Int?]
  package let steps: [Step]
  let outputs: [Read]
  /// The step of each output that a loss may be taken from before its activation.
  let lastSteps: [Int?]
  package let slotCount: Int

  /// So many recurrent layers may run at the same time. A bound keeps models of thousands of layers linear: a stack
  /// that does not run so is looked at again at its next layer.
  private static let mostLayersOfAStack = 32

  init(_ plan: GraphPlan) {
    let (inputCount, end) = (plan.inputs.count, plan.calls.count)
    // States that go along with the last value need no place of their own.
    let outputs = plan.passesStates ? Array(plan.outputs.prefix(1)) : plan.outputs
    let readers = plan.calls.map(\.inputs) + [outputs]
    var readings: [GraphPlan.Source: [Int]] = [:]
    for (reader, sources) in readers.enumerated() {
      for source in sources { readings[source, default: []].append(reader) }
    }
    func isTakenOver(_ source: GraphPlan.Source) -> Bool {
      guard let all = readings[source], all.count == 1, source.output == 0, all[0] > 0 || inputCount == 1 else {
        return false
      }
      return source.node == all[0] + inputCount - 1
    }
    var slotCount = 0
    func newSlot() -> Int {
      slotCount += 1
      return slotCount - 1
    }
    var slots: [GraphPlan.Source: Int] = [:]
    for source in readers.joined() where slots[source] == nil && !isTakenOver(source) { slots[source] = newSlot() }
    var remaining = readings.mapValues(\.count)
    let reads = readers.map { sources in
      sources.map { source in
        remaining[source, default: 0] -= 1
        return Read(slot: slots[source], isLast: remaining[source] == 0)
      }
    }
    let layers = plan.calls.map { plan.layers[$0.layer].layer }
    let recurrent = layers.map(\.recurrentOfStacks)
    let ends = Set(outputs)
    var steps: [Step] = []
    for (index, layer) in layers.enumerated() {
      let outputCount = layer.outputCount
      let sources = (0..<outputCount).map { GraphPlan.Source(node: inputCount + index, output: $0) }
      let takesSignal = plan.passesStates || outputCount == 1 && reads[index].count == 1
      var activation: Activation?
      var slotBefore: Int?
      if takesSignal, ends.contains(sources[0]) { activation = layer.finalActivation }
      if activation != nil, (readings[sources[0]]?.count ?? 0) > 1 { slotBefore = newSlot() }
      var stackCount = 0
      while stackCount < Self.mostLayersOfAStack, index + stackCount < end, takesSignal,
        let next = recurrent[index + stackCount], stackCount == 0 || reads[index + stackCount].map(\.slot) == [nil]
      {
        stackCount += 1
        if !next.options.returnSequences { break }
      }
      steps.append(
        Step(
          layer, plan.layerNames[plan.calls[index].layer], reads[index], sources.map { slots[$0] },
          takesSignal: takesSignal, activation: activation,
          slotBeforeActivation: slotBefore, recurrent: recurrent[index], stackCount: stackCount))
    }
    inputSlots = plan.inputs.indices.map { slots[GraphPlan.Source(node: $0, output: 0)] }
    self.outputs = reads[end]
    lastSteps = outputs.map { source in plan.call(of: source).flatMap { steps[$0].activation == nil ? nil : $0 } }
    (self.steps, self.slotCount) = (steps, slotCount)
  }
}

extension Layer {
  /// The layer, where it is a recurrent one that may run at the same time as those before and behind it.
  fileprivate var recurrentOfStacks: (any RecurrentLayer)? {
    guard let parts = recurrentParts, parts.isStackable, !parts.options.goBackwards, !parts.options.returnState else {
      return nil
    }
    return parts.single
  }
}
