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
    /// What an earlier phase left in the scratch rows, with U or with a matrix of the cell's own.
    case scratch
  }

  /// A matrix among a cell's named parameters: the last ones.
  public struct Matrix: Sendable, Hashable {
    /// Its place among them.
    public let parameter: Int
    /// Its extents.
    public let rows, columns: Int

    /// Names a matrix.
    public init(parameter: Int, rows: Int, columns: Int) {
      (self.parameter, self.rows, self.columns) = (parameter, rows, columns)
    }
  }

  /// What is multiplied.
  public let operand: Operand
  /// The gates whose columns of the weights are used.
  public let gates: Range<Int>
  /// The first slot the result is added to.
  public let slot: Int

  /// Where in the scratch rows the left operand begins.
  public let first: Int
  /// What the scratch rows are multiplied with instead of U; nil for U.
  public let matrix: Matrix?

  /// Describes a product.
  public init(_ operand: Operand, gates: Range<Int>, slot: Int, first: Int = 0) {
    (self.operand, self.gates, self.slot, self.first, matrix) = (operand, gates, slot, first, nil)
  }

  /// Describes the product of some numbers of the scratch rows and a matrix, added to the first numbers of a slot.
  public init(scratch first: Int, _ matrix: Matrix, slot: Int) {
    (operand, gates, self.slot, self.first, self.matrix) = (.scratch, 0..<0, slot, first, matrix)
  }

  /// The slots that are written.
  var slots: Range<Int> { slot..<(slot + (matrix == nil ? gates.count : 1)) }
  /// Columns of the right operand.
  func columns(_ units: Int) -> Int { matrix?.columns ?? gates.count * units }
}
