internal import CRecurraKernels
internal import Synchronization

extension Threads {
  /// Runs `body` on up to `maximum` threads that run at the same time, so that they may wait for each other; returns by
  /// how many nanoseconds a rank came late so that they parted, 0 where they stayed together.
  ///
  /// The caller may well be alone, with a size of 1: where other calls keep the processors busy, and where waking a
  /// worker would take longer than the work.
  ///
  /// - Parameters:
  ///   - saving: nanoseconds by which the caller would be done earlier with all ranks.
  ///   - lateAfter: nanoseconds beyond spinning after which a rank counts as late, and the others go on without it.
  @discardableResult
  package static func runTeam(
    _ maximum: Int, saving: Int = .max, lateAfter: Int = 0, _ body: (TeamRank) -> Void
  ) -> Int {
    let others = calls.add(1, ordering: .relaxed).oldValue
    defer { calls.subtract(1, ordering: .relaxed) }
    let threads = min(count, maximum, others == 0 || ignoresCosts ? .max : processors - others)
    guard threads > 1, isWorthAsking(saving) else {
      withDenormalsAsZero { body(TeamRank(TeamBarrier(size: 1, lateAfter: 0), rank: 0, size: 1)) }
      return 0
    }
    return withoutActuallyEscaping(body) { body in
      let team = Team(maximum: threads, lateAfter: lateAfter)
      // A thread that takes an index of this loop becomes a rank, and waits until the team sets off.
      post(threads - 1, helpers: threads - 1) { _ in
        body(team.join())
      } _: { loop in
        body(team.setOff(loop, within: ignoresCosts ? 50_000_000 : max(2_000, min(saving / 4, 1_000_000))))
      }
      return team.barrier.lateness.pointee.load(ordering: .relaxed)
    }
  }

  /// Lets tests meet every division of work: costs count for nothing, and all ranks are waited for.
  package static var ignoresCosts: Bool {
    get { ignorance.load(ordering: .relaxed) }
    set { ignorance.store(newValue, ordering: .relaxed) }
  }

  private static let ignorance = Atomic<Bool>(false)
  private static let processors = Int(recurra_processor_count())
  private static let asked = CallRate()

  /// Tells whether ranks can be had in time. Where all workers sleep and little is at stake, this call does without
  /// them; but when calls follow each other closely, it wakes them for the next one.
  private static func isWorthAsking(_ saving: Int) -> Bool {
    // A call that would save more than some milliseconds asks in any case, and says little of when it ends.
    let isClose = asked.isClose(nanoseconds(), lasting: min(saving, 10_000_000))
    if saving >= 100_000 || ignoresCosts || hasWorkerAwake { return true }
    if isClose { ThreadPool.shared.wake(count - 1) }
    return false
  }

  /// Tells whether a worker would come at once.
  package static var hasWorkerAwake: Bool { ThreadPool.shared.isAwake }
}

/// Calls of one kind, and whether they follow each other so closely that a worker stays awake from one to the next.
package final class CallRate: Sendable {
  /// When the last call should have ended.
  private let end = Atomic<Int>(0)
  private let close = Atomic<Int>(0)

  /// Starts without calls.
  package init() {}

  /// Tells whether a call at `now`, which takes about so many nanoseconds, is one of many; a few may be the layers of a
  /// single request.
  package func isClose(_ now: Int, lasting: Int) -> Bool {
    guard now - end.exchange(now + lasting, ordering: .relaxed) < 400_000 else {
      close.store(0, ordering: .relaxed)
      return false
    }
    return close.add(1, ordering: .relaxed).newValue >= 16
  }
}

/// Threads that come together to run at the same time.
private final class Team: Sendable {
  let barrier: TeamBarrier
  private let maximum: Int
  private let arrived = Atomic<Int>(0)
  /// Number of ranks once the team has set off, 0 before.
  private let size = Atomic<Int>(0)

  init(maximum: Int, lateAfter: Int) {
    self.maximum = maximum
    barrier = TeamBarrier(size: maximum, lateAfter: lateAfter)
  }

  /// Makes the calling thread a rank, once the team sets off.
  func join() -> TeamRank {
    let rank = arrived.add(1, ordering: .acquiringAndReleasing).newValue
    // A full team needs no word of rank 0.
    SpinWait.wait { size.load(ordering: .acquiring) > 0 || arrived.load(ordering: .acquiring) == maximum - 1 }
    let number = size.load(ordering: .relaxed)
    return TeamRank(barrier, rank: rank, size: number > 0 ? number : maximum)
  }

  /// Waits some nanoseconds for ranks and sets off with those that came, as rank 0.
  func setOff(_ loop: ParallelLoop, within nanoseconds: Int) -> TeamRank {
    let begin = Threads.nanoseconds()
    var tries = 0
    while arrived.load(ordering: .acquiring) < maximum - 1 {
      recurra_pause()
      tries += 1
      guard tries % 16 == 0, Threads.nanoseconds() - begin > nanoseconds else { continue }
      let joined = loop.close()
      while arrived.load(ordering: .acquiring) < joined { recurra_pause() }
      barrier.size = joined + 1
      size.store(joined + 1, ordering: .releasing)
      return TeamRank(barrier, rank: 0, size: joined + 1)
    }
    return TeamRank(barrier, rank: 0, size: maximum)
  }
}
