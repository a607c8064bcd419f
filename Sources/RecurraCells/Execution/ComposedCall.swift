import RecurraTensor

/// One call of a layer whose cell is composed of tensor operations; their gradients make its own.
struct ComposedCall: Sendable {
  let cell: any ComposedCell
  let directions: [RecurrentDirection]
  let input: Tensor
  let lengths: [Int]?
  /// What the rows consist of, in the place of `lengths`.
  let pieces: SequencePieces?
  let returnsSequences: Bool
  let padding: PaddedOutput
  let returnsMemories: Bool
  let keepsTrace: Bool

  /// What a direction gives out.
  private struct Walk: Sendable {
    var outputs: [Tensor] = []
    var last: Tensor
    var states: [Tensor]
    var memories: Tensor?
    var trace: RecurrentTrace?
  }

  func run() -> RecurrentOutput {
    let walks = Guarded<[Walk?]>(directions.map { _ in nil })
    let choice = MultiplierChoice.current
    Threads.run(directions.count) { index in
      let walk = MultiplierChoice.with(choice) { self.walk(directions[index]) }
      walks.withLock { $0[index] = walk }
    }
    let done = walks.withLock { $0 }.compactMap { $0 }
    let outputs = zip(directions, done).map { direction, walk in
      guard returnsSequences else { return walk.last }
      let output = Tensor.stacked(walk.outputs, axis: 1)
      guard let pieces, padding == .repeatsLast else { return output }
      return output.repeating(pieces.repeated(isReversed: direction.isReversed))
    }
    let memories = done.compactMap(\.memories)
    return RecurrentOutput(
      output: outputs.count == 1 ? outputs[0] : .concatenated(outputs, axis: -1), states: done.flatMap(\.states),
      memories: memories.count > 1 ? .concatenated(memories, axis: -1) : memories.first,
      traces: done.compactMap(\.trace))
  }

  /// Walks through time in the order of a direction. A row stands still at timesteps that are padding.
  private func walk(_ direction: RecurrentDirection) -> Walk {
    let (batch, timesteps, dtype) = (input.shape[0], input.shape[1], input.dtype)
    let parameters = direction.named(cell, inputs: input.shape[2])
    var states = direction.startStates(cell, batch: batch, dtype)
    // Cut once: each step's input is an output of one operation.
    let inputs = input.split([Int](repeating: 1, count: timesteps), axis: 1).map {
      $0.reshaped([batch, input.shape[2]])
    }
    let zeros = Tensor.zeros(states[0].shape, dtype: dtype)
    let (counts, beginnings) = (pieces.map(\.flags), pieces?.beginnings(isReversed: direction.isReversed))
    let anew = pieces?.beginsByItself == true && !direction.ownStates.isEmpty ? direction.ownStates : states
    /// Which rows are true at a timestep, [B, 1]; nil where none are.
    func rows(_ flags: [Bool], at time: Int) -> Tensor? {
      let truths = (0..<batch).map { Int32(flags[$0 * timesteps + time] ? 1 : 0) }
      return truths.contains(1) ? Tensor(truths, shape: [batch, 1]) : nil
    }
    /// Which rows are still running at a timestep; nil where all are.
    func valid(_ time: Int) -> Tensor? {
      guard let counts else { return running(time) }
      let truths = (0..<batch).map { Int32(counts[$0 * timesteps + time] ? 1 : 0) }
      return truths.contains(0) ? Tensor(truths, shape: [batch, 1]) : nil
    }
    var (outputs, last) = ([Tensor](repeating: zeros, count: timesteps), zeros)
    var steps = [[Tensor]](repeating: [], count: keepsTrace || returnsMemories ? timesteps : 0)
    for time in direction.isReversed ? Array((0..<timesteps).reversed()) : Array(0..<timesteps) {
      if let begins = beginnings.flatMap({ rows($0, at: time) }) {
        states = zip(anew, states).map { .select(begins, $0, $1) }
      }
      guard let isValid = valid(time) else {
        states = cell.next(inputs[time], states, parameters)
        (outputs[time], last) = (states[0], states[0])
        if !steps.isEmpty { steps[time] = states }
        continue
      }
      // What padding holds, even NaN, must reach neither a state nor a gradient.
      let x = Tensor.select(isValid, inputs[time], .zeros(inputs[time].shape, dtype: dtype))
      let next = cell.next(x, states, parameters)
      states = zip(next, states).map { .select(isValid, $0, $1) }
      last = .select(isValid, states[0], last)
      let repeats = padding == .repeatsLast && !direction.isReversed && pieces == nil
      outputs[time] = repeats ? last : .select(isValid, states[0], zeros)
      if !steps.isEmpty { steps[time] = states.map { .select(isValid, $0, .zeros($0.shape, dtype: dtype)) } }
    }
    var walk = Walk(outputs: outputs, last: last, states: states)
    if returnsMemories { walk.memories = .stacked(steps.map { $0[1] }, axis: 1) }
    if keepsTrace {
      func spread(_ index: Int) -> Tensor { .stacked(steps.map { $0[index].detached }, axis: 1) }
      walk.trace = RecurrentTrace(
        hidden: spread(0), memory: states.count > 1 ? spread(1) : nil,
        lengths: lengths ?? [Int](repeating: timesteps, count: batch))
    }
    return walk
  }

  /// Which rows are still running at a timestep, [B, 1]; nil where all are.
  private func running(_ time: Int) -> Tensor? {
    guard let lengths, lengths.contains(where: { $0 <= time }) else { return nil }
    return Tensor(lengths.map { Int32($0 > time ? 1 : 0) }, shape: [lengths.count, 1])
  }
}

/// Runs a composed cell step by step.
final class ComposedStepper {
  private let cell: any ComposedCell
  private let parameters: CellParameters
  private let initial: [Tensor]
  private(set) var states: [Tensor]

  init(_ cell: any ComposedCell, _ direction: RecurrentDirection, _ shape: [Int], _ dtype: DType) {
    self.cell = cell
    parameters = direction.named(cell, inputs: shape[1])
    initial = direction.startStates(cell, batch: shape[0], dtype)
    states = initial
  }

  func reset() { states = initial }

  func step(_ input: Tensor) -> Tensor {
    states = cell.next(input.detached, states, parameters)
    return states[0]
  }
}

extension ComposedCell {
  /// The step, held to what the cell says of its states.
  fileprivate func next(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor] {
    let next = step(x, states, parameters)
    check(
      next.count == states.count && zip(next, states).allSatisfy { $0.shape == $1.shape && $0.dtype == $1.dtype },
      "step of \(Self.name)", expected: "states \(states.map(\.shape))", got: "\(next.map(\.shape))")
    return next
  }
}

extension RecurrentDirection {
  /// The parameters by their names.
  fileprivate func named(_ cell: any ComposedCell, inputs: Int) -> CellParameters {
    CellParameters(cell.parameters(inputs: inputs, units: units(of: cell)), parameters)
  }

  /// The states to begin with; zeros where none are given.
  fileprivate func startStates(_ cell: any ComposedCell, batch: Int, _ dtype: DType) -> [Tensor] {
    guard initialStates.isEmpty else { return initialStates }
    return cell.stateWidths(units: units(of: cell)).map { .zeros([batch, $0], dtype: dtype) }
  }
}
