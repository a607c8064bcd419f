import CRecurraKernels
package import Testing

/// The instruction sets that there are kernels for, by the names of their tables.
package enum InstructionSet: String, CaseIterable, Sendable {
  case generic, avx2, avx512, neon

  /// Whether this processor has it.
  package var isHere: Bool { recurra_kernels_named(rawValue) != nil }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test, by name, on a processor without an instruction set.
  package static func onlyWhere(_ set: InstructionSet) -> Self {
    .enabled(if: set.isHere, "This processor has no \(set.rawValue).")
  }
}
