public import RecurraCells
public import RecurraTensor

/// Mixes the old state and a candidate by a gate, both of the input alone: z = σ(xₜ·W + b), n = xₜ·W + b,
/// hₜ = (1 − z)⊙hₜ₋₁ + z⊙n.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I, 2H], `bias` [2H], gate columns
///   z n.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·I·2H flops.
/// - Source: Feng et al. 2024 (arXiv:2410.01201).
public typealias MinGRU = Recurrent<MinGRUCell>

extension Recurrent where Cell == MinGRUCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .linear, recurrentActivation: Activation = .sigmoid, useBias: Bool = true,
    returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      MinGRUCell(activation: activation, recurrentActivation: recurrentActivation), units: units, useBias: useBias,
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards)
  }
}
