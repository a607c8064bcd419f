/// Times a piece of work: a warm-up, then several repetitions that each last long enough to be trusted.
struct Stopwatch {
  /// The time of one run of the work, in seconds.
  struct Result {
    let median: Double
    let minimum: Double
  }

  /// Repetitions that count.
  var repetitions = 7
  /// The least time a repetition lasts, in seconds.
  var least = 0.2

  func time(_ work: () -> Void) -> Result {
    let clock = ContinuousClock()
    func seconds(_ runs: Int) -> Double {
      let elapsed = clock.measure { for _ in 0..<runs { work() } }
      return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    }
    // Weights are packed, threads started and memory pooled before anything counts.
    _ = seconds(2)
    let once = max(seconds(1), 1e-9)
    let runs = max(1, Int((least / once).rounded(.up)))
    let times = (0..<repetitions).map { _ in seconds(runs) / Double(runs) }.sorted()
    return Result(median: times[times.count / 2], minimum: times[0])
  }
}
