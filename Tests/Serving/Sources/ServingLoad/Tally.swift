import Synchronization

/// What all connections have seen.
final class Tally: Sendable {
  private struct State {
    var failures: [String] = []
    /// Microseconds.
    var durations: [Int32] = []
  }

  private let state = Mutex(State())

  var failures: [String] { state.withLock { $0.failures } }
  var count: Int { state.withLock { $0.durations.count } }

  func note(_ failure: String?, _ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    state.withLock { state in
      if let failure {
        state.failures.append(failure)
      } else {
        state.durations.append(Int32(clamping: microseconds))
      }
    }
  }

  /// Milliseconds that a share of the answers took at most.
  func percentile(_ share: Double) -> Double {
    let sorted = state.withLock { $0.durations.sorted() }
    guard !sorted.isEmpty else { return 0 }
    return Double(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]) / 1_000
  }
}
