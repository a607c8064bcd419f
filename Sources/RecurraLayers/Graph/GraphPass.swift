internal import RecurraCells
internal import RecurraTensor

/// One pass through a graph.
struct GraphPass {
  private let graph: NetworkGraph
  private let context: ForwardContext
  /// Whether outputs are wanted from before the functions that they go through last.
  private let stopsBeforeActivations: Bool
  /// What the last call gave, where the next one takes it over.
  private var current: Signal
  /// Values that are read later.
  private var kept: [Value?]
  /// Stands where no value is taken over, so that none is held longer than it is read.
  private static let nothing = Signal(Tensor.zeros([0]))

  /// Begins with the only input.
  init(_ graph: NetworkGraph, _ input: Signal, _ context: ForwardContext, stopsBeforeActivations: Bool = false) {
    (self.graph, self.context, current) = (graph, context, input)
    self.stopsBeforeActivations = stopsBeforeActivations
    kept = [Value?](repeating: nil, count: graph.pass.slotCount)
    keepCurrent(in: graph.pass.inputSlots[0])
  }

  /// Begins with all inputs.
  init(_ graph: NetworkGraph, _ inputs: [Value], _ context: ForwardContext, stopsBeforeActivations: Bool = false) {
    self.init(graph, Signal(inputs[0]), context, stopsBeforeActivations: stopsBeforeActivations)
    for (slot, value) in zip(graph.pass.inputSlots, inputs) { if let slot { kept[slot] = value } }
  }

  /// Runs the calls, all or those in front of one.
  mutating func run(until end: Int? = nil) throws(RecurraError) {
    try BLAS.prepare()
    let steps = graph.pass.steps
    var index = 0
    let end = end ?? steps.count
    while index < end {
      let step = steps[index]
      index += 1
      guard step.takesSignal else {
        try runLists(step, index - 1)
        continue
      }
      if step.firstRead != nil { current = Signal(value(step.inputs[0])) }
      if step.stackCount > 1, let output = runStack(steps[(index - 1)..<end]) {
        index += step.stackCount - 1
        current = current.with(value: output)
      } else {
        try runSignal(step, context.forSublayer(index - 1))
      }
      keepCurrent(in: steps[index - 1].firstSlot)
    }
  }

  /// Runs a call of one input and one output.
  private mutating func runSignal(_ step: PassPlan.Step, _ context: ForwardContext) throws(RecurraError) {
    let activation = stopsBeforeActivations ? step.activation : nil
    current = try LayerNames.naming(step.name) { () throws(RecurraError) in
      try activation == nil
        ? step.layer.forward(current, context) : step.layer.forwardBeforeActivation(current, context)
    }
    if context.record != nil, let regularizer = step.layer.activityRegularizer {
      let output = activation.map { $0(current.value) } ?? current.value
      context.add(loss: regularizer(try Value(output, mask: current.mask).cutToLengths(step.name)))
    }
    guard let activation, let slot = step.slotBeforeActivation else { return }
    kept[slot] = Value(current.source, mask: current.mask)
    current.value = activation(current.value)
  }

  /// Runs a call of several inputs or outputs.
  private mutating func runLists(_ step: PassPlan.Step, _ index: Int) throws(RecurraError) {
    let inputs = step.inputs.map { value($0) }
    let context = context.forSublayer(index)
    let outputs = try LayerNames.naming(step.name) { () throws(RecurraError) in
      try step.layer.checked(step.layer.forward(inputs, context))
    }
    if context.record != nil, let regularizer = step.layer.activityRegularizer {
      for output in outputs { context.add(loss: regularizer(try output.cutToLengths(step.name))) }
    }
    current = Signal(outputs[0])
    keepCurrent(in: step.firstSlot)
    for (slot, output) in zip(step.slots, outputs).dropFirst() { if let slot { kept[slot] = output } }
  }

  /// Runs the recurrent layers at the front of some steps at the same time, where that is faster.
  private func runStack(_ steps: ArraySlice<PassPlan.Step>) -> Tensor? {
    let count = steps.first?.stackCount ?? 0
    guard count <= steps.count, current.mask.isAll, !current.mask.hasResets, current.states.isEmpty,
      current.shape.count == 3,
      !context.isRecording,
      context.record == nil || !steps.prefix(count).contains(where: { $0.layer.activityRegularizer != nil })
    else { return nil }
    var (stack, inputs, returnsSequences) = ([StackedLayer](), current.shape[2], true)
    for step in steps.prefix(count) {
      guard let layer = step.recurrent, let stacked = layer.stacked(inputs, context) else { return nil }
      stack.append(stacked)
      (inputs, returnsSequences) = (layer.outputWidth, layer.options.returnSequences)
    }
    return current.source.recurrentStack(stack, returnsSequences: returnsSequences)
  }

  /// Puts what a call gave where it is read from.
  private mutating func keepCurrent(in slot: Int?) {
    if let slot {
      (kept[slot], current) = (Value(current.source, mask: current.mask), Self.nothing)
    } else if !graph.plan.passesStates, !current.states.isEmpty {
      current.states = []
    }
  }

  private mutating func value(_ read: PassPlan.Read) -> Value {
    guard let slot = read.slot, let value = kept[slot] else { return Value(current.source, mask: current.mask) }
    if read.isLast { kept[slot] = nil }
    return value
  }
}

/// What comes of a pass.
extension GraphPass {
  /// Every output.
  mutating func outputs() -> [Value] {
    graph.plan.passesStates ? current.values : graph.pass.outputs.map { value($0) }
  }

  /// The first output, with the others behind it.
  mutating func output() -> Signal {
    if graph.plan.passesStates { return current }
    let values = outputs()
    var output = Signal(values[0])
    output.furtherValues = values.dropFirst().map(\.tensor)
    return output
  }

  /// Every output that has a name up to the function that it goes through last, and that function.
  mutating func outputsBeforeActivations() -> [(value: Value, activation: Activation)] {
    zip(graph.pass.outputs, graph.pass.lastSteps).map { read, last in
      guard let step = last.map({ graph.pass.steps[$0] }), let activation = step.activation else {
        return (value(read), .linear)
      }
      return (step.slotBeforeActivation.flatMap { kept[$0] } ?? value(read), activation)
    }
  }

  /// What a call is given that comes next; of several inputs the others are states.
  mutating func input(of call: Int) -> Signal {
    let reads = graph.pass.steps[call].inputs
    if reads.count == 1, reads[0].slot == nil { return current }
    let values = reads.map { value($0) }
    var input = Signal(values[0])
    input.states = values.dropFirst().map(\.tensor)
    return input
  }
}

extension Signal {
  /// Makes a signal of a value alone.
  init(_ value: Value) { self.init(value.source, mask: value.mask, states: []) }

  /// The value, further ones and the states as a list.
  var values: [Value] {
    [Value(source, mask: mask)] + furtherValues.map { Value($0, mask: mask) } + states.map { Value($0) }
  }
}

extension Layer {
  /// What the layer gives, in the number that it says: a layer of one's own may say another.
  func checked<Output>(_ outputs: [Output]) throws(RecurraError) -> [Output] {
    guard outputs.count != outputCount else { return outputs }
    throw failure(expected: "\(outputCount) outputs", got: "\(outputs.count)")
  }
}
