public import RecurraTensor

/// The minimal LSTM, whose gates and candidate see the input alone, and whose gates add up to 1: f, i = σ(x·W + b),
/// n = act(x·W + b), h′ = f/(f + i)⊙h + i/(f + i)⊙n. Slots f i n.
///
/// - Source: Feng et al. 2024 (arXiv:2410.01201).
public struct MinLSTMCell: GatedCell {
  /// "MinLSTM".
  public static let name = "MinLSTM"
  /// The function of the candidate; the gates' is the sigmoid.
  public static var settings: [CellSetting<Self>] { [.activation("activation", \.activation)] }

  /// The function of the candidate.
  public var activation: Activation

  /// Makes a cell.
  public init(activation: Activation) { self.activation = activation }
  /// Makes a cell with a linear candidate, as the source has it.
  public init() { self.init(activation: .linear) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 3 }
  /// No: h is mixed unit by unit.
  public var hasStateProducts: Bool { false }
  /// The gates and the candidate.
  public var slotNames: [String] { ["forget", "input", "candidate"] }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.input, gates: 0..<3, slot: 0)]] }
  /// The candidate's arguments, where its function's slope needs them.
  public func savedCount(units: Int) -> Int { activation.needsArgument ? units : 0 }

  /// Computes the gates, the candidate and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    // Where both gates are all but shut, their arguments' difference alone decides: both are moved up, so that neither
    // becomes 0.
    let least: S = -40
    for row in 0..<step.rows {
      let (f, h, next) = (step.gates[row], step.h[row], step.nextH[row])
      let (i, n) = (f + units, f + 2 * units)
      for u in 0..<units {
        let missing = least - (f[u] > i[u] ? f[u] : i[u])
        let up = missing > 0 ? missing : 0
        f[u] += up
        i[u] += up
      }
      if activation.needsArgument { step.saved[row].update(from: n, count: units) }
      Activation.sigmoid.apply(f, 2 * units)
      activation.apply(n, units)
      for u in 0..<units { next[u] = h[u] + i[u] / (f[u] + i[u]) * (n[u] - h[u]) }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    step.inSpans { row, span, temporary in
      let (units, count, ofCandidate) = (step.units, span.count, temporary[0])
      let f = step.gates[row] + span.lowerBound
      let (i, n) = (f + units, f + 2 * units)
      let (h, dh) = (step.h[row] + span.lowerBound, step.dh[row] + span.lowerBound)
      activation.slopes(of: n, at: step.saved[row] + span.lowerBound, into: ofCandidate, count)
      for u in 0..<count {
        let (forget, input, up) = (f[u], i[u], dh[u])
        let entering = input / (forget + input)
        let kept = forget / (forget + input)
        let both = up * (n[u] - h[u]) * entering * kept
        f[u] = -both * (1 - forget)
        i[u] = both * (1 - input)
        n[u] = up * entering * ofCandidate[u]
        dh[u] = up * kept
      }
    }
  }
}
