public import RecurraCells
public import RecurraTensor

/// Mixes the old state and a candidate by an update gate: hₜ = z⊙hₜ₋₁ + (1 − z)⊙h̃.
///
/// z,r = σ(xₜ·W + hₜ₋₁·U + b); with `resetAfter` h̃ = tanh(xₜ·W + b + r⊙(hₜ₋₁·U + b′)), else
/// h̃ = tanh(xₜ·W + (r⊙hₜ₋₁)·U + b).
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I+H, 3H], gate columns z r h;
///   `bias` [2, 3H] with `resetAfter` (the input's row, then the state's), else [3H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·3H flops.
/// - Source: Cho et al. 2014; names and defaults as `keras.layers.GRU`.
public typealias GRU = Recurrent<GRUCell>

extension Recurrent where Cell == GRUCell {
  /// Makes a GRU layer; the reset gate acts after the product with U unless `resetAfter` is false.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false, zeroOutputForMask: Bool = false, stateful: Bool = false,
    learnsInitialState: Bool = false, resetAfter: Bool = true, dropout: Double = 0, recurrentDropout: Double = 0,
    clip: Double? = nil
  ) {
    self.init(
      cell: GRUCell(
        activation: activation, recurrentActivation: recurrentActivation, resetAfter: resetAfter, clip: clip),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer, returnSequences: returnSequences,
        returnState: returnState, goBackwards: goBackwards, zeroOutputForMask: zeroOutputForMask, stateful: stateful,
        learnsInitialState: learnsInitialState,
        noise: RecurrentNoise(dropout: dropout, recurrentDropout: recurrentDropout)))
  }
}
