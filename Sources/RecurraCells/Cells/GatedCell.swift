public import RecurraTensor

/// A cell whose step is products of `[x, h]` and `[W; U]` into a gate buffer, and gates over its rows.
///
/// The gate buffer has a row for each sequence, with `slotCount` blocks of H numbers. Mostly a slot is a gate; a cell
/// that needs both halves of a gate apart has a slot for each. Every such cell runs on OpenBLAS' products, in both
/// types, and on packed weights in float32; one with kernels of its own has its gates fused into the product.
public protocol GatedCell: RecurrentCell {
  /// Blocks of H columns in the weights `[W; U]`, Keras' order.
  var gateCount: Int { get }
  /// Blocks of H numbers in a row of the gate buffer.
  var slotCount: Int { get }
  /// The products in the order they are needed; the gates of a phase are computed when its products are done.
  func phases(units: Int) -> [[GateProduct]]
  /// Tells whether h is multiplied at all; without that the weights are W alone.
  var hasStateProducts: Bool { get }
  /// Tells whether the layer's bias is added to the slots; a cell without that may name one of its own.
  var hasSlotBias: Bool { get }
  /// The numbers that a row keeps from a step for the way back, beside its gates and states.
  func savedCount(units: Int) -> Int
  /// The numbers that a row of the scratch rows has, for cells with a second phase.
  func scratchCount(units: Int) -> Int
  /// The kernels that compute just this cell in float32, if there are any.
  var kernel: CellKernel? { get }
  /// What people call the slots, "input", "forget" …; fewer than there are where the last ones hold nothing of
  /// interest.
  var slotNames: [String] { get }
  /// The slots that decide what becomes of the memory; nil for a cell without such gates.
  var memoryGates: MemoryGates? { get }
  /// The gate whose bias starts at 1, whatever the initialiser says.
  var gateOfUnitBias: Int? { get }

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
  /// Adds what some rows contribute to the gradients of the named parameters, for some units of each H of them.
  ///
  /// Gates hold the gradients of their pre-activations by now; `sums` lie as the parameters do, one behind the other.
  func addParameterGradients(_ step: GateBackward<Float>, _ units: Range<Int>, to sums: UnsafeMutablePointer<Float>)
  /// The same in double precision.
  func addParameterGradients(_ step: GateBackward<Double>, _ units: Range<Int>, to sums: UnsafeMutablePointer<Double>)
}

/// What most gated cells are: a slot for each gate, a bias for each column, nothing kept beside gates and states.
extension GatedCell {
  /// By products and gates.
  public var arithmetic: CellArithmetic { .gated(self) }
  /// Slots of a row of the gate buffer.
  public var slotCount: Int { gateCount }
  /// Yes.
  public var hasStateProducts: Bool { true }
  /// Yes.
  public var hasSlotBias: Bool { true }
  /// None.
  public func savedCount(units: Int) -> Int { 0 }
  /// As many as h.
  public func scratchCount(units: Int) -> Int { stateWidths(units: units)[0] }
  /// No kernels of its own.
  public var kernel: CellKernel? { nil }
  /// "slot 0" …
  public var slotNames: [String] { (0..<slotCount).map { "slot \($0)" } }
  /// None: no gate decides about a memory.
  public var memoryGates: MemoryGates? { nil }
  /// None.
  public var gateOfUnitBias: Int? { nil }
  /// The shape of the bias.
  public func biasShape(units: Int) -> [Int] { [gateCount * units] }
  /// Spreads the bias over the slots.
  public func slotBias(_ bias: Tensor, units: Int) -> Tensor { bias }
  /// Gathers the gradient of the bias.
  public func biasGradient(slots: Tensor, units: Int) -> Tensor { slots }
  /// Nothing: there are no named parameters.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {}

  /// Rows of the weights: `[W; U]`, or W alone.
  public func weightRows(inputs: Int, units: Int) -> Int {
    inputs + (hasStateProducts ? stateWidths(units: units)[0] : 0)
  }
}
