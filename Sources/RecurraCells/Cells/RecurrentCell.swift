public import RecurraTensor

/// The arithmetic of one timestep of a recurrent layer; a further cell is one file that conforms to this.
///
/// A cell says which products of `[x, h]` and `[W; U]` it needs, and what its gates do with them. The loop over
/// timesteps, ragged batches, threads, gradients of weights and inputs are everybody's.
///
/// The products land in a gate buffer: one row for each sequence, `slotCount` blocks of H numbers in each row. Mostly a
/// slot is a gate; a cell that needs both halves of a gate apart has a slot for each.
public protocol RecurrentCell: Sendable {
  /// Blocks of H columns in the weights `[W; U]`, Keras' order.
  var gateCount: Int { get }
  /// Blocks of H numbers in a row of the gate buffer.
  var slotCount: Int { get }
  /// Tensors of state: 1 for h, 2 for h and c.
  var stateCount: Int { get }
  /// The products in the order they are needed; the gates of a phase are computed when its products are done.
  var phases: [[GateProduct]] { get }
  /// The vector kernel that computes just this cell in float32, if there is one.
  var kernel: CellKernel? { get }
  /// What people call the slots: "input", "forget" …
  var slotNames: [String] { get }
  /// The slots that decide what becomes of the memory; nil for a cell without such gates.
  var memoryGates: MemoryGates? { get }

  /// The shape of the bias for a number of units.
  func biasShape(units: Int) -> [Int]
  /// Spreads a bias over the slots, [slotCount · H].
  func slotBias(_ bias: Tensor, units: Int) -> Tensor
  /// Gathers the gradient of the bias from that of the slots.
  func biasGradient(slots: Tensor, units: Int) -> Tensor

  // One generic method serves both types; they are two requirements so that each is compiled for its type.

  /// Turns the pre-activations of a phase into gates, and in the last phase the previous state into the next.
  func forward(phase: Int, _ step: GateForward<Float>)
  /// The same in double precision.
  func forward(phase: Int, _ step: GateForward<Double>)
  /// Turns the gates of a phase into gradients of their pre-activations; phases come last first.
  func backward(phase: Int, _ step: GateBackward<Float>)
  /// The same in double precision.
  func backward(phase: Int, _ step: GateBackward<Double>)
}

/// What most cells are: a slot for each gate, one state, a bias for each column, no kernel of their own.
extension RecurrentCell {
  /// Slots of a row of the gate buffer.
  public var slotCount: Int { gateCount }
  /// One tensor of state, or two with a memory.
  public var stateCount: Int { 1 }
  /// The vector kernel, for the functions it has.
  public var kernel: CellKernel? { nil }
  /// "slot 0" …
  public var slotNames: [String] { (0..<slotCount).map { "slot \($0)" } }
  /// None: no gate decides about a memory.
  public var memoryGates: MemoryGates? { nil }
  /// The shape of the bias.
  public func biasShape(units: Int) -> [Int] { [gateCount * units] }
  /// Spreads the bias over the slots.
  public func slotBias(_ bias: Tensor, units: Int) -> Tensor { bias }
  /// Gathers the gradient of the bias.
  public func biasGradient(slots: Tensor, units: Int) -> Tensor { slots }
}

/// Names the cells that have vector kernels.
public enum CellKernel: Sendable {
  /// tanh.
  case simpleRNN
  /// Gates by sigmoid, candidate and output by tanh.
  case lstm
  /// Gates by sigmoid, candidate by tanh, reset after the product.
  case gru
}

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

/// Rows of numbers at a distance from each other.
public struct Rows<S> {
  /// The first number of the first row.
  public let base: UnsafeMutablePointer<S>
  /// Numbers from a row to the next.
  public let stride: Int

  /// Makes rows.
  public init(_ base: UnsafeMutablePointer<S>, stride: Int) {
    self.base = base
    self.stride = stride
  }

  /// Row `index`.
  @inline(__always)
  public subscript(index: Int) -> UnsafeMutablePointer<S> { base + index * stride }

  /// The rows from `index` on.
  @inline(__always)
  func from(_ index: Int, column: Int = 0) -> Rows { Rows(base + index * stride + column, stride: stride) }
}

/// What a cell reads and writes at one timestep, going forward. A cell with one state leaves c alone.
public struct GateForward<S: FloatingScalar> {
  /// Sequences to compute.
  public let rows: Int
  /// Units of each.
  public let units: Int
  /// Pre-activations in, gates out: [rows][slot · H + unit].
  public let gates: Rows<S>
  /// The states before the step, [rows][H] each.
  public let h, c: Rows<S>
  /// The states after the step.
  public let nextH, nextC: Rows<S>
  /// Left for a later phase's product, [rows][H].
  public let scratch: Rows<S>
}

/// What a cell reads and writes at one timestep, going back.
public struct GateBackward<S: FloatingScalar> {
  /// Sequences to compute.
  public let rows: Int
  /// Units of each.
  public let units: Int
  /// Gates in, gradients of the pre-activations out.
  public let gates: Rows<S>
  /// The states before the step, [rows][H] each.
  public let h, c: Rows<S>
  /// The states after the step.
  public let nextH, nextC: Rows<S>
  /// Gradients of the states after the step in; out: the part that reaches the states before it without a product of
  /// this cell.
  public let dh, dc: Rows<S>
  /// The gradient of the scratch rows, after the products of the later phase.
  public let scratch: Rows<S>
}

extension GateBackward {
  /// Calls `body` for some units of a row after the other, with four runs of numbers to work in, one for each unit: few
  /// enough for a caller's stack, and vectors enough.
  @inline(__always)
  func inSpans(_ body: (_ row: Int, _ span: Range<Int>, _ temporary: SpanScratch<S>) -> Void) {
    let most = 64
    withUnsafeTemporaryAllocation(of: S.self, capacity: 4 * most) { numbers in
      guard let base = numbers.baseAddress else { return }
      base.initialize(repeating: 0, count: 4 * most)
      for row in 0..<rows {
        for first in stride(from: 0, to: units, by: most) {
          body(row, first..<min(first + most, units), SpanScratch(base: base, stride: most))
        }
      }
    }
  }
}

/// Runs of numbers that a cell works in.
struct SpanScratch<S> {
  let base: UnsafeMutablePointer<S>
  let stride: Int

  @inline(__always)
  subscript(index: Int) -> UnsafeMutablePointer<S> { base + index * stride }
}
