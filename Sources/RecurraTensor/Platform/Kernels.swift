package import CRecurraKernels

/// The table of C kernels for this machine: the best its processor has, or the one that `RECURRA_ISA` names.
package enum Kernels {
  /// `RECURRA_ISA`.
  package static let variable = EnvironmentVariable(
    "RECURRA_ISA", expected: "an instruction set of this processor (\(names.joined(separator: ", ")))"
  ) { name in
    names.contains(name) ? recurra_kernels_named(name)?.pointee : nil
  }

  /// The table in use.
  package static let table = variable.valueOrWarning() ?? recurra_kernels_best().pointee

  /// The instruction sets that this processor has.
  private static let names: [String] = ["generic", "avx2", "avx512", "neon"].filter { name in
    recurra_kernels_named(name) != nil
  }

  /// Applies an activation by a vector kernel; returns false where there is none for it.
  @inline(__always)
  static func apply<S: FloatingScalar>(
    _ activation: Activation, _ input: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int
  ) -> Bool {
    guard S.self == Float.self, let source = input as? UnsafePointer<Float>,
      let target = output as? UnsafeMutablePointer<Float>
    else { return false }
    switch activation {
    case .tanh: table.tanh(source, target, count)
    case .sigmoid: table.sigmoid(source, target, count)
    default: return false
    }
    return true
  }

  /// Writes eˣ of every element; output may be input.
  @inline(__always)
  static func exponential<S: FloatingScalar>(_ input: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int)
  {
    if let source = input as? UnsafePointer<Float>, let target = output as? UnsafeMutablePointer<Float> {
      table.exp(source, target, count)
    } else {
      for i in 0..<count { output[i] = S.exponential(input[i]) }
    }
  }
}
