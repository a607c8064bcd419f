internal import RecurraCells
internal import RecurraLayers
internal import RecurraTensor

/// Recurrent layers: ONNX' own operators where they say the same, else a Scan over the timesteps.
extension ONNXExporter {
  /// What a layer gives in one direction.
  struct Direction {
    /// Every output [B, T, H], in the order of time, and of a memory.
    var sequence: String
    var memories: String?
    /// The output after the last timestep, [B, H].
    var last: String
    var states: [String]
  }

  /// Says a layer, both directions, or a stack.
  mutating func recurrent(_ layer: any Layer, _ inputs: [ExportValue]) throws(RecurraError) -> [ExportValue] {
    guard let x = inputs.first, let parts = layer.recurrentParts else { throw failure("a recurrent layer", "another") }
    let shapes = try layer.outputShapes(for: inputs.map(\.shape))
    var states = inputs.dropFirst().map(\.name)[...]
    let options = parts.options
    var names: [String]
    var final: [String]
    if let both = layer as? Bidirectional {
      let forward = try stack(both.forwardLayers, x, &states, padsWithZeros: true)
      let backward = try stack(both.backwardLayers, x, &states, padsWithZeros: true)
      let sides = [forward, backward].map { options.returnSequences ? $0.sequence : $0.last }
      names = try merged(sides, both.merge)
      final = forward.states + backward.states
    } else if let stack = layer as? RNN {
      (names, final) = try self.stack(stack, x, &states)
    } else if let single = parts.forward.first, parts.forward.count == 1 {
      let run = try direction(single, x, &states, padsWithZeros: options.zeroOutputForMask)
      names = [options.returnSequences ? run.sequence : run.last]
      if options.returnSequences, options.goBackwards {
        names[0] = turned(run.sequence)
        if options.returnMemories, let memories = run.memories { names.append(turned(memories)) }
      } else if options.returnMemories, let memories = run.memories {
        names.append(memories)
      }
      final = run.states
    } else {
      throw failure("a recurrent layer that ONNX' operators can say", type(of: layer).typeName)
    }
    if options.returnState { names += final }
    guard names.count == shapes.count else { throw failure("\(shapes.count) outputs", "\(names.count)") }
    return zip(names, shapes).enumerated().map { index, output in
      ExportValue(
        name: output.0, shape: output.1, mask: index == 0 && options.returnSequences ? x.mask : nil)
    }
  }

  private mutating func merged(_ sides: [String], _ merge: Bidirectional.Merge) throws(RecurraError) -> [String] {
    switch merge {
    case .concat: [concatenate(sides, axis: -1)]
    case .sum: [graph.node("Add", sides)]
    case .average: [multiply(graph.node("Add", sides), 0.5)]
    case .multiply: [graph.node("Mul", sides)]
    case .none: sides
    }
  }

  /// A sequence from its end.
  private mutating func turned(_ x: String) -> String {
    graph.node("Slice", [x, graph.list([-1]), graph.list([-Int(Int32.max)]), graph.list([1]), graph.list([-1])])
  }

  /// Layers of one direction, each reading every output of the one below.
  private mutating func stack(
    _ layers: [any RecurrentLayer], _ x: ExportValue, _ states: inout ArraySlice<String>, padsWithZeros: Bool
  ) throws(RecurraError) -> Direction {
    var (value, final) = (x, [String]())
    var result: Direction?
    for layer in layers {
      let run = try direction(layer, value, &states, padsWithZeros: padsWithZeros)
      value.name = run.sequence
      value.shape = Array(x.shape.prefix(2)) + [layer.cell.stateWidths(units: layer.options.units).first]
      final += run.states
      result = run
    }
    guard var result else { throw failure("at least one layer", "none") }
    result.states = final
    return result
  }

  private mutating func stack(
    _ stack: RNN, _ x: ExportValue, _ states: inout ArraySlice<String>
  ) throws(RecurraError) -> ([String], [String]) {
    var (value, final, name) = (x, [String](), x.name)
    for (index, layer) in stack.layers.enumerated() {
      let isLast = index == stack.layers.count - 1
      let run = try direction(layer, value, &states, padsWithZeros: layer.options.zeroOutputForMask)
      let width = layer.cell.stateWidths(units: layer.options.units).first ?? 0
      let sequences = !isLast || layer.options.returnSequences
      name = sequences ? run.sequence : run.last
      if stack.residual, value.shape.last == width {
        guard sequences || value.mask == nil else { throw failure("residual sequences without masks", "masked ones") }
        let below = sequences ? value.name : squeeze(slice(value.name, -1, Int(Int32.max), axis: 1), [1])
        name = graph.node("Add", [name, below])
      }
      final += run.states
      value = ExportValue(name: name, shape: Array(x.shape.prefix(2)) + [width], mask: x.mask)
    }
    return ([name], final)
  }

  /// One layer over a sequence, from its beginning or its end.
  private mutating func direction(
    _ layer: any RecurrentLayer, _ x: ExportValue, _ states: inout ArraySlice<String>, padsWithZeros: Bool
  ) throws(RecurraError) -> Direction {
    let widths = layer.cell.stateWidths(units: layer.options.units)
    var initial = Array(states.prefix(widths.count))
    states = states.dropFirst(initial.count)
    if initial.isEmpty, layer.options.learnsInitialState {
      let rows = extents(x.name, 0..<1)
      for parameter in layer.parameters where parameter.name.hasPrefix("initial_state_") {
        let shape = concatenate([rows, graph.list(parameter.shape)], axis: 0)
        initial.append(graph.node("Expand", [graph.constant(parameter.value, "initial_state"), shape]))
      }
    }
    if x.mask == nil, let own = ONNXOperatorLayer(layer, dtype: graph.dtype) {
      return self.own(own, x, initial, isReversed: layer.options.goBackwards)
    }
    if initial.isEmpty { initial = widths.map { zeros(rowsOf: x.name, [$0]) } }
    return try scan(layer, x, initial, padsWithZeros: padsWithZeros)
  }

  /// RNN, LSTM or GRU.
  private mutating func own(
    _ layer: ONNXOperatorLayer, _ x: ExportValue, _ initial: [String], isReversed: Bool
  ) -> Direction {
    let steps = transpose(x.name, [1, 0, 2])
    var inputs = [steps, graph.constant(layer.kernel, "W"), graph.constant(layer.recurrent, "R")]
    inputs.append(layer.bias.map { graph.constant($0, "B") } ?? "")
    inputs.append("")
    inputs += initial.isEmpty ? [] : initial.map { unsqueeze($0, [0]) }
    if let peepholes = layer.peepholes {
      while inputs.count < 7 { inputs.append("") }
      inputs.append(graph.constant(peepholes, "P"))
    }
    while inputs.last == "" { inputs.removeLast() }
    var attributes = layer.attributes
    attributes.append(("direction", .text(isReversed ? "reverse" : "forward")))
    let outputs = graph.node(layer.type, inputs, attributes, outputs: layer.type == "LSTM" ? 3 : 2)
    let sequence = transpose(squeeze(outputs[0], [1]), [1, 0, 2])
    let states = outputs.dropFirst().map { squeeze($0, [0]) }
    return Direction(sequence: sequence, memories: nil, last: states[0], states: states)
  }
}
