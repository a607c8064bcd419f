import RecurraTensor

/// A direction of which only the states between stretches are kept; on the way back each stretch is run again.
///
/// With stretches of √T timesteps that is √T states and what one stretch keeps, for a third more work.
///
/// - Source: Chen et al. 2016 (arXiv:1604.06174).
final class RecomputedCall: Sendable {
  private let stretches: Stretches
  private let call: SequenceCall
  private let direction: RecurrentDirection
  /// What the stretches read, without a history.
  private let input: InputSource

  init(_ stretches: Stretches) {
    self.stretches = stretches
    (call, direction) = (stretches.call, stretches.direction.detached)
    let given = stretches.call.input
    input = given.lookup.map { $0.isShortcut ? .lookup($0.detached) : .tensor(given.tensor.detached) } ?? given.detached
  }

  func run() -> RecurrentOutput {
    var (entering, outputs, memories) = ([[Tensor]](), [Tensor](), [Tensor]())
    var states = direction.initialStates
    for index in stretches.ranges.indices {
      entering.append(states)
      let result = stretches.run(index, of: input, direction, from: states)
      states = result.states
      if call.returnsSequences { outputs.append(result.output) }
      if let own = result.memories { memories.append(own) }
    }
    let given = stretches.direction
    let source = call.input.lookup.flatMap { $0.isShortcut ? $0.table : nil } ?? call.input.tensor
    let parents =
      [source, given.weights] + (given.bias.map { [$0] } ?? []) + given.parameters + given.initialStates
    let memory = stretches.inOrder(memories)
    let values = [stretches.output(outputs, states)] + states + (memory.map { [$0] } ?? [])
    let (kept, needsInput) = (entering, source.isTracked)
    let node = Node(
      of: parents.map(\.origin), outputCount: values.count,
      gradients: { upstream in
        Threads.withRoom { self.goBack(upstream, kept, needsInput: needsInput) }
      })
    let tracked = values.enumerated().map { $1.with(origin: Origin(node: node, output: $0)) }
    return RecurrentOutput(
      output: tracked[0], states: Array(tracked[1...states.count]), memories: memory.flatMap { _ in tracked.last })
  }

  /// Goes back through the stretches, the last one first; gives the gradients of the input or its table, of the
  /// weights, of the bias, of named parameters and of initial states.
  private func goBack(_ upstream: [Tensor?], _ entering: [[Tensor]], needsInput: Bool) -> [Gradient?] {
    let leaves = ([direction.weights] + (direction.bias.map { [$0] } ?? []) + direction.parameters).map(\.tracked)
    let hasBias = direction.bias != nil
    let own = RecurrentDirection(
      weights: leaves[0], bias: hasBias ? leaves[1] : nil, parameters: Array(leaves.dropFirst(hasBias ? 2 : 1)),
      isReversed: direction.isReversed, packed: direction.packed, version: direction.version)
    let memories = call.returnsMemories ? upstream.last.flatMap { $0 } : nil
    var states = Array(upstream.dropFirst().prefix(entering[entering.count - 1].count))
    if !call.returnsSequences, let last = upstream[0].map(stretches.ofRowsThatRan) {
      states[0] = states[0].map { $0 + last } ?? last
    }
    var sums = [Gradient?](repeating: nil, count: leaves.count)
    var (table, inputs) = (Gradient?.none, [Tensor]())
    for index in stretches.ranges.indices.reversed() {
      let range = stretches.ranges[index]
      // Behind a cut only outputs bring gradients: where there are none the stretch need not be run again.
      guard states.contains(where: { $0 != nil }) || call.returnsSequences && upstream[0] != nil || memories != nil
      else {
        if case .tensor(let tensor) = input, needsInput {
          inputs.append(.zeros([tensor.shape[0], range.count, tensor.shape[2]], dtype: tensor.dtype))
        }
        continue
      }
      let starts = entering[index].map(\.tracked)
      let read = needsInput ? input.timesteps(range).tracked : input.timesteps(range)
      let result = stretches.run(index, ofStretch: read, own, from: starts)
      var ends = zip(result.states, states).compactMap { end, gradient in gradient.map { (end, $0) } }
      if call.returnsSequences, let output = upstream[0] {
        ends.append((result.output, output.sliced(range, axis: 1).contiguous))
      }
      if let own = result.memories, let memories { ends.append((own, memories.sliced(range, axis: 1).contiguous)) }
      let sources = leaves + starts + (needsInput ? [read.leaf] : [])
      let gradients = Tensor.sparseGradients(of: ends, withRespectTo: sources)
      for place in leaves.indices { sums[place] = sums[place].map { $0 + gradients[place] } ?? gradients[place] }
      let ofStarts = gradients[leaves.count..<leaves.count + starts.count].map(\.dense)
      states = chunks.cutsGradients && index > 0 ? starts.map { _ in nil } : ofStarts
      guard needsInput, let gradient = gradients.last else { continue }
      if case .lookup = input { table = table.map { $0 + gradient } ?? gradient } else { inputs.append(gradient.dense) }
    }
    var source = table
    if !inputs.isEmpty {
      source = .dense(.concatenated(direction.isReversed ? inputs : inputs.reversed(), axis: 1))
    }
    return [source] + sums + (direction.initialStates.isEmpty ? [] : states.map { $0.map(Gradient.dense) })
  }

  private var chunks: TimeChunks { stretches.chunks }
}
