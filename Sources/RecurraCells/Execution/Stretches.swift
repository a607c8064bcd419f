import RecurraTensor

/// The stretches of one direction, in the order in which it runs them.
struct Stretches: Sendable {
  let call: SequenceCall
  let direction: RecurrentDirection
  let chunks: TimeChunks
  /// The timesteps of each stretch.
  let ranges: [Range<Int>]

  init(_ call: SequenceCall, _ direction: RecurrentDirection, _ chunks: TimeChunks) {
    (self.call, self.direction, self.chunks) = (call, direction, chunks)
    let timesteps = call.input.shape[1]
    let ranges = stride(from: 0, to: timesteps, by: chunks.size).map { $0..<min($0 + chunks.size, timesteps) }
    self.ranges = direction.isReversed ? ranges.reversed() : ranges
  }

  /// Runs one stretch of an input from some states.
  func run(
    _ index: Int, of input: InputSource, _ direction: RecurrentDirection, from states: [Tensor]
  ) -> RecurrentOutput {
    run(index, ofStretch: input.timesteps(ranges[index]), direction, from: states)
  }

  /// The same, of the stretch's own timesteps.
  func run(
    _ index: Int, ofStretch input: InputSource, _ direction: RecurrentDirection, from states: [Tensor]
  ) -> RecurrentOutput {
    let range = ranges[index]
    let lengths = call.walk.lengths.map { $0.map { min(max($0 - range.lowerBound, 0), range.count) } }
    return SequenceCall(
      cell: call.cell, directions: [direction.starting(at: states)], input: input,
      walk: TimeWalk(lengths: lengths), returnsSequences: call.returnsSequences, padding: .zero,
      returnsMemories: call.returnsMemories
    ).run()
  }

  /// Runs all stretches, each from the numbers that the one before ended with.
  func runAll() -> RecurrentOutput {
    var (states, outputs, memories) = (direction.initialStates, [Tensor](), [Tensor]())
    let pieces = split()
    for index in ranges.indices {
      let from = index == 0 ? states : states.map(\.detached)
      let result =
        pieces.map { run(index, ofStretch: .tensor($0[index].contiguous), direction, from: from) }
        ?? run(index, of: call.input, direction, from: from)
      states = result.states
      if call.returnsSequences { outputs.append(result.output) }
      if let own = result.memories { memories.append(own) }
    }
    return RecurrentOutput(output: output(outputs, states), states: states, memories: inOrder(memories))
  }

  /// A tracked input in stretches, cut once: each slice alone would have a gradient as long as the whole. nil for any
  /// other.
  private func split() -> [Tensor]? {
    guard case .tensor(let tensor) = call.input, tensor.isTracked else { return nil }
    let inTime = direction.isReversed ? ranges.reversed() : ranges
    let pieces = tensor.split(inTime.map(\.count), axis: 1)
    return direction.isReversed ? pieces.reversed() : pieces
  }

  /// What the direction gives out: the outputs of all stretches in the order of time, or the last ones.
  func output(_ outputs: [Tensor], _ states: [Tensor]) -> Tensor {
    call.returnsSequences ? inOrder(outputs) ?? states[0] : ofRowsThatRan(states[0])
  }

  /// What all stretches gave out, in the order of time; nil where they gave nothing.
  func inOrder(_ outputs: [Tensor]) -> Tensor? {
    outputs.isEmpty ? nil : .concatenated(direction.isReversed ? outputs.reversed() : outputs, axis: 1)
  }

  /// The numbers of rows that have timesteps; zeros for the others.
  func ofRowsThatRan(_ numbers: Tensor) -> Tensor {
    guard let lengths = call.walk.lengths, lengths.contains(0) else { return numbers }
    let condition = Tensor(lengths.map { Int32($0) }, shape: [lengths.count, 1])
    return .select(condition, numbers, .zeros(numbers.shape, dtype: numbers.dtype))
  }
}
