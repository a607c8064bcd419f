internal import CRecurraKernels
import RecurraTensor

/// The gates of the common cells by the vector kernels, on pre-activations that are complete.
struct VectorGates<S: FloatingScalar> {
  private let kernels: RecurraCellKernels

  /// Finds the kernels of a cell; nil where there are none, or not in this type.
  init?(_ kernel: CellKernel?) {
    guard let kernel, S.self == Float.self else { return nil }
    kernels = Kernels.cell(kernel)
  }

  func forward(_ state: GateForward<S>) {
    guard let state = state as? GateForward<Float> else { return }
    var step = RecurraForwardStep()
    (step.rows, step.units) = (state.rows, state.units)
    (step.h, step.hStride) = (UnsafePointer(state.h.base), state.h.stride)
    (step.`init`, step.initStride) = (UnsafePointer(state.gates.base), state.gates.stride)
    (step.c, step.cStride) = (UnsafePointer(state.c.base), state.c.stride)
    (step.cNext, step.cNextStride) = (state.nextC.base, state.nextC.stride)
    (step.hNext, step.hNextStride) = (state.nextH.base, state.nextH.stride)
    (step.gates, step.gatesStride) = (state.gates.base, state.gates.stride)
    step.hoisted = 1
    kernels.forwardGates(&step)
  }

  func backward(_ state: GateBackward<S>) {
    guard let state = state as? GateBackward<Float> else { return }
    var step = RecurraBackwardStep()
    (step.rows, step.units) = (state.rows, state.units)
    (step.dhCarry, step.dhCarryStride) = (state.dh.base, state.dh.stride)
    (step.dc, step.dcStride) = (state.dc.base, state.dc.stride)
    (step.gates, step.gatesStride) = (state.gates.base, state.gates.stride)
    (step.c, step.cStride) = (UnsafePointer(state.nextC.base), state.nextC.stride)
    (step.cPrevious, step.cPreviousStride) = (UnsafePointer(state.c.base), state.c.stride)
    (step.h, step.hStride) = (UnsafePointer(state.nextH.base), state.nextH.stride)
    (step.hPrevious, step.hPreviousStride) = (UnsafePointer(state.h.base), state.h.stride)
    kernels.backwardGates(&step)
  }
}

extension Kernels {
  /// The kernels of a cell for this machine.
  static func cell(_ kernel: CellKernel) -> RecurraCellKernels {
    switch kernel {
    case .simpleRNN: table.rnn
    case .lstm: table.lstm
    case .gru: table.gru
    }
  }
}
