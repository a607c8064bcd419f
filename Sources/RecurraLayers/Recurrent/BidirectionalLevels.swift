internal import RecurraCells
internal import RecurraTensor

/// How the two stacks of a `Bidirectional` are run.
extension Bidirectional {
  /// A layer of either stack at the same height, and what they read and give out.
  struct Level {
    let layers: [any RecurrentLayer]
    let inputs: [InputSource]
    let directions: [RecurrentDirection]
    /// One tensor, side by side, where that is all the merge needs.
    var outputs: [Tensor] = []
    /// The final states of either layer.
    var states: [[Tensor]] = []
  }

  /// Runs the stacks from the bottom to the top.
  func levels(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> [Level] {
    let counts = [forwardLayers, backwardLayers].map { layers in layers.map { $0.cell.stateCount } }
    let stateCount = counts[0].reduce(0, +) + counts[1].reduce(0, +)
    guard input.states.isEmpty || input.states.count == stateCount else {
      throw failure(expected: "\(stateCount) initial states", got: "\(input.states.count)")
    }
    var remaining = [input.states.prefix(counts[0].reduce(0, +)), input.states.dropFirst(counts[0].reduce(0, +))]
    var (sources, levels) = ([input.source, input.source], [Level]())
    for height in forwardLayers.indices {
      let layers = [forwardLayers[height], backwardLayers[height]]
      var directions: [RecurrentDirection] = []
      for (place, layer) in layers.enumerated() {
        let states = Array(remaining[place].prefix(layer.cell.stateCount))
        remaining[place] = remaining[place].dropFirst(states.count)
        let signal = Signal(sources[place], lengths: input.lengths, states: [])
        directions.append(try layer.direction(signal, states, context, isReversed: place == 1))
      }
      var level = Level(layers: layers, inputs: sources, directions: directions)
      let isTop = height == forwardLayers.count - 1
      run(
        &level, input.lengths, returnsSequences: !isTop || forwardLayer.options.returnSequences, isBottom: height == 0)
      if !isTop {
        if level.outputs.count == 1 { level.outputs = halves(level) }
        sources = level.outputs.map { .tensor($0) }
      }
      levels.append(level)
    }
    return levels
  }

  /// Runs both directions at the same time: as one operation where they read the same, else as two on separate threads.
  private func run(_ level: inout Level, _ lengths: [Int]?, returnsSequences: Bool, isBottom: Bool) {
    if isBottom, runsAsOne {
      let both = level.inputs[0].recurrent(
        level.layers[0].cell, level.directions, lengths: lengths, returnsSequences: returnsSequences, padding: .zero)
      let half = level.layers[0].cell.stateCount
      level.outputs = [both.output]
      level.states = [Array(both.states.prefix(half)), Array(both.states.dropFirst(half))]
      if merge != .concat { level.outputs = halves(level) }
      return
    }
    let results = Guarded<[RecurrentOutput?]>([nil, nil])
    let stage = level
    Threads.run(2) { place in
      let result = stage.inputs[place].recurrent(
        stage.layers[place].cell, [stage.directions[place]], lengths: lengths, returnsSequences: returnsSequences,
        padding: .zero)
      results.withLock { $0[place] = result }
    }
    let outputs = results.withLock { $0 }.compactMap { $0 }
    level.outputs = outputs.map(\.output)
    level.states = outputs.map(\.states)
  }

  /// The outputs of both directions, which lie side by side.
  private func halves(_ level: Level) -> [Tensor] {
    level.outputs[0].split(level.layers.map { $0.options.units }, axis: -1)
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
