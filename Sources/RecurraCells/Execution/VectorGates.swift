internal import CRecurraKernels
import RecurraTensor

/// The gates of the common cells by the vector kernels, on pre-activations that are complete.
struct VectorGates<S: FloatingScalar> {
  private let kernels: RecurraCellKernels

  /// Finds the kernels of a cell; nil where there are none, or not in this type.
  init?(_ kernel: CellKernel?) {
    guard let kernel, S.self == Float.self else { return nil }
    kernels = kernel.kernels
  }

  func forward(_ state: GateForward<S>) {
    guard let state = state as? GateForward<Float> else { return }
    var step = RecurraForwardStep()
    (step.rows, step.units) = (state.rows, state.units)
    (step.h, step.hNext) = (state.h.forKernels, state.nextH.forKernels)
    (step.c, step.cNext) = (state.c.forKernels, state.nextC.forKernels)
    (step.`init`, step.gates) = (state.gates.forKernels, state.gates.forKernels)
    step.parameters = state.parameters
    kernels.forwardGates(&step)
  }

  func backward(_ state: GateBackward<S>) {
    guard let state = state as? GateBackward<Float> else { return }
    var step = RecurraBackwardStep()
    (step.rows, step.units) = (state.rows, state.units)
    (step.dhCarry, step.dc, step.gates) = (state.dh.forKernels, state.dc.forKernels, state.gates.forKernels)
    (step.c, step.cPrevious) = (state.nextC.forKernels, state.c.forKernels)
    (step.h, step.hPrevious) = (state.nextH.forKernels, state.h.forKernels)
    step.parameters = state.parameters
    kernels.backwardGates(&step)
  }
}
