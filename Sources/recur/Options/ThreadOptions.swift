internal import ArgumentParser
internal import Recurra

/// How many threads work.
struct ThreadOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "How many threads work; the results do not depend on it. RECURRA_THREADS or all processors when not given.")
  var threads: Int?

  func validate() throws {
    guard let threads, !(1...ThreadCount.maximum).contains(threads) else { return }
    throw ValidationError("Expected --threads in 1...\(ThreadCount.maximum), got \(threads).")
  }

  func apply() {
    if let threads { Threads.count = threads }
  }
}
