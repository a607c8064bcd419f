public import RecurraTensor

/// The GRU with layer normalisation, reset after the product: what x and h bring is normalised apart, the two gates
/// together and the candidate by itself.
///
/// z, r = σ(g⊙norm(x·W) + g′⊙norm(h·U) + b), n = act(g⊙norm(x·W) + b + r⊙(g′⊙norm(h·U) + b′)),
/// h′ = z⊙h + (1 − z)⊙n. Slots z r n of x, then those of h. Parameters `kernel_scale` g and `recurrent_scale` g′,
/// [3H] each, `bias` b [3H], `recurrent_bias` b′ [H].
///
/// - Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
public struct LayerNormGRUCell: GatedCell {
  /// "LayerNormGRU".
  public static let name = "LayerNormGRU"
  /// The functions, and the number added to variances.
  public static var settings: [CellSetting<Self>] {
    [
      .activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation),
      .number("epsilon", \.epsilon),
    ]
  }

  /// The function of the candidate.
  public var activation: Activation
  /// The function of the gates.
  public var recurrentActivation: Activation
  /// Added to every variance.
  public var epsilon: Double

  /// Makes a cell.
  public init(activation: Activation, recurrentActivation: Activation = .sigmoid, epsilon: Double = 1e-3) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.epsilon = epsilon
  }
  /// Makes a cell with tanh and sigmoid.
  public init() { self.init(activation: .tanh) }

  /// The number added to variances must be above 0.
  public func fault(units: Int) -> SettingFault? { SettingFault.bound("epsilon", epsilon) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 3 }
  /// The gates of x and of h.
  public var slotCount: Int { 6 }
  /// No: it is added behind the norms.
  public var hasSlotBias: Bool { false }
  /// Scales and biases.
  public func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [
      CellParameter("kernel_scale", [3 * units], .constant(1)),
      CellParameter("recurrent_scale", [3 * units], .constant(1)), CellParameter("bias", [3 * units], .bias),
      CellParameter("recurrent_bias", [units], .bias),
    ]
  }
  /// The gates; those of h are not of interest by then.
  public var slotNames: [String] { ["update", "reset", "candidate"] }
  /// The update gate keeps, and what it does not keep enters.
  public var memoryGates: MemoryGates? { MemoryGates(keep: 0, enter: nil) }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] {
    [[GateProduct(.input, gates: 0..<3, slot: 0), GateProduct(.state, gates: 0..<3, slot: 3)]]
  }
  /// The normalised products of x and h, the functions' arguments, the candidate from the state, and four scales.
  public func savedCount(units: Int) -> Int { 10 * units + 4 }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, all, norm) = (step.units, 3 * step.units, RowNormalization(epsilon: S(epsilon)))
    let (ofInput, ofState, bias) = (step.parameters, step.parameters + all, step.parameters + 2 * all)
    for row in 0..<step.rows {
      let (z, saved, h, next) = (step.gates[row], step.saved[row], step.h[row], step.nextH[row])
      let (r, n) = (z + units, z + 2 * units)
      let (inputs, states, arguments) = (saved, saved + all, saved + 2 * all)
      let (scales, inner) = (saved + 10 * units, saved + 3 * all)
      scales[0] = norm.forward(z, into: inputs, 2 * units)
      scales[1] = norm.forward(n, into: inputs + 2 * units, units)
      scales[2] = norm.forward(z + all, into: states, 2 * units)
      scales[3] = norm.forward(n + all, into: states + 2 * units, units)
      for u in 0..<(2 * units) { z[u] = ofInput[u] * inputs[u] + ofState[u] * states[u] + bias[u] }
      arguments.update(from: z, count: 2 * units)
      recurrentActivation.apply(z, 2 * units)
      for u in 0..<units {
        let column = 2 * units + u
        inner[u] = ofState[column] * states[column] + bias[all + u]
        n[u] = ofInput[column] * inputs[column] + bias[column] + r[u] * inner[u]
      }
      (arguments + 2 * units).update(from: n, count: units)
      activation.apply(n, units)
      for u in 0..<units { next[u] = z[u] * h[u] + (1 - z[u]) * n[u] }
    }
  }

  /// Computes the gradients of the products and of the previous state; what the named parameters' gradients are made of
  /// takes the place of what was kept.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (units, all, norm) = (step.units, 3 * step.units, RowNormalization(epsilon: S(epsilon)))
    let (ofInput, ofState) = (step.parameters, step.parameters + all)
    for row in 0..<step.rows {
      let (z, saved, h, dh) = (step.gates[row], step.saved[row], step.h[row], step.dh[row])
      let (r, n) = (z + units, z + 2 * units)
      let (inputs, states, arguments) = (saved, saved + all, saved + 2 * all)
      let (scales, inner) = (saved + 10 * units, saved + 3 * all)
      // What lies behind the gates of x is free until the end.
      let (ofZ, ofR, ofN) = (z + all, z + all + units, z + all + 2 * units)
      recurrentActivation.slopes(of: z, at: arguments, into: ofZ, units)
      recurrentActivation.slopes(of: r, at: arguments + units, into: ofR, units)
      activation.slopes(of: n, at: arguments + 2 * units, into: ofN, units)
      for u in 0..<units {
        let (up, keeping, reset) = (dh[u], z[u], r[u])
        let ofCandidate = up * (1 - keeping) * ofN[u]
        z[u] = up * (h[u] - n[u]) * ofZ[u]
        r[u] = ofCandidate * inner[u] * ofR[u]
        n[u] = ofCandidate
        inner[u] = ofCandidate * reset
        dh[u] = up * keeping
      }
      arguments.update(from: z, count: all)
      for u in 0..<(2 * units) { (z[u], z[all + u]) = (arguments[u] * ofInput[u], arguments[u] * ofState[u]) }
      for u in 0..<units {
        let column = 2 * units + u
        (n[u], n[all + u]) = (arguments[column] * ofInput[column], inner[u] * ofState[column])
      }
      norm.backward(z, inputs, scales[0], 2 * units)
      norm.backward(n, inputs + 2 * units, scales[1], units)
      norm.backward(z + all, states, scales[2], 2 * units)
      norm.backward(n + all, states + 2 * units, scales[3], units)
      for u in 0..<all {
        inputs[u] *= arguments[u]
        states[u] *= u < 2 * units ? arguments[u] : inner[u - 2 * units]
      }
    }
  }

  /// Adds the gradients of scales and biases, which lie ready in their order.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    for row in 0..<step.rows {
      let saved = step.saved[row]
      for block in 0..<10 {
        for u in units { sums[block * step.units + u] += saved[block * step.units + u] }
      }
    }
  }
}
