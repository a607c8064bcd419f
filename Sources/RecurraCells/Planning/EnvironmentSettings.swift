public import RecurraTensor

/// Settings of a whole process that come from environment variables.
///
/// - `RECURRA_THREADS`: how many threads may work on one call, the start of ``Threads/count``.
/// - `RECURRA_ISA`: the instruction set of the kernels instead of the best one of this processor.
/// - `RECURRA_MULTIPLIER`: what multiplies, the start of ``MultiplierChoice/current``.
///
/// One that is empty counts as unset. One with a wrong value is ignored, and said once on standard error.
public enum EnvironmentSettings {
  /// Checks the variables; a program that wants to stop at a wrong one calls this when it starts.
  ///
  /// - Throws: `badArgument` at the first variable that holds something else than it may.
  public static func check() throws(RecurraError) {
    _ = try ThreadCount.variable.value()
    _ = try Kernels.variable.value()
    _ = try MultiplierChoice.variable.value()
  }
}
