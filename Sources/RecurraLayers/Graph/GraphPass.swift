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
    if !graph.plan.passesStates { current.states = [] }
    if graph.pass.inputSlots[0] != nil { keep(input, in: graph.pass.inputSlots[0]) }
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
      guard step.takesSignal else {
        try runLists(step, index)
        index += 1
        continue
      }
      let signal = taken(step.inputs[0])
      if step.stackCount > 1, let output = runStack(index, end, signal) {
        index += step.stackCount
        keep(signal.with(value: output), in: steps[index - 1].slots[0])
        continue
      }
      let context = context.forSublayer(index)
      let stops = stopsBeforeActivations && step.activation != nil
      var output = try graph.plan.naming(graph.plan.calls[index].layer) { () throws(RecurraError) in
        try stops ? step.layer.forwardBeforeActivation(signal, context) : step.layer.forward(signal, context)
      }
      if stops, let slot = step.slotBeforeActivation, let activation = step.activation {
        kept[slot] = Value(output.source, mask: output.mask)
        output.value = activation(output.value)
      }
      keep(output, in: step.slots[0])
      index += 1
    }
  }

  /// Runs a call of several inputs or outputs.
  private mutating func runLists(_ step: PassPlan.Step, _ index: Int) throws(RecurraError) {
    let inputs = step.inputs.map { value($0) }
    let context = context.forSublayer(index)
    let outputs = try graph.plan.naming(graph.plan.calls[index].layer) { () throws(RecurraError) in
      try step.layer.checked(step.layer.forward(inputs, context))
    }
    keep(Signal(outputs[0]), in: step.slots[0])
    for (slot, output) in zip(step.slots, outputs).dropFirst() { if let slot { kept[slot] = output } }
  }

  /// Runs recurrent layers that follow each other at the same time, where that is faster.
  private func runStack(_ first: Int, _ end: Int, _ input: Signal) -> Tensor? {
    let steps = graph.pass.steps
    let count = steps[first].stackCount
    guard first + count <= end, input.mask.isAll, input.states.isEmpty, input.shape.count == 3, !context.isRecording
    else { return nil }
    var (stack, inputs, returnsSequences) = ([StackedLayer](), input.shape[2], true)
    for step in steps[first..<first + count] {
      guard let layer = step.recurrent, let stacked = layer.stacked(inputs, context) else { return nil }
      stack.append(stacked)
      (inputs, returnsSequences) = (layer.options.units, layer.options.returnSequences)
    }
    return input.source.recurrentStack(stack, returnsSequences: returnsSequences)
  }

  private mutating func keep(_ output: Signal, in slot: Int?) {
    if let slot {
      (kept[slot], current) = (Value(output.source, mask: output.mask), Self.nothing)
    } else {
      current = output
      if !graph.plan.passesStates, !current.states.isEmpty { current.states = [] }
    }
  }

  private mutating func taken(_ read: PassPlan.Read) -> Signal { read.slot == nil ? current : Signal(value(read)) }

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
    if reads.count == 1 { return taken(reads[0]) }
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
