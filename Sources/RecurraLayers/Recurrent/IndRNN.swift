public import RecurraCells
public import RecurraTensor

/// Lets each unit see itself alone of the past: hₜ = activation(xₜ·W + u⊙hₜ₋₁ + b).
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; state h [B, H]; `weights` [I, H], `bias` [H],
///   `recurrent_kernel` u [H], drawn from 0…1.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
/// - Complexity: 2·B·T·I·H flops.
/// - Source: Li et al. 2018 (arXiv:1803.04831).
public typealias IndRNN = Recurrent<IndRNNCell>

extension Recurrent where Cell == IndRNNCell {
  /// Makes an independently recurrent layer.
  public convenience init(
    units: Int, activation: Activation = .relu, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false
  ) {
    self.init(
      cell: IndRNNCell(activation: activation),
      options: RecurrentOptions(
        units: units, useBias: useBias, kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
        returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards))
  }
}
