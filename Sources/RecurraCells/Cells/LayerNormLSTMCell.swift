public import RecurraTensor

/// The LSTM with layer normalisation: what x and h bring is normalised apart, over all gates, and so is the memory as
/// it is given out.
///
/// i, f, o, c̃ = function of g⊙norm(x·W) + g′⊙norm(h·U) + b, c′ = f⊙c + i⊙c̃, h′ = o⊙act(γ⊙norm(c′) + β).
/// Slots i f c o of x, then those of h. Parameters `kernel_scale` g and `recurrent_scale` g′, [4H] each, `bias` [4H],
/// `memory_scale` γ and `memory_offset` β, [H] each.
///
/// - Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
public struct LayerNormLSTMCell: GatedCell {
  /// "LayerNormLSTM".
  public static let name = "LayerNormLSTM"
  /// The functions, how the forget gate starts, and the number added to variances.
  public static var settings: [CellSetting<Self>] {
    [
      .activation("activation", \.activation), .activation("recurrent_activation", \.recurrentActivation),
      .flag("unit_forget_bias", \.unitForgetBias), .number("epsilon", \.epsilon),
    ]
  }

  /// The function of the candidate and of the memory.
  public var activation: Activation
  /// The function of the gates.
  public var recurrentActivation: Activation
  /// Tells whether the bias of the forget gate starts at 1.
  public var unitForgetBias: Bool
  /// Added to every variance.
  public var epsilon: Double

  /// Makes a cell.
  public init(
    activation: Activation, recurrentActivation: Activation = .sigmoid, unitForgetBias: Bool = true,
    epsilon: Double = 1e-3
  ) {
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.unitForgetBias = unitForgetBias
    self.epsilon = epsilon
  }
  /// Makes a cell with tanh and sigmoid.
  public init() { self.init(activation: .tanh) }

  /// The number added to variances must be above 0.
  public func fault(units: Int) -> SettingFault? { SettingFault.bound("epsilon", epsilon) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 4 }
  /// The gates of x and of h.
  public var slotCount: Int { 8 }
  /// h and c, [H] each.
  public func stateWidths(units: Int) -> [Int] { [units, units] }
  /// No: it is added behind the norms.
  public var hasSlotBias: Bool { false }
  /// Scales, the bias, and what becomes of the memory.
  public func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [
      CellParameter("kernel_scale", [4 * units], .constant(1)),
      CellParameter("recurrent_scale", [4 * units], .constant(1)),
      CellParameter("bias", [4 * units], unitForgetBias ? .biasWithUnit(gate: 1) : .bias),
      CellParameter("memory_scale", [units], .constant(1)), CellParameter("memory_offset", [units], .constant(0)),
    ]
  }
  /// The gates; those of h are not of interest by then.
  public var slotNames: [String] { ["input", "forget", "candidate", "output"] }
  /// The forget gate keeps, the input gate lets in.
  public var memoryGates: MemoryGates? { MemoryGates(keep: 1, enter: 0) }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] {
    [[GateProduct(.input, gates: 0..<4, slot: 0), GateProduct(.state, gates: 0..<4, slot: 4)]]
  }
  /// The normalised products of x and h, the functions' arguments, the normalised memory twice, and three scales.
  public func savedCount(units: Int) -> Int { 14 * units + 3 }

  /// Computes the gates and the next state.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, all, norm) = (step.units, 4 * step.units, RowNormalization(epsilon: S(epsilon)))
    let (ofInput, ofState, bias) = (step.parameters, step.parameters + all, step.parameters + 2 * all)
    let (memoryScale, memoryOffset) = (bias + all, bias + all + units)
    for row in 0..<step.rows {
      let (i, saved, c, newC, h) = (step.gates[row], step.saved[row], step.c[row], step.nextC[row], step.nextH[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      let (inputs, states, arguments, memory) = (saved, saved + all, saved + 2 * all, saved + 3 * all)
      let scales = saved + 14 * units
      scales[0] = norm.forward(i, into: inputs, all)
      scales[1] = norm.forward(i + all, into: states, all)
      for u in 0..<all { i[u] = ofInput[u] * inputs[u] + ofState[u] * states[u] + bias[u] }
      arguments.update(from: i, count: all)
      recurrentActivation.apply(i, 2 * units)
      activation.apply(candidate, units)
      recurrentActivation.apply(o, units)
      for u in 0..<units { newC[u] = f[u] * c[u] + i[u] * candidate[u] }
      scales[2] = norm.forward(newC, into: memory, units)
      for u in 0..<units { h[u] = memoryScale[u] * memory[u] + memoryOffset[u] }
      activation.apply(h, units)
      for u in 0..<units { h[u] *= o[u] }
    }
  }

  /// Computes the gradients of the products and of the previous state; what the named parameters' gradients are made of
  /// takes the place of what was kept.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (units, all, norm) = (step.units, 4 * step.units, RowNormalization(epsilon: S(epsilon)))
    let (ofInput, ofState) = (step.parameters, step.parameters + all)
    let (memoryScale, memoryOffset) = (step.parameters + 3 * all, step.parameters + 3 * all + units)
    for row in 0..<step.rows {
      let (i, saved, c) = (step.gates[row], step.saved[row], step.c[row])
      let (f, candidate, o) = (i + units, i + 2 * units, i + 3 * units)
      let (dh, dc) = (step.dh[row], step.dc[row])
      let (inputs, states, arguments, memory) = (saved, saved + all, saved + 2 * all, saved + 3 * all)
      let (scales, output) = (saved + 14 * units, memory + units)
      // What lies behind the gates of x is free until the end.
      let (argument, slope) = (i + all, i + all + units)
      for u in 0..<units { argument[u] = memoryScale[u] * memory[u] + memoryOffset[u] }
      activation.apply(to: argument, into: output, units)
      activation.slopes(of: output, at: argument, into: slope, units)
      for u in 0..<units {
        let ofMemory = dh[u] * o[u] * slope[u]
        (slope[u], argument[u]) = (dh[u] * output[u], ofMemory * memoryScale[u])
        output[u] = ofMemory
        dh[u] = 0
      }
      norm.backward(argument, memory, scales[2], units)
      for u in 0..<units {
        dc[u] += argument[u]
        memory[u] *= output[u]
      }
      recurrentActivation.slopes(of: o, at: arguments + 3 * units, into: o, units)
      for u in 0..<units { o[u] *= slope[u] }
      let (ofI, ofF, ofCandidate) = (i + all, i + all + units, i + all + 2 * units)
      recurrentActivation.slopes(of: i, at: arguments, into: ofI, units)
      recurrentActivation.slopes(of: f, at: arguments + units, into: ofF, units)
      activation.slopes(of: candidate, at: arguments + 2 * units, into: ofCandidate, units)
      for u in 0..<units {
        let (memory, kept, entered) = (dc[u], f[u], i[u])
        f[u] = memory * c[u] * ofF[u]
        i[u] = memory * candidate[u] * ofI[u]
        candidate[u] = memory * entered * ofCandidate[u]
        dc[u] = memory * kept
      }
      arguments.update(from: i, count: all)
      for u in 0..<all {
        (i[u], i[all + u]) = (arguments[u] * ofInput[u], arguments[u] * ofState[u])
      }
      norm.backward(i, inputs, scales[0], all)
      norm.backward(i + all, states, scales[1], all)
      for u in 0..<all {
        inputs[u] *= arguments[u]
        states[u] *= arguments[u]
      }
    }
  }

  /// Adds the gradients of scales, bias and offset, which lie ready in their order.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    for row in 0..<step.rows {
      let saved = step.saved[row]
      for block in 0..<14 {
        for u in units { sums[block * step.units + u] += saved[block * step.units + u] }
      }
    }
  }
}
