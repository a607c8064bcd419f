public import RecurraCells
public import RecurraTensor

/// Normalises what the input and the state bring to the gates and to the candidate:
/// z, r = σ(g⊙norm(xₜ·W) + g′⊙norm(hₜ₋₁·U) + b), n = tanh(g⊙norm(xₜ·W) + b + r⊙(g′⊙norm(hₜ₋₁·U) + b′)),
/// hₜ = z⊙hₜ₋₁ + (1 − z)⊙n.
///
/// - Shapes: as `GRU` with reset after; besides `kernel_scale`, `recurrent_scale` and `bias` [3H], `recurrent_bias` [H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: as `GRU`, and some passes over the gates.
/// - Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
public typealias LayerNormGRU = Recurrent<LayerNormGRUCell>

extension Recurrent where Cell == LayerNormGRUCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, epsilon: Double = 1e-3,
    useBias: Bool = true, returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      LayerNormGRUCell(activation: activation, recurrentActivation: recurrentActivation, epsilon: epsilon),
      units: units, useBias: useBias, returnSequences: returnSequences, returnState: returnState,
      goBackwards: goBackwards)
  }
}
