public import RecurraTensor

/// The minimal GRU, whose gate and candidate see the input alone: z = σ(x·W + b), n = act(x·W + b),
/// h′ = (1 − z)⊙h + z⊙n. Slots z n.
///
/// - Source: Feng et al. 2024 (arXiv:2410.01201).
public struct MinGRUCell: GatedCell {
  /// "MinGRU".
  public static let name = "MinGRU"
  /// The functions.
  public static var settings: [CellSetting<Self>] {
    [.activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation)]
  }

  /// The function of the candidate.
  public var activation: Activation
  /// The function of the gate.
  public var recurrentActivation: Activation

  /// Makes a cell.
  public init(activation: Activation, recurrentActivation: Activation = .sigmoid) {
    (self.activation, self.recurrentActivation) = (activation, recurrentActivation)
  }
  /// Makes a cell with a linear candidate and a sigmoid gate, as the source has them.
  public init() { self.init(activation: .linear) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 2 }
  /// No: h is mixed unit by unit.
  public var hasStateProducts: Bool { false }
  /// The gate and the candidate.
  public var slotNames: [String] { ["update", "candidate"] }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.input, gates: 0..<2, slot: 0)]] }
  /// The arguments, where a function's slope needs them.
  public func savedCount(units: Int) -> Int { keepsArguments ? 2 * units : 0 }
  private var keepsArguments: Bool { activation.needsArgument || recurrentActivation.needsArgument }

  /// Computes the gate, the candidate and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (z, h, next) = (step.gates[row], step.h[row], step.nextH[row])
      let n = z + units
      if keepsArguments { step.saved[row].update(from: z, count: 2 * units) }
      recurrentActivation.apply(z, units)
      activation.apply(n, units)
      for u in 0..<units { next[u] = h[u] + z[u] * (n[u] - h[u]) }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    step.inSpans { row, span, temporary in
      let (units, count) = (step.units, span.count)
      let (z, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (n, h, dh) = (z + units, step.h[row] + span.lowerBound, step.dh[row] + span.lowerBound)
      let (ofGate, ofCandidate) = (temporary[0], temporary[1])
      recurrentActivation.slopes(of: z, at: saved, into: ofGate, count)
      activation.slopes(of: n, at: saved + units, into: ofCandidate, count)
      for u in 0..<count {
        let (open, up) = (z[u], dh[u])
        z[u] = up * (n[u] - h[u]) * ofGate[u]
        n[u] = up * open * ofCandidate[u]
        dh[u] = up * (1 - open)
      }
    }
  }
}
