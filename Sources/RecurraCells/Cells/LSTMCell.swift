internal import CRecurraKernels
public import RecurraTensor

/// The long short-term memory cell: three gates filter what enters, stays in and leaves a memory.
///
/// i, f, o = σ(x·W + h·U + b), c̃ = act(x·W + h·U + b), c′ = f⊙c + i⊙c̃, h′ = o⊙act(c′).
/// Slots i f c o, as in Keras; i c o where the gates are coupled. With a projection R, [H, P],
/// h′ = (o⊙act(c′))·R.
///
/// - Source: Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (forget gate); Gers, Schraudolph &
///   Schmidhuber 2002 (peepholes); Greff et al. 2017 (arXiv:1503.04069, coupled gates); ONNX's LSTM (clip); Sak,
///   Senior & Beaufays 2014 (arXiv:1402.1128, projection).
public struct LSTMCell: GatedCell {
  /// "LSTM".
  public static let name = "LSTM"
  /// The functions, and what makes another cell of the usual one.
  public static var settings: [CellSetting<Self>] {
    [
      .activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation),
      .flag("unit_forget_bias", \.unitForgetBias), .activation("output_activation", \.outputActivation),
      .mark("use_peepholes", \.usePeepholes), .mark("couple_gates", \.coupleGates), .number("clip", \.clip),
      .number("memory_clip", \.memoryClip), .integer("projection_units", \.projectionUnits),
    ]
  }

  /// The function of the candidate, and of the memory where no other is named.
  public var activation: Activation
  /// The function of the gates.
  public var recurrentActivation: Activation
  /// Tells whether the bias of the forget gate starts at 1.
  public var unitForgetBias: Bool
  /// The function of the memory as it is given out; nil for that of the candidate.
  public var outputActivation: Activation?
  /// Tells whether the gates look at the memory, unit by unit: i and f at c, o at c′, p⊙c added to each argument.
  public var usePeepholes: Bool
  /// Tells whether the memory forgets just what enters: f = 1 − i, a gate less.
  public var coupleGates: Bool
  /// The bound of the gates' and the candidate's arguments, as ONNX Runtime has it; nil for none.
  public var clip: Double?
  /// The bound of the memory itself, as cuDNN has it; nil for none.
  public var memoryClip: Double?
  /// The numbers that h is projected to; nil for none.
  public var projectionUnits: Int?

  /// Makes a cell.
  public init(
    activation: Activation, recurrentActivation: Activation = .sigmoid, unitForgetBias: Bool = true,
    outputActivation: Activation? = nil, usePeepholes: Bool = false, coupleGates: Bool = false, clip: Double? = nil,
    memoryClip: Double? = nil, projectionUnits: Int? = nil
  ) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.unitForgetBias = unitForgetBias
    self.outputActivation = outputActivation
    self.usePeepholes = usePeepholes
    self.coupleGates = coupleGates
    self.clip = clip
    self.memoryClip = memoryClip
    self.projectionUnits = projectionUnits
  }
  /// Makes a cell with tanh and sigmoid.
  public init() { self.init(activation: .tanh) }

  /// A bound must be above 0, and a projection not wider than h was.
  public func fault(units: Int) -> SettingFault? {
    if let projectionUnits, !(1...max(units, 1)).contains(projectionUnits) {
      return SettingFault("projection_units", expected: "in 1...\(units)", got: "\(projectionUnits)")
    }
    return SettingFault.bound("clip", clip) ?? SettingFault.bound("memory_clip", memoryClip)
  }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { coupleGates ? 3 : 4 }
  /// The gates, and what is projected.
  public var slotCount: Int { gateCount + (projectionUnits == nil ? 0 : 1) }
  /// h, [H] or [P], and c, [H].
  public func stateWidths(units: Int) -> [Int] { [projectionUnits ?? units, units] }
  /// What each gate makes of the memory, [H] each, where they look at it, and the projection.
  public func parameters(inputs: Int, units: Int) -> [CellParameter] {
    peepholes.map { CellParameter("\($0)_peephole", [units]) }
      + (projectionUnits.map { [CellParameter("projection_kernel", [units, $0])] } ?? [])
  }
  private var peepholes: [String] {
    guard usePeepholes else { return [] }
    return coupleGates ? ["input", "output"] : ["input", "forget", "output"]
  }
  /// The gates, the candidate before the last.
  public var slotNames: [String] {
    coupleGates ? ["input", "candidate", "output"] : ["input", "forget", "candidate", "output"]
  }
  /// The forget gate keeps, the input gate lets in.
  public var memoryGates: MemoryGates? { coupleGates ? nil : MemoryGates(keep: 1, enter: 0) }
  /// The forget gate, where that is asked for.
  public var gateOfUnitBias: Int? { unitForgetBias && !coupleGates ? 1 : nil }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] {
    let gates = [GateProduct(.inputAndState, gates: 0..<gateCount, slot: 0)]
    guard let projectionUnits else { return [gates] }
    let matrix = GateProduct.Matrix(parameter: peepholes.count, rows: units, columns: projectionUnits)
    return [gates, [GateProduct(scratch: 0, matrix, slot: gateCount)]]
  }
  /// What is projected.
  public func scratchCount(units: Int) -> Int { units }
  /// Nothing is added to what is projected.
  public func slotBias(_ bias: Tensor, units: Int) -> Tensor {
    projectionUnits == nil ? bias : .concatenated([bias, .zeros([units], dtype: bias.dtype)])
  }
  /// The gradients of the gates' slots.
  public func biasGradient(slots: Tensor, units: Int) -> Tensor { slots.sliced(0..<(gateCount * units)) }
  /// The pre-activations, where a function's slope needs them.
  public func savedCount(units: Int) -> Int { keepsArguments ? gateCount * units : 0 }

  /// The vector kernels, for what they compute.
  public var kernel: CellKernel? {
    guard activation == .tanh, recurrentActivation == .sigmoid, outputActivation ?? .tanh == .tanh, !coupleGates,
      projectionUnits == nil, clip == nil, memoryClip == nil
    else { return nil }
    return usePeepholes ? Self.withPeepholes : Self.plain
  }
  private static let plain = CellKernel(\.lstm)
  private static let withPeepholes = CellKernel(\.peephole)

  private var gateFunction: ClippedActivation { ClippedActivation(activation: recurrentActivation, bound: clip) }
  private var candidateFunction: ClippedActivation { ClippedActivation(activation: activation, bound: clip) }
  private var keepsArguments: Bool { gateFunction.needsArgument || candidateFunction.needsArgument }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    if phase == 1 { return project(step) }
    let (units, early) = (step.units, gateCount - 2)
    let (gate, entering, keeps) = (gateFunction, candidateFunction, keepsArguments)
    let leaving = outputActivation ?? activation
    for row in 0..<step.rows {
      let (i, c, newC) = (step.gates[row], step.c[row], step.nextC[row])
      let h = projectionUnits == nil ? step.nextH[row] : step.scratch[row]
      let (f, candidate, o) = (i + units, i + early * units, i + (early + 1) * units)
      if usePeepholes { look(at: c, from: i, early, through: step.parameters, units) }
      if keeps { step.saved[row].update(from: i, count: (early + 1) * units) }
      gate.apply(i, early * units)
      entering.apply(candidate, units)
      if coupleGates {
        for u in 0..<units { newC[u] = (1 - i[u]) * c[u] + i[u] * candidate[u] }
      } else {
        for u in 0..<units { newC[u] = f[u] * c[u] + i[u] * candidate[u] }
      }
      if let memoryClip {
        let most = S(memoryClip)
        for u in 0..<units { newC[u] = newC[u] > most ? most : newC[u] < -most ? -most : newC[u] }
      }
      if usePeepholes { look(at: newC, from: o, 1, through: step.parameters + early * units, units) }
      if keeps { (step.saved[row] + (early + 1) * units).update(from: o, count: units) }
      gate.apply(o, units)
      leaving.apply(to: newC, into: h, units)
      for u in 0..<units { h[u] *= o[u] }
    }
  }

  /// Gives out what has been projected.
  private func project<S: FloatingScalar>(_ step: GateForward<S>) {
    guard let projectionUnits else { return }
    for row in 0..<step.rows {
      step.nextH[row].update(from: step.gates[row] + gateCount * step.units, count: projectionUnits)
    }
  }

  /// Puts the gradient of h where the products will find it.
  private func unproject<S: FloatingScalar>(_ step: GateBackward<S>) {
    guard let projectionUnits else { return }
    for row in 0..<step.rows {
      let (slot, dh) = (step.gates[row] + gateCount * step.units, step.dh[row])
      for u in 0..<step.units { slot[u] = u < projectionUnits ? dh[u] : 0 }
      dh.update(repeating: 0, count: projectionUnits)
    }
  }

  /// Adds p⊙c to the arguments of some gates.
  @inline(__always)
  private func look<S: FloatingScalar>(
    at c: UnsafeMutablePointer<S>, from gates: UnsafeMutablePointer<S>, _ count: Int,
    through peepholes: UnsafePointer<S>, _ units: Int
  ) {
    for gate in 0..<count {
      let (sums, peephole) = (gates + gate * units, peepholes + gate * units)
      for u in 0..<units { sums[u] += peephole[u] * c[u] }
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    if phase == 1 { return unproject(step) }
    let (units, early) = (step.units, gateCount - 2)
    let (gate, entering, leaving) = (gateFunction, candidateFunction, outputActivation ?? activation)
    let ofOutput = projectionUnits == nil ? step.dh : step.scratch
    step.inSpans { row, span, temporary in
      let count = span.count
      let (i, saved) = (step.gates[row] + span.lowerBound, step.saved[row] + span.lowerBound)
      let (f, candidate, o) = (i + units, i + early * units, i + (early + 1) * units)
      let (c, newC) = (step.c[row] + span.lowerBound, step.nextC[row] + span.lowerBound)
      let (dh, dc) = (ofOutput[row] + span.lowerBound, step.dc[row] + span.lowerBound)
      let (output, slope) = (temporary[0], temporary[1])
      leaving.apply(to: newC, into: output, count)
      leaving.slopes(of: output, at: newC, into: slope, count)
      for u in 0..<count {
        dc[u] += dh[u] * o[u] * slope[u]
        output[u] *= dh[u]
        dh[u] = 0
      }
      gate.slopes(of: o, at: saved + (early + 1) * units, into: o, count)
      for u in 0..<count { o[u] *= output[u] }
      let peepholes = step.parameters + span.lowerBound
      if usePeepholes {
        let peephole = peepholes + early * units
        for u in 0..<count { dc[u] += o[u] * peephole[u] }
      }
      if let memoryClip {
        for u in 0..<count where newC[u].magnitude >= S(memoryClip) { dc[u] = 0 }
      }
      let (ofInput, ofForget, ofCandidate) = (temporary[1], temporary[2], temporary[3])
      gate.slopes(of: i, at: saved, into: ofInput, count)
      entering.slopes(of: candidate, at: saved + early * units, into: ofCandidate, count)
      if coupleGates {
        for u in 0..<count {
          let (memory, entered) = (dc[u], i[u])
          i[u] = memory * (candidate[u] - c[u]) * ofInput[u]
          candidate[u] = memory * entered * ofCandidate[u]
          dc[u] = memory * (1 - entered)
        }
      } else {
        gate.slopes(of: f, at: saved + units, into: ofForget, count)
        for u in 0..<count {
          let (memory, kept, entered) = (dc[u], f[u], i[u])
          f[u] = memory * c[u] * ofForget[u]
          i[u] = memory * candidate[u] * ofInput[u]
          candidate[u] = memory * entered * ofCandidate[u]
          dc[u] = memory * kept
        }
      }
      guard usePeepholes else { return }
      for gate in 0..<early {
        let (sums, peephole) = (i + gate * units, peepholes + gate * units)
        for u in 0..<count { dc[u] += sums[u] * peephole[u] }
      }
    }
  }

  /// Adds the gradients of the peepholes: those of each gate's pre-activation times the memory that it looked at.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    guard usePeepholes else { return }
    let (all, early) = (step.units, gateCount - 2)
    for row in 0..<step.rows {
      let (i, c, newC) = (step.gates[row], step.c[row], step.nextC[row])
      let o = i + (early + 1) * all
      for gate in 0..<early {
        for u in units { sums[gate * all + u] += i[gate * all + u] * c[u] }
      }
      for u in units { sums[early * all + u] += o[u] * newC[u] }
    }
  }
}
