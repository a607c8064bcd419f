internal import CRecurraKernels
import RecurraTensor

/// Runs a gated cell step by step: buffers and packed weights are made once.
final class GatedStepper<S: FloatingScalar> {
  private let run: DirectionRun<S>
  private let reference: OpenBLASMultiplier<S>
  private let fused: FusedMultiplier?
  private let packed: PackedMultiplier?
  /// Keeps what the kernels write to alive.
  private let scratch: Buffer<Float>?
  /// The first of two state blocks in use; they take turns.
  private var parity = 0

  init(_ cell: any GatedCell, _ direction: RecurrentDirection, inputs: Int, batch: Int) {
    let way = MultiplierChoice.multiplication(cell, S.dtype)
    let kernels = way.fused
    run = DirectionRun(
      cell, direction.detached, input: .tensor(.zeros([batch, 2, inputs], dtype: S.dtype)),
      order: RowOrder(batch: batch, timesteps: 2, lengths: nil), rows: 0..<batch, isTraining: false,
      laysInput: kernels == nil, of: S.self)
    let units = run.units
    reference = OpenBLASMultiplier(run)
    if let kernels, let run = run as? DirectionRun<Float> {
      let scratch = Buffer<Float>(scratchOf: kernels, rows: batch)
      fused = FusedMultiplier(
        run, kernels: kernels, packed: PackedWeights.forward(run.direction, kernels, inputs: inputs, units: units),
        panels: 0..<kernels.forwardPanels(units), hoist: nil, output: nil, scratch: scratch.rows.base, isEndless: true)
      self.scratch = scratch
      packed = nil
    } else if case .packed = way, let run = run as? DirectionRun<Float> {
      let scratch = Buffer<Float>(1, StepProducts.scratchFloats(batch) + batch * run.outputs)
      let own = run.direction.packed.products(cell, run.direction, inputs: inputs, units: units)
      packed = PackedMultiplier(run, own, nil, scratch.rows.base)
      (fused, self.scratch) = (nil, scratch)
    } else {
      (fused, packed, scratch) = (nil, nil, nil)
    }
    reset()
  }

  func reset() {
    parity = 0
    run.layInitialStates()
  }

  /// Takes [B, I] in and returns the new h.
  func step(_ input: Tensor) -> Tensor {
    let (batch, inputs) = (run.layout.batch, run.inputs)
    input.contiguous.withPointer(of: S.self) { x in
      for row in 0..<batch { run.givenRows[2 * row + parity].update(from: x + row * inputs, count: inputs) }
    }
    Threads.withDenormalsAsZero {
      let step = parity..<parity + 1
      if let fused {
        fused.forward(step, 0..<batch)
      } else if let packed {
        packed.forward(step, 0..<batch)
      } else {
        reference.forward(step, 0..<batch)
      }
    }
    parity = 1 - parity
    return state(0)
  }

  /// The states as they stand.
  var states: [Tensor] { run.widths.indices.map(state) }

  private func state(_ index: Int) -> Tensor {
    let width = run.widths[index]
    return Tensor([run.layout.batch, width], of: S.self) { output in
      for row in 0..<run.layout.batch {
        (output + row * width).update(from: run.state(index, parity, row), count: width)
      }
    }
  }
}
