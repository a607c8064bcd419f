/// Times a piece of work: a warm-up, then several repetitions that each last long enough to be trusted.
struct Stopwatch {
  /// The time of one run of the work, in seconds.
  struct Result {
    let median: Double
    let minimum: Double

    init(_ seconds: [Double]) {
      let sorted = seconds.sorted()
      (median, minimum) = (sorted[sorted.count / 2], sorted[0])
    }
  }

  /// Repetitions that count.
  var repetitions = 7
  /// The least time a repetition lasts, in seconds.
  var least = 0.2

  func time(_ work: () -> Void) -> Result {
    let runs = warmUp(work)
    return Result((0..<repetitions).map { _ in seconds(runs, work) })
  }

  /// Times two pieces of work in turns: a busy neighbour disturbs both.
  func alternating(_ first: () -> Void, _ second: () -> Void) -> (first: Result, second: Result) {
    let runs = (warmUp(first), warmUp(second))
    let times = (0..<repetitions).map { _ in (seconds(runs.0, first), seconds(runs.1, second)) }
    return (Result(times.map(\.0)), Result(times.map(\.1)))
  }

  /// Runs the work before anything counts, so that weights are packed, threads started and memory pooled; returns how
  /// often a repetition runs it.
  private func warmUp(_ work: () -> Void) -> Int {
    _ = seconds(2, work)
    return max(1, Int((least / max(seconds(1, work), 1e-9)).rounded(.up)))
  }

  /// The seconds of one run, the mean of some.
  private func seconds(_ runs: Int, _ work: () -> Void) -> Double {
    let elapsed = ContinuousClock().measure { for _ in 0..<runs { work() } }.components
    return (Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18) / Double(runs)
  }
}
