internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The engine's own worker threads: work is cut into numbered pieces, and the caller works along with them.
///
/// How pieces are cut never depends on the number of threads, or the pieces do not depend on each other to the bit; so
/// any number of threads gives the same bits. While a piece runs, denormals count as zero on its thread; the caller's
/// own floating-point setting is restored when the call returns.
public enum Threads {
  /// How many threads may work on one call, the caller included: `RECURRA_THREADS`, or the processors this process may
  /// use, no more than its control group (a container's CPU quota, rounded up) allows.
  ///
  /// Setting it has effect from the next call on; threads that are no longer needed sleep.
  public static var count: Int {
    get { limit.load(ordering: .relaxed) }
    set {
      check(newValue >= 1, "Threads.count", expected: "at least 1", got: "\(newValue)")
      limit.store(min(newValue, maximumCount), ordering: .relaxed)
    }
  }

  private static let limit = Atomic<Int>(
    variable.valueOrWarning()
      ?? defaultCount(processors: Int(recurra_processor_count()), allowed: ControlGroups.own.processors))

  /// Nanoseconds of work that calling another thread pays for: there and back is half as long, for its caches have
  /// nothing of the work yet.
  package static let leastWork = 20_000

  /// Nanoseconds that threads take to come together and part again, where they then work on the same steps.
  package static let gatheringNanoseconds = 4_000

  /// Runs `body(0)` … `body(count - 1)`, in any order and on any of the threads, and returns when all are done.
  package static func run(_ count: Int, _ body: (Int) -> Void) { run(count, lasting: .max, body) }

  /// The same, for what takes about so many nanoseconds alone: below `leastWork` on the caller's thread.
  package static func run(_ count: Int, lasting: Int, _ body: (Int) -> Void) {
    run(count, threads: min(Self.count, count), lasting: lasting, handover: nil, body)
  }

  /// Runs pieces that take about so many nanoseconds alone, all together, and may be divided while they run: a thread
  /// that finds no more waits at the handover for a part of one.
  ///
  /// What a piece gives away is done when this returns. All threads may have something to do, however few pieces there
  /// are.
  package static func runDivisible(_ count: Int, lasting: Int, _ body: (_ piece: Int, _ handover: Handover) -> Void) {
    let handover = Handover()
    run(count, threads: count > 0 ? Self.count : 0, lasting: lasting, handover: handover) { body($0, handover) }
  }

  private static func run(
    _ count: Int, threads most: Int, lasting: Int, handover: Handover?, _ body: (Int) -> Void
  ) {
    calls.add(1, ordering: .relaxed)
    defer { calls.subtract(1, ordering: .relaxed) }
    let threads = lasting < leastWork && !insistsOnMembers ? 1 : most
    if threads <= 1 {
      withDenormalsAsZero { for index in 0..<count { body(index) } }
      return
    }
    withoutActuallyEscaping(body) { body in
      post(count, helpers: threads - 1, handover: handover, body) { job in job.work(0) }
    }
  }

  /// Opens a job to the workers, lets the caller take its part, and waits for the end.
  static func post(
    _ count: Int, helpers: Int, handover: Handover? = nil, _ body: @escaping (Int) -> Void, _ part: (Job) -> Void
  ) {
    withUnsafePointer(to: body) { body in
      let job = Job(count: count, helpers: helpers, handover: handover, body: BorrowedBody(body))
      Crew.shared.post(job)
      withDenormalsAsZero { part(job) }
      job.awaitEnd()
      Crew.shared.withdraw(job)
    }
  }

  /// About how many nanoseconds it takes to copy floats that lie in some cache.
  package static func nanoseconds(copying floats: Int) -> Int { floats / 5 }

  /// Runs `body` with denormals counted as zero on this thread, and restores the thread's setting.
  package static func withDenormalsAsZero<Result>(_ body: () -> Result) -> Result {
    let control = recurra_fp_enter()
    defer { recurra_fp_leave(control) }
    return body()
  }

  /// Stack of a thread of ours: as much as a main thread has, for what callers' own pieces and debug builds take.
  /// Memory is used as it is touched.
  static let stackBytes = 8 << 20

  /// Calls that are under way.
  static let calls = Atomic<Int>(0)

  /// The most threads that can work on a call.
  package static let maximumCount = 256

  /// `RECURRA_THREADS`.
  package static let variable = EnvironmentVariable(
    "RECURRA_THREADS", expected: "a number of threads in 1...\(maximumCount)"
  ) { text in
    Int(text).flatMap { (1...maximumCount).contains($0) ? $0 : nil }
  }

  /// As many threads as there are processors for this process, and as keep within the processors' time that it is
  /// allowed.
  package static func defaultCount(processors: Int, allowed: Double?) -> Int {
    let most = min(max(processors, 1), maximumCount)
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
