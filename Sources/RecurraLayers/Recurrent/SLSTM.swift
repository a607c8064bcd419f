public import RecurraCells
public import RecurraTensor

/// Divides the memory by how much has entered it, so that gates may be exponential: i = exp(xₜ·W + hₜ₋₁·U + b),
/// cₜ = f⊙cₜ₋₁ + i⊙z, nₜ = f⊙nₜ₋₁ + i, hₜ = o⊙cₜ/nₜ.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states h, c, n and m [B, H]; `weights` [I+H, 4H], `bias`
///   [4H], gate columns i f z o.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·4H flops.
/// - Source: Beck et al. 2024 (arXiv:2405.04517), xLSTM.
public typealias SLSTM = Recurrent<SLSTMCell>

extension Recurrent where Cell == SLSTMCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .tanh, exponentialForget: Bool = false, useBias: Bool = true,
    returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      SLSTMCell(activation: activation, exponentialForget: exponentialForget), units: units, useBias: useBias,
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards)
  }
}
