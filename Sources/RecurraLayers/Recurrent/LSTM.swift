public import RecurraCells
public import RecurraTensor

/// Keeps a memory C that three gates filter: forget clears it, input lets new content in, output lets it out.
///
/// i,f,o = σ(xₜ·W + hₜ₋₁·U + b), c̃ = tanh(xₜ·W + hₜ₋₁·U + b), cₜ = f⊙cₜ₋₁ + i⊙c̃,
/// hₜ = o⊙tanh(cₜ); each gate and the candidate with weights of its own.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states h and c [B, H]; `weights` [I+H, 4H], `bias` [4H],
///   gate columns i f c o.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·4H flops.
/// - Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate); names and defaults as `keras.layers.LSTM`.
public typealias LSTM = Recurrent<LSTMCell>

extension Recurrent where Cell == LSTMCell {
  /// Makes an LSTM layer; the bias of the forget gate starts at 1 unless `unitForgetBias` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, unitForgetBias: Bool = true, returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      cell: LSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer, returnSequences: returnSequences,
        returnState: returnState, goBackwards: goBackwards))
  }
}
