internal import CRecurraKernels
import RecurraTensor

/// Names the fused kernels of a cell; a cell that has some makes a constant of it in its own file.
public struct CellKernel: Sendable {
  /// The kernels for this machine.
  let kernels: RecurraCellKernels

  init(_ path: KeyPath<RecurraKernels, RecurraCellKernels>) { kernels = Kernels.table[keyPath: path] }
}
