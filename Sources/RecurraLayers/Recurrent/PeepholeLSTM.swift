public import RecurraCells
public import RecurraTensor

/// An LSTM whose gates also look at the memory C: input and forget gate at the old one, the output gate at the new one.
///
/// i,f = σ(xₜ·W + hₜ₋₁·U + b + p⊙cₜ₋₁), o = σ(xₜ·W + hₜ₋₁·U + b + p⊙cₜ);
/// the rest as `LSTM`.
///
/// - Shapes: as `LSTM`; besides `input_peephole`, `forget_peephole` and `output_peephole`, [H] each, which start as
///   the kernel initialiser says.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·4H flops.
/// - Source: Gers, Schraudolph & Schmidhuber 2002.
public typealias PeepholeLSTM = Recurrent<PeepholeLSTMCell>

extension Recurrent where Cell == PeepholeLSTMCell {
  /// Makes an LSTM layer with peepholes; the bias of the forget gate starts at 1 unless `unitForgetBias` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, unitForgetBias: Bool = true, returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      cell: PeepholeLSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer, returnSequences: returnSequences,
        returnState: returnState, goBackwards: goBackwards))
  }
}
