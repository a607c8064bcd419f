import RecurraCells
import RecurraTensor
import Testing

/// The parent of every suite that sets what holds for the whole process: they run one after another.
@Suite(.serialized) enum EngineSettings {
  /// Calls `body` under a multiplier and a number of threads, and puts both back as they were.
  static func with<Result>(
    _ multiplier: MultiplierChoice = .current, threads: Int = Streams.threadCount, _ body: () throws -> Result
  ) rethrows -> Result {
    let former = (MultiplierChoice.current, Streams.threadCount)
    (MultiplierChoice.current, Streams.threadCount) = (multiplier, threads)
    defer { (MultiplierChoice.current, Streams.threadCount) = former }
    return try body()
  }

  /// The ways of multiplying that can be forced.
  static let multipliers = [MultiplierChoice.openblas, .packed]
}
