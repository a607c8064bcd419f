internal import CRecurraKernels
internal import Glibc
internal import Synchronization

extension Threads {
  /// Runs `body(rank, size, barrier)` on up to `maximum` threads that are all running at the same time, so that they
  /// may wait for each other at the barrier.
  ///
  /// The caller may well be alone, with a size of 1: where other calls keep the processors busy, and where waking a
  /// worker would take longer than the work. Members that had to wait for each other would then only be in each other's
  /// way.
  ///
  /// - Parameter saving: nanoseconds by which the caller would be done earlier with all members.
  package static func runTogether(_ maximum: Int, saving: Int = .max, _ body: (Int, Int, SpinBarrier) -> Void) {
    let others = calls.add(1, ordering: .relaxed).oldValue
    defer { calls.subtract(1, ordering: .relaxed) }
    let threads = min(count, maximum, others == 0 || insistsOnMembers ? .max : processors - others)
    if threads <= 1 || !isWorthAsking(saving) {
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
        body(
          0, gang.setOff(job, patience: insistsOnMembers ? 50_000_000 : max(2_000, min(saving / 4, 1_000_000))),
          gang.barrier)
      }
    }
  }

  /// Lets tests meet every number of members: they are waited for whatever it costs.
  package static var insistsOnMembers: Bool {
    get { insistence.load(ordering: .relaxed) }
    set { insistence.store(newValue, ordering: .relaxed) }
  }

  private static let insistence = Atomic<Bool>(false)
  private static let processors = Int(recurra_processor_count())
  /// When members were last asked for, and what meeting them costs.
  private static let asked = Succession()
  private static let consulted = Succession()

  /// Tells whether members can be had in time. Where all workers sleep and little is at stake, this call does without
  /// them; but when calls follow each other closely, it wakes them for the next one.
  private static func isWorthAsking(_ saving: Int) -> Bool {
    // A call that would save more than some milliseconds asks in any case, and says little of when it ends.
    let isClose = asked.isClose(nanoseconds(), lasting: min(saving, 10_000_000))
    return saving >= 100_000 || insistsOnMembers || isAwake(orWillBe: isClose)
  }

  /// Tells whether a worker looks out; wakes some for the next time if not.
  private static func isAwake(orWillBe wakes: Bool) -> Bool {
    if Crew.shared.isAwake { return true }
    if wakes { Crew.shared.wake(count - 1) }
    return false
  }

  /// A clock that only runs forward.
  package static func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  private static let meeting = Atomic<Int>(200)
  private static let measured = Atomic<Int>(0)

  /// Nanoseconds that two threads need to meet at a barrier, as things are now.
  ///
  /// Measured again every 50 ms where it is asked for, because it depends on which cores the threads run on: virtual
  /// processors are moved, and then a meeting takes 5 times as long. `Int.max` for a while after threads that ran
  /// together were held up.
  ///
  /// - Parameter lasting: nanoseconds that the call which asks will take about, alone. Where calls follow each other
  ///   closely a worker is woken for measuring: else a long call, in which workers fall asleep, would stay alone for
  ///   good once it was.
  package static func meetingNanoseconds(lasting: Int = 0) -> Int {
    if insistsOnMembers { return 0 }
    let now = nanoseconds()
    let isClose = consulted.isClose(now, lasting: lasting)
    guard now - measured.load(ordering: .relaxed) >= 50_000_000, Crew.shared.isAwake || isClose else {
      return meeting.load(ordering: .relaxed)
    }
    measured.store(now, ordering: .relaxed)
    runTogether(2, saving: Crew.shared.isAwake ? 50_000 : 400_000) { rank, size, barrier in
      guard size > 1 else { return }
      let member = Rendezvous(barrier, rank)
      // The least of some attempts, the first of which finds cold lines.
      var least = Int.max
      for _ in 0..<4 {
        let begin = nanoseconds()
        for _ in 0..<8 { member.meet() }
        least = min(least, (nanoseconds() - begin) / 8)
      }
      if rank == 0 { meeting.store(least, ordering: .relaxed) }
    }
    return meeting.load(ordering: .relaxed)
  }

  /// Says that threads that ran together were held up, so that the next calls do without.
  static func avoidMeetings() {
    meeting.store(.max, ordering: .relaxed)
    measured.store(nanoseconds() - 40_000_000, ordering: .relaxed)
  }
}

/// Calls of one kind, and whether they follow each other so closely that a worker would look out from one to the next.
private final class Succession: Sendable {
  /// When the last call should have ended.
  private let end = Atomic<Int>(0)
  private let close = Atomic<Int>(0)

  /// Tells whether a call at `now`, which takes about so many nanoseconds, is one of many; a few may be the layers of a
  /// single request.
  func isClose(_ now: Int, lasting: Int) -> Bool {
    guard now - end.exchange(now + lasting, ordering: .relaxed) < 400_000 else {
      close.store(0, ordering: .relaxed)
      return false
    }
    return close.add(1, ordering: .relaxed).newValue >= 16
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
    // When nobody else can come there is no need to hear it from rank 0.
    Patience.wait { size.load(ordering: .acquiring) > 0 || arrived.load(ordering: .acquiring) == maximum - 1 }
    let number = size.load(ordering: .relaxed)
    return (rank, number > 0 ? number : maximum)
  }

  /// Waits some nanoseconds for members and sets off with those who came; the caller has rank 0. Returns the number of
  /// members. Those of a full gang have set off by themselves.
  func setOff(_ job: Job, patience: Int) -> Int {
    let begin = Threads.nanoseconds()
    var tries = 0
    while arrived.load(ordering: .acquiring) < maximum - 1 {
      recurra_pause()
      tries += 1
      if tries % 16 == 0, Threads.nanoseconds() - begin > patience { return setOff(job) }
    }
    return maximum
  }

  private func setOff(_ job: Job) -> Int {
    let members = job.close()
    while arrived.load(ordering: .acquiring) < members { recurra_pause() }
    if members + 1 < maximum { barrier.resize(members + 1) }
    size.store(members + 1, ordering: .releasing)
    return members + 1
  }
}

/// How far a member of a gang has come, for others to wait for.
package final class Progress: Sendable {
  private let count = Atomic<Int>(0)
  // So much that no two share a line, nor a pair of lines.
  private let room: (Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int) = (
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  )

  /// Starts at nothing.
  package init() {}

  /// Says how much is done; what was written before is visible to those who wait for it.
  package func set(_ value: Int) { count.store(value, ordering: .releasing) }

  /// Returns when so much is done.
  package func awaitCount(_ value: Int) {
    Patience.wait { count.load(ordering: .acquiring) >= value }
  }
}
