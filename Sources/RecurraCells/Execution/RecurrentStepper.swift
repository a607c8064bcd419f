internal import CRecurraKernels
public import RecurraTensor

/// Runs one direction timestep by timestep and carries the state: for data that arrives as time goes by.
///
/// The results are those of the whole sequence, to the bit. Buffers and packed weights are made once; a step allocates
/// nothing but the tensor it returns. A stepper belongs to one stream of data: give each its own.
public final class RecurrentStepper<S: FloatingScalar> {
  private let run: DirectionRun<S>
  private let reference: OpenBLASMultiplier<S>
  private let packed: FusedMultiplier?
  private let products: PackedMultiplier?
  /// Keeps what the kernels write to alive.
  private let scratch: Buffer<Float>?
  /// The first of two state blocks in use; they take turns.
  private var parity = 0

  /// Makes a stepper for a number of sequences that advance together.
  ///
  /// - Parameters:
  ///   - cell: the arithmetic of a timestep.
  ///   - direction: weights, bias and the states to begin with; one that goes forward, for the future has not arrived.
  ///   - inputs: features of each timestep.
  ///   - batch: sequences.
  /// - Precondition: shapes agree, B ≥ 1, H ≥ 1, and their element type is that of the stepper.
  public init(_ cell: any RecurrentCell, _ direction: RecurrentDirection, inputs: Int, batch: Int = 1) {
    let name = "RecurrentStepper"
    check(!direction.isReversed, name, expected: "a direction that goes forward", got: "a reversed one")
    let units = direction.weights.shape.last.map { $0 / cell.gateCount } ?? 0
    check(batch >= 1 && units >= 1, name, expected: "a sequence and a unit", got: "\(batch) and \(units)")
    direction.check(cell, name, dtype: S.dtype, batch: batch, inputs: inputs, units: units)
    let way = MultiplierChoice.multiplication(cell, S.dtype)
    let kernels = way.fused
    run = DirectionRun(
      cell, direction.detached, input: .tensor(.zeros([batch, 2, inputs], dtype: S.dtype)),
      order: RowOrder(batch: batch, timesteps: 2, lengths: nil), rows: 0..<batch, isTraining: false,
      laysInput: kernels == nil, of: S.self)
    reference = OpenBLASMultiplier(run)
    if let kernels, let run = run as? DirectionRun<Float> {
      let scratch = Buffer<Float>(scratchOf: kernels, rows: batch)
      packed = FusedMultiplier(
        run, kernels: kernels, packed: PackedWeights.forward(run.direction, kernels, inputs: inputs, units: units),
        panels: 0..<kernels.forwardPanels(units), hoist: nil, output: nil, scratch: scratch.rows.base, isEndless: true)
      self.scratch = scratch
      products = nil
    } else if case .packed = way, let run = run as? DirectionRun<Float> {
      let scratch = Buffer<Float>(1, StepProducts.scratchFloats(batch) + batch * units)
      let own = run.direction.packed.products(cell, run.direction, inputs: inputs, units: units)
      products = PackedMultiplier(run, own, nil, scratch.rows.base)
      (packed, self.scratch) = (nil, scratch)
    } else {
      (packed, products, scratch) = (nil, nil, nil)
    }
    reset()
  }

  /// Goes back to the initial states.
  public func reset() {
    parity = 0
    run.layInitialStates()
  }

  /// Takes one timestep in and returns the new hidden state.
  ///
  /// - Shapes: `input` [B, I]; result [B, H].
  /// - Throws: `badData` for an input of another shape or type; the states stay as they were.
  public func step(_ input: Tensor) throws(RecurraError) -> Tensor {
    let (batch, inputs) = (run.layout.batch, run.inputs)
    guard input.shape == [batch, inputs], input.dtype == S.dtype else {
      throw RecurraError(
        .badData, operation: "step", expected: "\(S.dtype) \([batch, inputs])", got: "\(input.dtype) \(input.shape)")
    }
    input.contiguous.withPointer(of: S.self) { x in
      for row in 0..<batch { run.givenRows[2 * row + parity].update(from: x + row * inputs, count: inputs) }
    }
    Threads.withDenormalsAsZero {
      let step = parity..<parity + 1
      if let packed {
        packed.forward(step, 0..<batch)
      } else if let products {
        products.forward(step, 0..<batch)
      } else {
        reference.forward(step, 0..<batch)
      }
    }
    let h = run.hidden(parity + 1)
    parity = 1 - parity
    return Tensor([batch, run.units], of: S.self) { output in
      for row in 0..<batch { (output + row * run.units).update(from: h[row], count: run.units) }
    }
  }

  /// The states as they stand, h (and c), each [B, H].
  public var states: [Tensor] {
    (0..<run.cell.stateCount).map { index in
      Tensor([run.layout.batch, run.units], of: S.self) { output in
        let rows = index == 0 ? run.hidden(parity) : run.memory(parity)
        for row in 0..<run.layout.batch { (output + row * run.units).update(from: rows[row], count: run.units) }
      }
    }
  }
}
