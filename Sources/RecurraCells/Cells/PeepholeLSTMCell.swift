internal import CRecurraKernels
public import RecurraTensor

/// An LSTM whose gates also look at the memory, unit by unit.
///
/// i, f = σ(x·W + h·U + b + p⊙c), c̃ = act(x·W + h·U + b), c′ = f⊙c + i⊙c̃,
/// o = σ(x·W + h·U + b + p⊙c′), h′ = o⊙act(c′). Slots i f c o; three peepholes p, [H] each.
///
/// - Source: Gers & Schmidhuber 2000; Gers, Schraudolph & Schmidhuber 2002; ONNX's LSTM with input P.
public struct PeepholeLSTMCell: LSTMVariant {
  /// "PeepholeLSTM".
  public static let name = "PeepholeLSTM"

  /// The function of the candidate and of the memory.
  public var activation: Activation
  /// The function of the gates.
  public var recurrentActivation: Activation
  /// Tells whether the bias of the forget gate starts at 1.
  public var unitForgetBias: Bool

  /// Makes a cell.
  public init(activation: Activation, recurrentActivation: Activation = .sigmoid, unitForgetBias: Bool = true) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.unitForgetBias = unitForgetBias
  }
  /// Makes a cell with tanh and sigmoid.
  public init() { self.init(activation: .tanh) }

  /// What each gate makes of the memory, [H] each.
  public func parameters(inputs: Int, units: Int) -> [CellParameter] {
    ["input_peephole", "forget_peephole", "output_peephole"].map { CellParameter($0, [units]) }
  }
  /// The vector kernels, for the functions they have.
  public var kernel: CellKernel? { hasUsualFunctions ? Self.kernel : nil }
  private static let kernel = CellKernel(\.peephole)

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, ofInput) = (step.units, step.parameters)
    let (ofForget, ofOutput) = (ofInput + units, ofInput + 2 * units)
    for row in 0..<step.rows {
      let (i, c, newC, h) = (step.gates[row], step.c[row], step.nextC[row], step.nextH[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      for u in 0..<units {
        i[u] += ofInput[u] * c[u]
        f[u] += ofForget[u] * c[u]
      }
      if keepsArguments { step.saved[row].update(from: i, count: 3 * units) }
      recurrentActivation.apply(i, 2 * units)
      activation.apply(candidate, units)
      for u in 0..<units {
        newC[u] = f[u] * c[u] + i[u] * candidate[u]
        o[u] += ofOutput[u] * newC[u]
      }
      if keepsArguments { (step.saved[row] + 3 * units).update(from: o, count: units) }
      recurrentActivation.apply(o, units)
      activation.apply(to: newC, into: h, units)
      for u in 0..<units { h[u] *= o[u] }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let units = step.units
    step.inSpans { row, span, temporary in
      let count = span.count
      let (i, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      let (c, newC) = (step.c[row] + span.lowerBound, step.nextC[row] + span.lowerBound)
      let (dh, dc) = (step.dh[row] + span.lowerBound, step.dc[row] + span.lowerBound)
      let ofInput = step.parameters + span.lowerBound
      let (ofForget, ofOutput) = (ofInput + units, ofInput + 2 * units)
      let (output, ofMemory, ofGate) = (temporary[0], temporary[1], temporary[2])
      activation.apply(to: newC, into: output, count)
      activation.slopes(of: output, at: newC, into: ofMemory, count)
      recurrentActivation.slopes(of: o, at: saved + 3 * units, into: ofGate, count)
      for u in 0..<count {
        let gate = dh[u] * output[u] * ofGate[u]
        dc[u] += dh[u] * o[u] * ofMemory[u] + gate * ofOutput[u]
        (o[u], dh[u]) = (gate, 0)
      }
      let (ofF, ofCandidate) = (temporary[1], temporary[3])
      recurrentActivation.slopes(of: i, at: saved, into: ofGate, count)
      recurrentActivation.slopes(of: f, at: saved + units, into: ofF, count)
      activation.slopes(of: candidate, at: saved + 2 * units, into: ofCandidate, count)
      for u in 0..<count {
        let (memory, kept, entered) = (dc[u], f[u], i[u])
        f[u] = memory * c[u] * ofF[u]
        i[u] = memory * candidate[u] * ofGate[u]
        candidate[u] = memory * entered * ofCandidate[u]
        dc[u] = memory * kept + i[u] * ofInput[u] + f[u] * ofForget[u]
      }
    }
  }

  /// Adds the gradients of the peepholes: those of each gate's pre-activation times the memory that it looked at.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    let all = step.units
    for row in 0..<step.rows {
      let (i, c, newC) = (step.gates[row], step.c[row], step.nextC[row])
      let (f, o) = (i + all, i + 3 * all)
      for u in units {
        sums[u] += i[u] * c[u]
        sums[all + u] += f[u] * c[u]
        sums[2 * all + u] += o[u] * newC[u]
      }
    }
  }
}
