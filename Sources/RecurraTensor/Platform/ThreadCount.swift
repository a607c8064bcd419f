internal import CRecurraKernels

/// How many threads the engine starts with.
package enum ThreadCount {
  /// The most threads that can work on a call.
  package static let maximum = 256

  /// `RECURRA_THREADS`.
  package static let variable = EnvironmentVariable(
    "RECURRA_THREADS", expected: "a number of threads in 1...\(maximum)"
  ) { text in
    Int(text).flatMap { (1...maximum).contains($0) ? $0 : nil }
  }

  static var atStart: Int {
    variable.valueOrWarning()
      ?? standard(processors: Int(recurra_processor_count()), allowed: ControlGroups.own.processors)
  }

  /// As many threads as there are processors for this process, and as keep within the processors' time that it is
  /// allowed.
  package static func standard(processors: Int, allowed: Double?) -> Int {
    let most = min(max(processors, 1), maximum)
    guard let allowed, allowed < Double(most) else { return most }
    return max(1, Int(allowed.rounded(.up)))
  }
}

/// The former name of ``Threads``.
@available(*, unavailable, renamed: "Threads") public typealias Streams = Threads

extension Threads {
  /// The former name of ``Threads/count``.
  @available(*, unavailable, renamed: "count") public static var threadCount: Int { count }
}
