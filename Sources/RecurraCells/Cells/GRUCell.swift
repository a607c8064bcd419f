internal import CRecurraKernels
public import RecurraTensor

/// The gated recurrent unit: z, r = σ(x·W + h·U + b), h′ = z⊙h + (1 − z)⊙n.
///
/// Reset after (Keras' default, cuDNN, PyTorch): n = act(x·W + b + r⊙(h·U + b′)), bias [2, 3H].
/// Reset before (the paper): n = act(x·W + (r⊙h)·U + b), bias [3H].
///
/// - Source: Cho et al. 2014 (arXiv:1406.1078); gate order z r h as in Keras.
public struct GRUCell: GatedCell {
  /// "GRU".
  public static let name = "GRU"
  /// The functions, and where the reset gate acts.
  public static var settings: [CellSetting<Self>] {
    [
      .activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation),
      .flag("reset_after", \.resetAfter), .number("clip", \.clip),
    ]
  }

  /// The function of the candidate.
  public var activation: Activation
  /// The function of the gates.
  public var recurrentActivation: Activation
  /// Tells whether the reset gate filters the product or the state.
  public var resetAfter: Bool
  /// The bound of every function's argument, as ONNX has it; nil for none.
  public var clip: Double?

  /// Makes a cell.
  public init(
    activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, resetAfter: Bool, clip: Double? = nil
  ) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.resetAfter = resetAfter
    self.clip = clip
  }
  /// Makes a cell with tanh, sigmoid and reset after the product.
  public init() { self.init(resetAfter: true) }

  /// A bound must be above 0.
  public func fault(units: Int) -> SettingFault? { SettingFault.bound("clip", clip) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 3 }
  /// Slots z, r, and the candidate; with reset after the candidate's input half and state half lie apart.
  public var slotCount: Int { resetAfter ? 4 : 3 }

  /// The gates and the candidate; with reset after, the part of the candidate that comes from the state besides.
  public var slotNames: [String] {
    ["update", "reset", "candidate"] + (resetAfter ? ["candidate from the state"] : [])
  }
  /// The update gate keeps, and what it does not keep enters.
  public var memoryGates: MemoryGates? { MemoryGates(keep: 0, enter: nil) }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] {
    let gates = GateProduct(.inputAndState, gates: 0..<2, slot: 0)
    let candidate = GateProduct(.input, gates: 2..<3, slot: 2)
    return resetAfter
      ? [[gates, candidate, GateProduct(.state, gates: 2..<3, slot: 3)]]
      : [[gates, candidate], [GateProduct(.scratch, gates: 2..<3, slot: 2)]]
  }

  /// The arguments of z, r and the candidate, where a function's slope needs them.
  public func savedCount(units: Int) -> Int { keepsArguments ? 3 * units : 0 }
  private var keepsArguments: Bool { gateFunction.needsArgument || candidateFunction.needsArgument }
  private var gateFunction: ClippedActivation { ClippedActivation(activation: recurrentActivation, bound: clip) }
  private var candidateFunction: ClippedActivation { ClippedActivation(activation: activation, bound: clip) }
  /// The vector kernels, for the functions they have.
  public var kernel: CellKernel? {
    resetAfter && activation == .tanh && recurrentActivation == .sigmoid && clip == nil ? Self.kernel : nil
  }
  private static let kernel = CellKernel(\.gru)

  /// The shape of the bias.
  public func biasShape(units: Int) -> [Int] { resetAfter ? [2, 3 * units] : [3 * units] }

  /// Spreads the bias over the slots.
  public func slotBias(_ bias: Tensor, units: Int) -> Tensor {
    guard resetAfter else { return bias }
    return bias.dtype == .float32 ? spread(bias, Float.self, units) : spread(bias, Double.self, units)
  }

  // Number by number: tensor operations on so little cost as much as some timesteps.
  private func spread<S: FloatingScalar>(_ bias: Tensor, _ type: S.Type, _ units: Int) -> Tensor {
    Tensor([4 * units], of: S.self) { slots in
      bias.contiguous.withPointer(of: S.self) { input in
        let state = input + 3 * units
        for u in 0..<(2 * units) { slots[u] = input[u] + state[u] }
        for u in (2 * units)..<(3 * units) { (slots[u], slots[units + u]) = (input[u], state[u]) }
      }
    }
  }

  /// Gathers the gradient of the bias.
  public func biasGradient(slots: Tensor, units: Int) -> Tensor {
    guard resetAfter else { return slots }
    let state = Tensor.concatenated([slots.sliced(0..<(2 * units)), slots.sliced((3 * units)..<(4 * units))])
    return .stacked([slots.sliced(0..<(3 * units)), state])
  }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, gate, candidate, keeps) = (step.units, gateFunction, candidateFunction, keepsArguments)
    for row in 0..<step.rows {
      let (z, h, next, scratch) = (step.gates[row], step.h[row], step.nextH[row], step.scratch[row])
      let (r, n, product) = (z + units, z + 2 * units, z + 3 * units)
      if phase == 0 {
        if keeps { step.saved[row].update(from: z, count: 2 * units) }
        gate.apply(z, 2 * units)
        if resetAfter {
          for u in 0..<units { n[u] += r[u] * product[u] }
        } else {
          for u in 0..<units { scratch[u] = r[u] * h[u] }
        }
      }
      guard resetAfter || phase == 1 else { continue }
      if keeps { (step.saved[row] + 2 * units).update(from: n, count: units) }
      candidate.apply(n, units)
      for u in 0..<units { next[u] = z[u] * h[u] + (1 - z[u]) * n[u] }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (gate, entering) = (gateFunction, candidateFunction)
    step.inSpans { row, span, temporary in
      let (units, count) = (step.units, span.count)
      let (z, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (r, n, product) = (z + units, z + 2 * units, z + 3 * units)
      let (h, dh, scratch) = (
        step.h[row] + span.lowerBound, step.dh[row] + span.lowerBound, step.scratch[row] + span.lowerBound
      )
      let (ofCandidate, ofGate) = (temporary[0], temporary[1])
      if resetAfter || phase == 1 {
        entering.slopes(of: n, at: saved + 2 * units, into: ofCandidate, count)
        gate.slopes(of: z, at: saved, into: ofGate, count)
        for u in 0..<count {
          let candidate = dh[u] * (1 - z[u]) * ofCandidate[u]
          let update = dh[u] * (h[u] - n[u]) * ofGate[u]
          dh[u] *= z[u]
          (z[u], n[u]) = (update, candidate)
        }
      }
      guard phase == 0 else { return }
      gate.slopes(of: r, at: saved + units, into: ofGate, count)
      for u in 0..<count {
        let reset = r[u]
        if resetAfter {
          r[u] = n[u] * product[u] * ofGate[u]
          product[u] = n[u] * reset
        } else {
          r[u] = scratch[u] * h[u] * ofGate[u]
          dh[u] += scratch[u] * reset
        }
      }
    }
  }
}
