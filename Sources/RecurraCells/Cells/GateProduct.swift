/// One product of a timestep: some columns of the weights times some part of `[x, h]`, added to some slots.
public struct GateProduct: Sendable {
  /// The left operand.
  public enum Operand: Sendable {
    /// `[x, h]` with `[W; U]`: the fused multiply.
    case inputAndState
    /// x with W.
    case input
    /// h with U.
    case state
    /// What an earlier phase left in the scratch rows, with U.
    case scratch
  }

  /// What is multiplied.
  public let operand: Operand
  /// The gates whose columns of the weights are used.
  public let gates: Range<Int>
  /// The first slot the result is added to.
  public let slot: Int

  /// Describes a product.
  public init(_ operand: Operand, gates: Range<Int>, slot: Int) {
    self.operand = operand
    self.gates = gates
    self.slot = slot
  }
}
