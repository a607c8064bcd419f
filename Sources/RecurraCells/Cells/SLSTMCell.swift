public import RecurraTensor

/// The LSTM with exponential gates of xLSTM, whose memory is divided by how much has entered it.
///
/// i = exp(x·W + h·U + b), f = σ or exp, o = σ, z = act(x·W + h·U + b), c′ = f⊙c + i⊙z, n′ = f⊙n + i,
/// h′ = o⊙c′/n′. Slots i f z o. States h, c, n and m, the logarithm by which c and n are kept small: they stand for
/// c·eᵐ and n·eᵐ, and no gate overflows.
///
/// - Source: Beck et al. 2024 (arXiv:2405.04517), one head.
public struct SLSTMCell: GatedCell {
  /// "SLSTM".
  public static let name = "SLSTM"
  /// The candidate's function, and the forget gate's.
  public static var settings: [CellSetting<Self>] {
    [.activation("activation", \.activation), .mark("exponential_forget", \.exponentialForget)]
  }

  /// The function of the candidate.
  public var activation: Activation
  /// Tells whether the forget gate is exponential too; otherwise it is a sigmoid.
  public var exponentialForget: Bool

  /// Makes a cell.
  public init(activation: Activation, exponentialForget: Bool = false) {
    (self.activation, self.exponentialForget) = (activation, exponentialForget)
  }
  /// Makes a cell with tanh and a sigmoid forget gate.
  public init() { self.init(activation: .tanh) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 4 }
  /// h, c, n and m, [H] each.
  public func stateWidths(units: Int) -> [Int] { [units, units, units, units] }
  /// The gates, the candidate third; input and forget as far as m leaves them.
  public var slotNames: [String] { ["input", "forget", "candidate", "output"] }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<4, slot: 0)]] }
  /// The forget gate's argument, and the candidate's.
  public func savedCount(units: Int) -> Int { 2 * units }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (i, saved, h) = (step.gates[row], step.saved[row], step.nextH[row])
      let (f, z, o) = (i + units, i + 2 * units, i + 3 * units)
      let (c, newC) = (step.c[row], step.nextC[row])
      let (n, m, newN, newM) = (c + units, c + 2 * units, newC + units, newC + 2 * units)
      saved.update(from: f, count: 2 * units)
      activation.apply(z, units)
      Activation.sigmoid.apply(o, units)
      if !exponentialForget { Activation.logSigmoid.apply(f, units) }
      for u in 0..<units {
        let (kept, entering, isFirst) = (f[u] + m[u], i[u], n[u] == 0)
        let most = isFirst || entering > kept ? entering : kept
        newM[u] = most
        i[u] = entering - most
        f[u] = isFirst ? -.infinity : kept - most
      }
      Activation.exponential.apply(i, 2 * units)
      for u in 0..<units {
        newC[u] = f[u] * c[u] + i[u] * z[u]
        newN[u] = f[u] * n[u] + i[u]
        h[u] = o[u] * newC[u] / newN[u]
      }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    step.inSpans { row, span, temporary in
      let (units, count) = (step.units, span.count)
      let (i, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (f, z, o) = (i + units, i + 2 * units, i + 3 * units)
      let (c, newC) = (step.c[row] + span.lowerBound, step.nextC[row] + span.lowerBound)
      let (n, newN) = (c + units, newC + units)
      let (dh, dc) = (step.dh[row] + span.lowerBound, step.dc[row] + span.lowerBound)
      let (dn, dm) = (dc + units, dc + 2 * units)
      let (ofCandidate, ofForget) = (temporary[0], temporary[1])
      activation.slopes(of: z, at: saved + units, into: ofCandidate, count)
      // ln σ has the slope 1 − σ.
      ofForget.update(from: saved, count: count)
      if !exponentialForget { Activation.sigmoid.apply(ofForget, count) }
      for u in 0..<count {
        let (ratio, up) = (newC[u] / newN[u], dh[u])
        let ofRatio = up * o[u] / newN[u]
        let memory = dc[u] + ofRatio
        let norm = dn[u] - ofRatio * ratio
        var ofInput = (memory * z[u] + norm) * i[u]
        var ofKept = (memory * c[u] + norm * n[u]) * f[u]
        // m′ is one of its two arguments; exp(0) is 1, exactly.
        let ofMost = dm[u] - ofInput - ofKept
        let isKept = i[u] != 1
        if isKept { ofKept += ofMost } else { ofInput += ofMost }
        (dc[u], dn[u], dm[u]) = (memory * f[u], norm * f[u], ofKept)
        z[u] = memory * i[u] * ofCandidate[u]
        i[u] = ofInput
        f[u] = exponentialForget ? ofKept : ofKept * (1 - ofForget[u])
        o[u] = up * ratio * o[u] * (1 - o[u])
        dh[u] = 0
      }
    }
  }
}
