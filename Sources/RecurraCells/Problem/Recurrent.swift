public import RecurraTensor

/// Says what the output holds at padded timesteps; final states are those of the last valid timestep in any case.
public enum PaddedOutput: Sendable {
  /// The last output before the padding, as Keras' layers do; zeros where the direction has not started yet.
  case repeatsLast
  /// Zeros, as Keras' `zero_output_for_mask` and Bidirectional, ONNX' `sequence_lens` and PyTorch's packed sequences.
  case zero
}

/// What a recurrent layer gives out.
public struct RecurrentOutput: Sendable {
  /// Every output [B, T, D·H], or the last ones [B, D·H]; directions side by side. H is the width of the first state.
  public let output: Tensor
  /// The final states of each direction, h (and c), each [B, width].
  public let states: [Tensor]
  /// The memory c after every timestep, [B, T, D·W], 0 at masked ones; only where it was asked for. W is the width of
  /// the second state.
  public let memories: Tensor?
  /// What went on inside, for each direction; only where it was asked for.
  public let traces: [RecurrentTrace]

  /// Puts an output together.
  package init(output: Tensor, states: [Tensor], memories: Tensor? = nil, traces: [RecurrentTrace] = []) {
    (self.output, self.states, self.memories, self.traces) = (output, states, memories, traces)
  }
}

extension Tensor {
  /// Runs a recurrent layer over whole sequences: one differentiable operation, whatever the number of timesteps.
  ///
  /// All directions run at once, each on its own threads, and write side by side into one output.
  ///
  /// - Shapes: this tensor [B, T, I]; `lengths` B numbers in 0…T; output [B, T, D·H] or [B, D·H].
  /// - Parameters:
  ///   - cell: the arithmetic of a timestep.
  ///   - directions: weights and initial states of each direction, one or two.
  ///   - lengths: the valid timesteps of each row (right-padded); nil when all are full.
  ///   - returnsSequences: whether every hidden state is given out, or the last; zeros for a row without timesteps.
  ///   - padding: what the output holds at padded timesteps.
  ///   - keepsTrace: whether gates and memory are kept for reading.
  /// - Precondition: shapes agree, T ≥ 1, H ≥ 1, one or two directions, one floating element type.
  /// - Complexity: 2·B·T·(I+H)·G·H flops for each direction, three times that with gradients.
  public func recurrent(
    _ cell: any RecurrentCell, _ directions: [RecurrentDirection], lengths: [Int]? = nil, returnsSequences: Bool,
    padding: PaddedOutput = .repeatsLast, keepsTrace: Bool = false
  ) -> RecurrentOutput {
    InputSource.tensor(self).recurrent(
      cell, directions, TimeWalk(lengths: lengths), returnsSequences: returnsSequences, padding: padding,
      keepsTrace: keepsTrace)
  }
}

extension InputSource {
  /// The same, of an input that may have been looked up in a table: to the bit what it is for the vectors themselves.
  package func recurrent(
    _ cell: any RecurrentCell, _ directions: [RecurrentDirection], _ walk: TimeWalk, returnsSequences: Bool,
    padding: PaddedOutput, returnsMemories: Bool = false, keepsTrace: Bool = false
  ) -> RecurrentOutput {
    checkRecurrent(cell, directions, walk.lengths)
    check(
      !returnsMemories || cell.stateCount > 1, "recurrent", expected: "a cell with a memory", got: "one without")
    let call = SequenceCall(
      cell: cell, directions: directions, input: self, walk: walk, returnsSequences: returnsSequences,
      padding: padding, returnsMemories: returnsMemories, keepsTrace: keepsTrace)
    return call.run()
  }

  /// About how many nanoseconds a direction takes on one thread.
  package func nanoseconds(_ direction: RecurrentDirection) -> Int {
    Estimate().nanoseconds(multiplications: MemoryLimit.bytes(shape[0], shape[1], direction.parameterCount))
  }

  private func checkRecurrent(_ cell: any RecurrentCell, _ directions: [RecurrentDirection], _ lengths: [Int]?) {
    let (name, shape) = ("recurrent", shape)
    check(
      dtype.isFloating && shape.count == 3, name, expected: "a floating input [B, T, I]", got: "\(dtype) \(shape)")
    check(shape[1] > 0, name, expected: "at least one timestep", got: "\(shape)")
    check((1...2).contains(directions.count), name, expected: "one or two directions", got: "\(directions.count)")
    let units = directions[0].units(of: cell)
    check(units >= 1, name, expected: "at least one unit", got: "weights \(directions[0].weights.shape)")
    for direction in directions {
      direction.check(cell, name, dtype: dtype, batch: shape[0], inputs: shape[2], units: units)
    }
    if let lengths {
      check(
        lengths.count == shape[0] && lengths.allSatisfy { $0 >= 0 && $0 <= shape[1] }, name,
        expected: "\(shape[0]) lengths in 0…\(shape[1])", got: "\(lengths)")
    }
  }
}
