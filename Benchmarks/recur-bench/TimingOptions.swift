import ArgumentParser
import Recurra
import RecurraTensor

/// How often and for how long something is timed, and how it is told.
struct TimingOptions: ParsableArguments {
  @Option(help: "Threads, the caller included; all processors when left out.")
  var threads: Int?
  @Option(help: "Repetitions that count; the median is reported.")
  var repetitions = 7
  @Option(help: "The least seconds a repetition lasts.")
  var least = 0.2
  @Flag(help: "Print one JSON object per line.")
  var json = false

  var threadCount: Int { threads ?? Threads.count }
  var stopwatch: Stopwatch { Stopwatch(repetitions: repetitions, least: least) }

  func validate() throws {
    guard repetitions > 0, least > 0, threads.map({ $0 > 0 }) ?? true else {
      throw ValidationError("every number must be greater than 0")
    }
    guard least <= 3_600, repetitions <= 10_000, threads.map({ $0 <= ThreadCount.maximum }) ?? true else {
      throw ValidationError("expected up to 3,600 seconds, 10,000 repetitions and \(ThreadCount.maximum) threads")
    }
  }
}
