internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The engine's own worker threads, and the three ways in which they work together: a parallel loop, whose indices the
/// caller's thread works on too; work sharing, where an idle thread is given half of what a busy one has left; and a
/// team, whose ranks run at the same time and meet at a barrier.
///
/// How indices are cut never depends on the number of threads, or they do not depend on each other to the bit; so any
/// number of threads gives the same bits. While a body runs, denormals count as zero on its thread; the caller's own
/// floating-point setting is restored when the call returns.
public enum Threads {
  /// How many threads may work on one call, the caller included: `RECURRA_THREADS`, or the processors this process may
  /// use, no more than its control group (a container's CPU quota, rounded up) allows.
  ///
  /// Setting it has effect from the next call on; threads that are no longer needed sleep.
  public static var count: Int {
    get { limit.load(ordering: .relaxed) }
    set {
      check(newValue >= 1, "Threads.count", expected: "at least 1", got: "\(newValue)")
      limit.store(min(newValue, ThreadCount.maximum), ordering: .relaxed)
    }
  }

  private static let limit = Atomic<Int>(ThreadCount.atStart)

  /// Nanoseconds of work that calling another thread pays for: there and back is half as long, for its caches have
  /// nothing of the work yet.
  package static let leastWork = 20_000

  /// Runs `body(0)` … `body(count - 1)`, in any order and on any of the threads, and returns when all are done.
  package static func run(_ count: Int, _ body: (Int) -> Void) { run(count, lasting: .max, body) }

  /// The same, for what takes about so many nanoseconds alone: below `leastWork` on the caller's thread.
  package static func run(_ count: Int, lasting: Int, _ body: (Int) -> Void) {
    run(count, threads: min(Self.count, count), lasting: lasting, sharing: nil, body)
  }

  /// The same, for indices whose bodies look out for idle threads and give them a part of their work.
  ///
  /// What a body gives away is done when this returns. All threads may have something to do, however few indices there
  /// are.
  package static func runSharing(_ count: Int, lasting: Int, _ body: (_ index: Int, _ sharing: WorkSharing) -> Void) {
    let sharing = WorkSharing()
    run(count, threads: count > 0 ? Self.count : 0, lasting: lasting, sharing: sharing) { body($0, sharing) }
  }

  private static func run(
    _ count: Int, threads most: Int, lasting: Int, sharing: WorkSharing?, _ body: (Int) -> Void
  ) {
    calls.add(1, ordering: .relaxed)
    defer { calls.subtract(1, ordering: .relaxed) }
    let threads = lasting < leastWork && !ignoresCosts ? 1 : most
    if threads <= 1 {
      withDenormalsAsZero { for index in 0..<count { body(index) } }
      return
    }
    withoutActuallyEscaping(body) { body in
      post(count, helpers: threads - 1, sharing: sharing, body) { loop in loop.work(0) }
    }
  }

  /// Opens a loop to the workers, lets the caller take its part, and waits for the end.
  static func post(
    _ count: Int, helpers: Int, sharing: WorkSharing? = nil, _ body: @escaping (Int) -> Void,
    _ part: (ParallelLoop) -> Void
  ) {
    withUnsafePointer(to: body) { body in
      let loop = ParallelLoop(count: count, helpers: helpers, sharing: sharing, body: BorrowedBody(body))
      ThreadPool.shared.post(loop)
      withDenormalsAsZero { part(loop) }
      loop.awaitEnd()
      ThreadPool.shared.withdraw(loop)
    }
  }

  /// About how many nanoseconds it takes to copy floats that lie in some cache.
  package static func nanoseconds(copying floats: Int) -> Int { floats / 5 }

  /// A clock that only runs forward.
  package static func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// Runs `body` with denormals counted as zero on this thread, and restores the thread's setting.
  package static func withDenormalsAsZero<Result>(_ body: () -> Result) -> Result {
    let control = recurra_fp_enter()
    defer { recurra_fp_leave(control) }
    return body()
  }

  /// Stack of a worker: as much as a main thread has, for what callers' own bodies and debug builds take. Memory is
  /// used as it is touched.
  static let stackBytes = 8 << 20

  /// Calls that are under way.
  static let calls = Atomic<Int>(0)
}
