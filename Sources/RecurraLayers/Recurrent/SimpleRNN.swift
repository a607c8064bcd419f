public import RecurraCells
public import RecurraTensor

/// Feeds each hidden state back into the next step: hₜ = activation(xₜ·W + hₜ₋₁·U + b).
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I+H, H], `bias` [H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·H flops.
/// - Source: Elman 1990; names and defaults as `keras.layers.SimpleRNN`.
public typealias SimpleRNN = Recurrent<SimpleRNNCell>

extension Recurrent where Cell == SimpleRNNCell {
  /// Makes a simple recurrent layer.
  public convenience init(
    units: Int, activation: Activation = .tanh, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, recurrentInitializer: Initializer = .orthogonal(),
    biasInitializer: Initializer = .zeros, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false, zeroOutputForMask: Bool = false, stateful: Bool = false,
    learnsInitialState: Bool = false, dropout: Double = 0, recurrentDropout: Double = 0, clip: Double? = nil
  ) {
    self.init(
      cell: SimpleRNNCell(activation: activation, clip: clip),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer,
        recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer, returnSequences: returnSequences,
        returnState: returnState, goBackwards: goBackwards, zeroOutputForMask: zeroOutputForMask, stateful: stateful,
        learnsInitialState: learnsInitialState,
        noise: RecurrentNoise(dropout: dropout, recurrentDropout: recurrentDropout)))
  }
}
