public import RecurraCells
public import RecurraTensor

/// Mixes the old state and a candidate by two gates that add up to 1, all of the input alone: f, i = σ(xₜ·W + b),
/// n = xₜ·W + b, hₜ = f/(f + i)⊙hₜ₋₁ + i/(f + i)⊙n.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I, 3H], `bias` [3H], gate columns
///   f i n.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·I·3H flops.
/// - Source: Feng et al. 2024 (arXiv:2410.01201).
public typealias MinLSTM = Recurrent<MinLSTMCell>

extension Recurrent where Cell == MinLSTMCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .linear, useBias: Bool = true, returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      MinLSTMCell(activation: activation), units: units, useBias: useBias, returnSequences: returnSequences,
      returnState: returnState, goBackwards: goBackwards)
  }
}
