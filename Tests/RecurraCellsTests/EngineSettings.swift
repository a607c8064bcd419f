import RecurraCells
import RecurraTensor
import Testing

/// The parent of every suite that sets what holds for the whole process: they run one after another. The multiplier is
/// chosen for the test's own task or thread alone, for other suites compare bits at the same time.
@Suite(.serialized) enum EngineSettings {
  /// Calls `body` under a multiplier and a number of threads, and puts both back as they were. Where threads work on
  /// one step together, as many as that come, on a busy machine too.
  static func with<Result>(
    _ multiplier: MultiplierChoice = .current, threads: Int = Threads.count, _ body: () throws -> Result
  ) rethrows -> Result {
    let former = Threads.count
    (Threads.count, Threads.ignoresCosts) = (threads, true)
    defer { (Threads.count, Threads.ignoresCosts) = (former, false) }
    return try MultiplierChoice.with(multiplier, body)
  }

  /// The ways of multiplying that can be forced.
  static let multipliers = [MultiplierChoice.openblas, .packed]
}
