internal import RecurraCells
public import RecurraTensor

/// How a graph is run.
extension Model {
  /// Runs all layers.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    try GraphRun(self, inputs).run(context).outputs.map(\.value)
  }

  /// Runs all layers of a model of one input; outputs but the first are further values.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let values = try forward([Value(input.source, mask: input.mask)], context)
    var output = Signal(values[0].source, mask: values[0].mask, states: [])
    output.furtherValues = values.dropFirst().map(\.tensor)
    return output
  }

  /// Computes the outputs up to the last functions that they go through.
  public func forwardBeforeActivations(
    _ inputs: [Value], _ context: ForwardContext
  ) throws(RecurraError) -> [(value: Value, activation: Activation)] {
    try GraphRun(self, inputs, stopsBeforeActivations: true).run(context).outputs
  }

  /// Runs the layers that one depends on; of a layer that is called several times its first call counts.
  public func signal(reaching layer: Int, _ input: Signal) throws(RecurraError) -> Signal {
    let run = try GraphRun(self, [Value(input.source, mask: input.mask)], until: plan.calls(of: layer).first)
    let values = try run.run(ForwardContext()).inputs
    return Signal(values[0].source, mask: values[0].mask, states: values.dropFirst().map(\.tensor))
  }
}

/// One pass through a graph.
private struct GraphRun {
  private let model: Model
  private let inputs: [Value]
  /// Whether outputs are wanted from before the functions that they go through last.
  private let stopsBeforeActivations: Bool
  /// The call to stop in front of.
  private let end: Int?

  init(
    _ model: Model, _ inputs: [Value], stopsBeforeActivations: Bool = false, until end: Int? = nil
  ) throws(RecurraError) {
    guard model.isBuilt else { throw model.failure(expected: "a built model", got: "one that is not") }
    guard inputs.count == model.plan.inputs.count else {
      throw model.failure(expected: "\(model.plan.inputs.count) inputs", got: "\(inputs.count)")
    }
    self.model = model
    self.inputs = inputs
    self.stopsBeforeActivations = stopsBeforeActivations
    self.end = end
  }

  /// Runs the calls; `inputs` are those of the call to stop in front of.
  func run(
    _ context: ForwardContext
  ) throws(RecurraError) -> (outputs: [(value: Value, activation: Activation)], inputs: [Value]) {
    try BLAS.prepare()
    let plan = model.plan
    // What nothing reads any more is let go, so that inference holds no more than it needs.
    var readers = plan.readerCounts
    var nodes: [[Value?]] = inputs.map { [$0] }
    var before: [GraphPlan.Source: (value: Value, activation: Activation)] = [:]
    for (index, call) in plan.calls.enumerated() {
      var values: [Value] = []
      for source in call.inputs {
        if let value = nodes[source.node][source.output] { values.append(value) }
        readers[source.node][source.output] -= 1
        if readers[source.node][source.output] == 0 { nodes[source.node][source.output] = nil }
      }
      if index == end { return ([], values) }
      let source = GraphPlan.Source(node: nodes.count, output: 0)
      let context = context.forSublayer(index)
      let layer = model.layers[call.layer]
      let outputs = try model.naming(model.layerNames[call.layer]) { () throws(RecurraError) -> [Value?] in
        guard stopsBeforeActivations, values.count == 1, layer.outputCount == 1,
          let activation = layer.finalActivation, plan.outputs.contains(source)
        else { return try layer.checked(layer.forward(values, context)) }
        let signal = Signal(values[0].source, mask: values[0].mask, states: [])
        let output = try layer.forwardBeforeActivation(signal, context)
        before[source] = (Value(output.source, mask: output.mask), activation)
        // Other layers read the output itself; one more reader is the model.
        return [readers[source.node][0] > 1 ? Value(activation(output.value), mask: output.mask) : nil]
      }
      nodes.append(outputs)
    }
    return (
      plan.outputs.compactMap { source in
        before[source] ?? nodes[source.node][source.output].map { ($0, Activation.linear) }
      }, []
    )
  }
}

extension Layer {
  /// What the layer gives, in the number that it says: a user's own layer may say another.
  func checked<Output>(_ outputs: [Output]) throws(RecurraError) -> [Output] {
    guard outputs.count != outputCount else { return outputs }
    throw failure(expected: "\(outputCount) outputs", got: "\(outputs.count)")
  }
}
