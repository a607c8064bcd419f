public import RecurraTensor

/// The long short-term memory cell: three gates filter what enters, stays in and leaves a memory.
///
/// i, f, o = σ(x·W + h·U + b), c̃ = act(x·W + h·U + b), c′ = f⊙c + i⊙c̃, h′ = o⊙act(c′).
/// Slots i f c o, as in Keras.
///
/// - Source: Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (forget gate).
public struct LSTMCell: RecurrentCell {
  /// The function of the candidate and of the memory.
  public let activation: Activation
  /// The function of the gates.
  public let recurrentActivation: Activation

  /// Makes a cell.
  public init(activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
  }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 4 }
  /// One tensor of state, or two with a memory.
  public var stateCount: Int { 2 }
  /// The gates, the candidate third.
  public var slotNames: [String] { ["input", "forget", "candidate", "output"] }
  /// The forget gate keeps, the input gate lets in.
  public var memoryGates: MemoryGates? { MemoryGates(keep: 1, enter: 0) }
  /// The products of a step.
  public var phases: [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<4, slot: 0)]] }
  /// The vector kernel, for the functions it has.
  public var kernel: CellKernel? { activation == .tanh && recurrentActivation == .sigmoid ? .lstm : nil }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (i, c, newC, h) = (step.gates[row], step.c[row], step.nextC[row], step.nextH[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      for u in 0..<units {
        i[u] = recurrentActivation.value(i[u])
        f[u] = recurrentActivation.value(f[u])
        candidate[u] = activation.value(candidate[u])
        o[u] = recurrentActivation.value(o[u])
        newC[u] = f[u] * c[u] + i[u] * candidate[u]
        h[u] = o[u] * activation.value(newC[u])
      }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (i, c, newC) = (step.gates[row], step.c[row], step.nextC[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      let (dh, dc) = (step.dh[row], step.dc[row])
      for u in 0..<units {
        let output = activation.value(newC[u])
        let memory = dc[u] + dh[u] * o[u] * activation.slope(output)
        let (kept, entered) = (f[u], i[u])
        o[u] = dh[u] * output * recurrentActivation.slope(o[u])
        f[u] = memory * c[u] * recurrentActivation.slope(kept)
        i[u] = memory * candidate[u] * recurrentActivation.slope(entered)
        candidate[u] = memory * entered * activation.slope(candidate[u])
        dc[u] = memory * kept
        dh[u] = 0
      }
    }
  }
}
