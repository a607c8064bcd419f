internal import RecurraCells
internal import RecurraTensor

/// How the two stacks of a `Bidirectional` are run.
extension Bidirectional {
  /// A layer of either stack at the same height, and what they read and give out; the forward one first.
  struct Level {
    let layers: [any RecurrentLayer]
    let inputs: [InputSource]
    let directions: [RecurrentDirection]
    /// One tensor, side by side, where that is all the merge needs.
    var outputs: [Tensor] = []
    /// The final states of either layer.
    var states: [[Tensor]] = []
    /// What went on inside, where that was asked for.
    var traces: [RecurrentTrace] = []

    /// The call of either layer.
    func call(_ stack: Int, _ context: ForwardContext) -> NoisyCall {
      func call(_ layer: some RecurrentLayer) -> NoisyCall {
        NoisyCall.of(layer, inputs[stack], directions[stack], context)
      }
      return call(layers[stack])
    }
  }

  /// Runs both stacks; the outputs are one tensor, side by side, where that is all the merge needs.
  func run(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> (outputs: [Tensor], states: [Tensor]) {
    guard runsAsOne, forwardLayers.count == 1, forwardLayer.options.noise.isNone else {
      let levels = try levels(input, context)
      return (levels[levels.count - 1].outputs, (0..<2).flatMap { stack in levels.flatMap { $0.states[stack] } })
    }
    // One layer each way, as most models have it, is not worth the lists that stacks need.
    let (states, walk) = (try initialStates(input), try walk(over: input, context))
    let directions = [
      try forwardLayer.direction(input, Array(states.forward), context, isReversed: false),
      try backwardLayer.direction(input, Array(states.backward), context, isReversed: true),
    ]
    let both = asOne(input.source, directions, walk, returnsSequences: forwardLayer.options.returnSequences)
    let count = forwardLayer.cell.stateCount
    forwardLayer.carry(Array(both.states.prefix(count)))
    backwardLayer.carry(Array(both.states.dropFirst(count)))
    return (merge == .concat ? [both.output] : halves(both.output), both.states)
  }

  /// The states that either stack begins with; none where the input has none.
  private func initialStates(
    _ input: Signal
  ) throws(RecurraError) -> (forward: ArraySlice<Tensor>, backward: ArraySlice<Tensor>) {
    if input.states.isEmpty {
      var carried: [[Tensor]] = []
      for layers in [forwardLayers, backwardLayers] {
        var states: [Tensor] = []
        for layer in layers { states += try layer.states(toBegin: input) }
        carried.append(states)
      }
      return (carried[0][...], carried[1][...])
    }
    let (forward, backward) = (Self.stateCount(forwardLayers), Self.stateCount(backwardLayers))
    guard input.states.count == forward + backward else {
      throw failure(expected: "\(forward + backward) initial states", got: "\(input.states.count)")
    }
    return (input.states.prefix(forward), input.states.dropFirst(forward))
  }

  /// Runs the stacks from the bottom to the top.
  func levels(
    _ input: Signal, _ context: ForwardContext, keepsTraces: Bool = false
  ) throws(RecurraError) -> [Level] {
    let (states, walk) = (try initialStates(input), try walk(over: input, context))
    var remaining = [states.forward, states.backward]
    var (sources, levels) = ([input.source, input.source], [Level]())
    for height in forwardLayers.indices {
      let layers = [forwardLayers[height], backwardLayers[height]]
      var directions: [RecurrentDirection] = []
      for (stack, layer) in layers.enumerated() {
        let states = Array(remaining[stack].prefix(layer.cell.stateCount))
        remaining[stack] = remaining[stack].dropFirst(states.count)
        let signal = Signal(sources[stack], mask: input.mask, states: [])
        directions.append(try layer.direction(signal, states, context, isReversed: stack == 1))
      }
      var level = Level(layers: layers, inputs: sources, directions: directions)
      let isTop = height == forwardLayers.count - 1
      let returnsSequences = !isTop || forwardLayer.options.returnSequences
      if height == 0, runsAsOne, layers[0].options.noise.isNone {
        let both = asOne(
          sources[0], directions, walk, returnsSequences: returnsSequences, keepsTraces: keepsTraces)
        level.outputs = merge == .concat ? [both.output] : halves(both.output)
        let count = layers[0].cell.stateCount
        level.states = [Array(both.states.prefix(count)), Array(both.states.dropFirst(count))]
        level.traces = both.traces
      } else {
        runApart(
          &level, walk, context.forSublayer(height), returnsSequences: returnsSequences,
          keepsTraces: keepsTraces)
      }
      for (layer, states) in zip(layers, level.states) { layer.carry(states) }
      if !isTop {
        if level.outputs.count == 1 { level.outputs = halves(level.outputs[0]) }
        sources = level.outputs.map { .tensor($0) }
      }
      levels.append(level)
    }
    return levels
  }

  /// Runs the bottom layers, which read the same, as one operation, with the outputs side by side.
  func asOne(
    _ source: InputSource, _ directions: [RecurrentDirection], _ walk: TimeWalk, returnsSequences: Bool,
    keepsTraces: Bool = false
  ) -> RecurrentOutput {
    source.recurrent(
      forwardLayers[0].cell, directions, walk, returnsSequences: returnsSequences, padding: .zero,
      keepsTrace: keepsTraces)
  }

  /// Runs both directions of a level as two operations at the same time.
  private func runApart(
    _ level: inout Level, _ walk: TimeWalk, _ context: ForwardContext, returnsSequences: Bool, keepsTraces: Bool
  ) {
    let results = Guarded<[RecurrentOutput?]>([nil, nil])
    let (stage, multiplier) = (level, MultiplierChoice.current)
    let lasting = (0..<2).reduce(0) { $0 + level.inputs[$1].nanoseconds(level.directions[$1]) }
    Threads.run(2, lasting: lasting) { direction in
      // A choice that holds for the caller alone is not known on another thread.
      let call = stage.call(direction, context.forSublayer(direction))
      let result = MultiplierChoice.with(multiplier) {
        call.source.recurrent(
          call.cell, [call.direction], walk, returnsSequences: returnsSequences, padding: .zero,
          keepsTrace: keepsTraces)
      }
      let own = RecurrentOutput(output: result.output, states: call.own(result.states), traces: result.traces)
      results.withLock { $0[direction] = own }
    }
    let outputs = results.withLock { $0 }.compactMap { $0 }
    level.outputs = outputs.map(\.output)
    level.states = outputs.map(\.states)
    level.traces = outputs.flatMap(\.traces)
  }

  /// The outputs of both directions, which lie side by side.
  func halves(_ output: Tensor) -> [Tensor] {
    output.split([output.shape[output.rank - 1] / 2, output.shape[output.rank - 1] / 2], axis: -1)
  }

  private static func stateCount(_ layers: [any RecurrentLayer]) -> Int {
    layers.reduce(0) { $0 + $1.cell.stateCount }
  }

  /// Merges what the directions give out; one tensor is merged already.
  func merged(_ outputs: [Tensor]) -> Tensor {
    guard outputs.count == 2 else { return outputs[0] }
    switch merge {
    case .concat: return Tensor.concatenated(outputs, axis: -1)
    case .sum: return outputs[0] + outputs[1]
    case .average: return (outputs[0] + outputs[1]) * 0.5
    case .multiply: return outputs[0] * outputs[1]
    case .none: return outputs[0]
    }
  }
}
