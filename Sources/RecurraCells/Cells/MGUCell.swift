public import RecurraTensor

/// The minimal gated unit, whose one gate forgets and lets in: f = σ(x·W + h·U + b),
/// n = act(x·W + (f⊙h)·U + b), h′ = (1 − f)⊙h + f⊙n. Slots f n.
///
/// - Source: Zhou et al. 2016 (arXiv:1603.09420).
public struct MGUCell: GatedCell {
  /// "MGU".
  public static let name = "MGU"
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
  /// Makes a cell with tanh and sigmoid.
  public init() { self.init(activation: .tanh) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 2 }
  /// The gate and the candidate.
  public var slotNames: [String] { ["forget", "candidate"] }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] {
    [
      [GateProduct(.inputAndState, gates: 0..<1, slot: 0), GateProduct(.input, gates: 1..<2, slot: 1)],
      [GateProduct(.scratch, gates: 1..<2, slot: 1)],
    ]
  }
  /// The candidate, whose slot its gradient takes, and the arguments where a function's slope needs them.
  public func savedCount(units: Int) -> Int { keepsArguments ? 3 * units : units }
  private var keepsArguments: Bool { activation.needsArgument || recurrentActivation.needsArgument }

  /// Computes the gate, then the candidate and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (f, h, next, filtered) = (step.gates[row], step.h[row], step.nextH[row], step.scratch[row])
      let n = f + units
      let saved = step.saved[row]
      if keepsArguments { (saved + (1 + phase) * units).update(from: f + phase * units, count: units) }
      if phase == 0 {
        recurrentActivation.apply(f, units)
        for u in 0..<units { filtered[u] = f[u] * h[u] }
      } else {
        activation.apply(n, units)
        saved.update(from: n, count: units)
        for u in 0..<units { next[u] = h[u] + f[u] * (n[u] - h[u]) }
      }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    step.inSpans { row, span, temporary in
      let (units, count, slope) = (step.units, span.count, temporary[0])
      let (f, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (n, h, dh) = (f + units, step.h[row] + span.lowerBound, step.dh[row] + span.lowerBound)
      if phase == 1 {
        activation.slopes(of: n, at: saved + 2 * units, into: slope, count)
        for u in 0..<count { n[u] = dh[u] * f[u] * slope[u] }
      } else {
        let filtered = step.scratch[row] + span.lowerBound
        recurrentActivation.slopes(of: f, at: saved + units, into: slope, count)
        for u in 0..<count {
          let open = f[u]
          f[u] = (dh[u] * (saved[u] - h[u]) + filtered[u] * h[u]) * slope[u]
          dh[u] = dh[u] * (1 - open) + filtered[u] * open
        }
      }
    }
  }
}
