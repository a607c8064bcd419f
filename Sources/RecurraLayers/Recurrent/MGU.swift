public import RecurraCells
public import RecurraTensor

/// Forgets and lets in by one gate: f = σ(xₜ·W + hₜ₋₁·U + b), n = tanh(xₜ·W + (f⊙hₜ₋₁)·U + b),
/// hₜ = (1 − f)⊙hₜ₋₁ + f⊙n.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I+H, 2H], `bias` [2H], gate
///   columns f n.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·(I+H)·2H flops.
/// - Source: Zhou et al. 2016 (arXiv:1603.09420).
public typealias MGU = Recurrent<MGUCell>

extension Recurrent where Cell == MGUCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      MGUCell(activation: activation, recurrentActivation: recurrentActivation), units: units, useBias: useBias,
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards)
  }
}
