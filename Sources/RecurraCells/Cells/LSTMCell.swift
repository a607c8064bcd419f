internal import CRecurraKernels
public import RecurraTensor

/// The long short-term memory cell: three gates filter what enters, stays in and leaves a memory.
///
/// i, f, o = σ(x·W + h·U + b), c̃ = act(x·W + h·U + b), c′ = f⊙c + i⊙c̃, h′ = o⊙act(c′).
/// Slots i f c o, as in Keras.
///
/// - Source: Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (forget gate).
public struct LSTMCell: LSTMVariant {
  /// "LSTM".
  public static let name = "LSTM"

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

  /// The vector kernels, for the functions they have.
  public var kernel: CellKernel? { hasUsualFunctions ? Self.kernel : nil }
  private static let kernel = CellKernel(\.lstm)

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let units = step.units
    for row in 0..<step.rows {
      let (i, c, newC, h) = (step.gates[row], step.c[row], step.nextC[row], step.nextH[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      if keepsArguments { step.saved[row].update(from: i, count: 4 * units) }
      recurrentActivation.apply(i, 2 * units)
      activation.apply(candidate, units)
      recurrentActivation.apply(o, units)
      for u in 0..<units { newC[u] = f[u] * c[u] + i[u] * candidate[u] }
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
      let (output, slope) = (temporary[0], temporary[1])
      activation.apply(to: newC, into: output, count)
      activation.slopes(of: output, at: newC, into: slope, count)
      for u in 0..<count {
        dc[u] += dh[u] * o[u] * slope[u]
        output[u] *= dh[u]
        dh[u] = 0
      }
      let (ofInput, ofForget, ofCandidate) = (temporary[1], temporary[2], temporary[3])
      recurrentActivation.slopes(of: o, at: saved + 3 * units, into: o, count)
      recurrentActivation.slopes(of: i, at: saved, into: ofInput, count)
      recurrentActivation.slopes(of: f, at: saved + units, into: ofForget, count)
      activation.slopes(of: candidate, at: saved + 2 * units, into: ofCandidate, count)
      for u in 0..<count {
        let (memory, kept, entered) = (dc[u], f[u], i[u])
        o[u] *= output[u]
        f[u] = memory * c[u] * ofForget[u]
        i[u] = memory * candidate[u] * ofInput[u]
        candidate[u] = memory * entered * ofCandidate[u]
        dc[u] = memory * kept
      }
    }
  }
}
