public import RecurraCells
public import RecurraTensor

/// Normalises what the input and the state bring to the gates, each over all of them, and the memory as it is given
/// out: gates of g⊙norm(xₜ·W) + g′⊙norm(hₜ₋₁·U) + b, hₜ = o⊙tanh(γ⊙norm(cₜ) + β); the rest as `LSTM`.
///
/// - Shapes: as `LSTM`; besides `kernel_scale`, `recurrent_scale` and `bias` [4H], `memory_scale` and `memory_offset`
///   [H].
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: as `LSTM`, and some passes over the gates.
/// - Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
public typealias LayerNormLSTM = Recurrent<LayerNormLSTMCell>

extension Recurrent where Cell == LayerNormLSTMCell {
  /// Makes the layer; other initialisers come in through `init(cell:options:)`.
  public convenience init(
    units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid, unitForgetBias: Bool = true,
    epsilon: Double = 1e-3, useBias: Bool = true, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false
  ) {
    self.init(
      LayerNormLSTMCell(
        activation: activation, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias,
        epsilon: epsilon), units: units, useBias: useBias, returnSequences: returnSequences, returnState: returnState,
      goBackwards: goBackwards)
  }
}
