internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The engine's own worker threads: work is cut into numbered pieces, and the caller works along with them.
///
/// How pieces are cut never depends on the number of threads, or the pieces do not depend on each other to the bit; so any number
/// of threads gives the same bits. While a piece runs, denormals count as zero on its thread; the caller's own floating-point
/// setting is restored when the call returns.
public enum Streams {
  /// How many threads may work on one call, the caller included: `RECURRA_THREADS`, or the processors this process may use.
  ///
  /// Setting it has effect from the next call on; threads that are no longer needed sleep.
  public static var threadCount: Int {
    get { limit.load(ordering: .relaxed) }
    set {
      check(newValue >= 1, "Streams.threadCount", expected: "at least 1", got: "\(newValue)")
      limit.store(min(newValue, 256), ordering: .relaxed)
    }
  }

  private static let limit = Atomic<Int>(defaultThreadCount())

  /// Runs `body(0)` … `body(count - 1)`, in any order and on any of the threads, and returns when all are done.
  package static func run(_ count: Int, _ body: (Int) -> Void) {
    let threads = min(threadCount, count)
    if threads <= 1 {
      withDenormalsAsZero { for index in 0..<count { body(index) } }
      return
    }
    withoutActuallyEscaping(body) { body in
      post(count, helpers: threads - 1, body) { job in job.work(0) }
    }
  }

  /// Opens a job to the workers, lets the caller take its part, and waits for the end.
  private static func post(_ count: Int, helpers: Int, _ body: @escaping (Int) -> Void, _ part: (Job) -> Void) {
    withUnsafePointer(to: body) { body in
      let job = Job(count: count, helpers: helpers, body: BorrowedBody(body))
      Crew.shared.post(job)
      withDenormalsAsZero { part(job) }
      job.awaitEnd()
      Crew.shared.withdraw(job)
    }
  }

  /// Runs `body(rank, size, barrier)` on up to `maximum` threads that are all running at the same time, so that they may wait for
  /// each other at the barrier. `size` is the number that could be had within some microseconds, at least 1.
  package static func runTogether(_ maximum: Int, _ body: (Int, Int, SpinBarrier) -> Void) {
    let threads = min(threadCount, maximum)
    if threads <= 1 {
      withDenormalsAsZero { body(0, 1, SpinBarrier(size: 1)) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let gang = Gang(maximum: threads)
      // A piece of this job is a seat: whoever takes one becomes a member, and waits until the gang sets off.
      post(threads - 1, helpers: threads - 1) { _ in
        let (rank, size) = gang.join()
        body(rank, size, gang.barrier)
      } _: { job in
        body(0, gang.setOff(job), gang.barrier)
      }
    }
  }

  /// Runs `body` with denormals counted as zero on this thread, and restores the thread's setting.
  package static func withDenormalsAsZero<Result>(_ body: () -> Result) -> Result {
    let control = recurra_fp_enter()
    defer { recurra_fp_leave(control) }
    return body()
  }

  private static func defaultThreadCount() -> Int {
    if let text = getenv("RECURRA_THREADS"), let count = Int(String(cString: text)), count >= 1 {
      return min(count, 256)
    }
    return Int(recurra_processor_count())
  }
}

/// A closure on the poster's stack. A worker may still hold a finished job for a moment; it must not hold the closure.
struct BorrowedBody: @unchecked Sendable {
  private let context: UnsafeRawPointer
  // Behind a C function, so that nothing of the closure is retained once it returns.
  private let call: @convention(c) (UnsafeRawPointer, Int) -> Void

  init(_ body: UnsafePointer<(Int) -> Void>) {
    context = UnsafeRawPointer(body)
    call = { $0.assumingMemoryBound(to: ((Int) -> Void).self).pointee($1) }
  }

  func callAsFunction(_ index: Int) { call(context, index) }
}

/// Numbered pieces of work for several threads.
///
/// Piece p belongs to lane p mod the number of threads. A thread has the same lane in every job and begins there, so what it wrote in one
/// job it finds in its own cache in the next; only then does it help in the other lanes.
final class Job: @unchecked Sendable {
  private let count: Int
  private let lanes: Int
  private let body: BorrowedBody
  /// The next turn of each lane, a cache line apart.
  private let turns: UnsafeMutablePointer<Atomic<Int>>
  private let finished = Atomic<Int>(0)
  private let seats: Atomic<Int>
  private static let spacing = 8

  init(count: Int, helpers: Int, body: BorrowedBody) {
    self.count = count
    self.body = body
    lanes = helpers + 1
    seats = Atomic(helpers)
    turns = .allocate(capacity: lanes * Self.spacing)
    for lane in 0..<lanes { (turns + lane * Self.spacing).initialize(to: Atomic(0)) }
  }

  deinit {
    for lane in 0..<lanes { (turns + lane * Self.spacing).deinitialize(count: 1) }
    turns.deallocate()
  }

  /// The number of pieces in a lane.
  private func size(_ lane: Int) -> Int { (count - lane + lanes - 1) / lanes }

  /// Takes a seat among the helpers, if one is free and there is still something to do.
  func takeSeat() -> Bool {
    guard (0..<lanes).contains(where: { turns[$0 * Self.spacing].load(ordering: .relaxed) < size($0) }) else {
      return false
    }
    return seats.subtract(1, ordering: .relaxed).newValue >= 0
  }

  /// Works until no piece is left to take. Thread 0 is the one that posted the job, worker w has number w + 1.
  func work(_ thread: Int) {
    let first = thread == 0 || lanes == 1 ? 0 : 1 + (thread - 1) % (lanes - 1)
    for offset in 0..<lanes {
      let lane = (first + offset) % lanes
      while true {
        let index = lane + turns[lane * Self.spacing].add(1, ordering: .relaxed).oldValue * lanes
        guard index < count else { break }
        body(index)
        finished.add(1, ordering: .releasing)
      }
    }
  }

  /// Takes the pieces nobody has begun out of the job, and returns how many have been begun.
  func close() -> Int {
    let begun = (0..<lanes).reduce(0) { sum, lane in
      sum + min(turns[lane * Self.spacing].exchange(count, ordering: .relaxed), size(lane))
    }
    finished.add(count - begun, ordering: .releasing)
    return begun
  }

  /// Waits until every piece is done; the others are in the middle of their last ones, so it spins first.
  func awaitEnd() {
    var patience = Patience()
    while finished.load(ordering: .acquiring) < count { patience.wait() }
  }
}

/// Members of a job that run at the same time.
private final class Gang: Sendable {
  let barrier: SpinBarrier
  private let maximum: Int
  private let arrived = Atomic<Int>(0)
  /// Number of members once the gang has set off, 0 before.
  private let size = Atomic<Int>(0)

  init(maximum: Int) {
    self.maximum = maximum
    barrier = SpinBarrier(size: maximum)
  }

  /// Makes the calling thread a member; returns its rank and the number of members when the gang sets off.
  func join() -> (rank: Int, size: Int) {
    let rank = arrived.add(1, ordering: .acquiringAndReleasing).newValue
    var patience = Patience()
    while size.load(ordering: .acquiring) == 0 { patience.wait() }
    return (rank, size.load(ordering: .relaxed))
  }

  /// Waits a little for members and sets off with those who came; the caller has rank 0. Returns the number of members.
  func setOff(_ job: Job) -> Int {
    var tries = 0
    while arrived.load(ordering: .acquiring) < maximum - 1, tries < 8_000 {
      recurra_pause()
      tries += 1
    }
    let members = job.close()
    while arrived.load(ordering: .acquiring) < members { recurra_pause() }
    barrier.resize(members + 1)
    size.store(members + 1, ordering: .releasing)
    return members + 1
  }
}

/// A barrier for threads that are all running: it spins, and yields only when a peer was taken off its processor.
///
/// Every member counts its own arrivals on a cache line of its own and watches those of the others, so a line travels once from
/// writer to reader, and nothing is contended for. Meant for few members: each reads all.
package final class SpinBarrier: @unchecked Sendable {
  private var size: Int
  private let maximum: Int
  private let arrivals: UnsafeMutablePointer<Atomic<Int>>
  /// Two cache lines, because processors fetch them in pairs.
  private static let spacing = 16

  init(size: Int) {
    self.size = size
    maximum = size
    arrivals = .allocate(capacity: size * Self.spacing)
    for member in 0..<size { (arrivals + member * Self.spacing).initialize(to: Atomic(0)) }
  }

  deinit {
    for member in 0..<maximum { (arrivals + member * Self.spacing).deinitialize(count: 1) }
    arrivals.deallocate()
  }

  /// Sets the number of members, before any of them waits; no more than at first.
  func resize(_ size: Int) { self.size = size }

  /// Returns when all members have called it, each with its own rank; what they wrote before is then visible.
  package func wait(_ rank: Int) {
    if size == 1 { return }
    let turn = arrivals[rank * Self.spacing].load(ordering: .relaxed) + 1
    arrivals[rank * Self.spacing].store(turn, ordering: .releasing)
    for member in 0..<size where member != rank {
      var patience = Patience()
      while arrivals[member * Self.spacing].load(ordering: .acquiring) < turn { patience.wait() }
    }
  }
}

/// Waits in small steps: first it spins, later it lets other threads run.
struct Patience {
  private var spins = 0

  mutating func wait() {
    spins += 1
    if spins < 2_000 { recurra_pause() } else { sched_yield() }
  }
}
