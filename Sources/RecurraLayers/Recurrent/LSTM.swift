public import RecurraCells
public import RecurraTensor

/// Keeps a memory C that three gates filter: forget clears it, input lets new content in, output lets it out.
///
/// i,f,o = σ(xₜ·W + hₜ₋₁·U + b), c̃ = tanh(xₜ·W + hₜ₋₁·U + b), cₜ = f⊙cₜ₋₁ + i⊙c̃,
/// hₜ = o⊙tanh(cₜ); each gate and the candidate with weights of its own.
///
/// Its kin are settings. With `usePeepholes` i and f look at cₜ₋₁ and o at cₜ: p⊙c is added to their
/// arguments. With `coupleGates` f = 1 − i, and the gate columns are i c o. `clip` bounds the arguments of gates and
/// candidate, `memoryClip` the memory. With `projectionUnits` P numbers hₜ is (o⊙tanh(cₜ))·R, R [H, P].
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states h and c [B, H]; `weights` [I+H, 4H], `bias` [4H],
///   gate columns i f c o; peepholes p [H] and R start as the kernel initialiser says.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·4H flops.
/// - Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate), 2002 (peepholes); names and
///   defaults as `keras.layers.LSTM`.
public typealias LSTM = Recurrent<LSTMCell>

extension Recurrent where Cell == LSTMCell {
  /// Makes an LSTM layer with Keras' arguments, then those of its kin; the bias of the forget gate starts at 1 unless
  /// `unitForgetBias` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, unitForgetBias: Bool = true, returnSequences: Bool = false,
    returnState: Bool = false, returnMemories: Bool = false, goBackwards: Bool = false, zeroOutputForMask: Bool = false,
    stateful: Bool = false,
    learnsInitialState: Bool = false, dropout: Double = 0, recurrentDropout: Double = 0,
    outputActivation: Activation? = nil,
    usePeepholes: Bool = false, coupleGates: Bool = false, clip: Double? = nil, memoryClip: Double? = nil,
    projectionUnits: Int? = nil
  ) {
    self.init(
      cell: LSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias,
        outputActivation: outputActivation, usePeepholes: usePeepholes, coupleGates: coupleGates, clip: clip,
        memoryClip: memoryClip, projectionUnits: projectionUnits),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer, returnSequences: returnSequences,
        returnState: returnState, returnMemories: returnMemories, goBackwards: goBackwards,
        zeroOutputForMask: zeroOutputForMask, stateful: stateful,
        learnsInitialState: learnsInitialState,
        noise: RecurrentNoise(dropout: dropout, recurrentDropout: recurrentDropout)))
  }
}
