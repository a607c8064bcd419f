internal import CRecurraKernels
internal import Glibc

/// The table of C kernels for this machine's instruction set.
package enum Kernels {
  /// Applies an activation by a vector kernel; returns false where there is none for it.
  @inline(__always)
  static func apply<S: FloatingScalar>(
    _ activation: Activation, _ input: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int
  ) -> Bool {
    false
  }
}
