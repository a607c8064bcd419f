internal import Synchronization

/// What the ranks of a team share: how often each has arrived at the barrier, and the turn after which they part.
///
/// Every rank counts its own arrivals on a cache line of its own and reads those of the others, so a line crosses once
/// from writer to reader. Meant for few ranks: each reads all.
final class TeamBarrier: @unchecked Sendable {
  /// Ranks, fewer than at first once the team has set off with fewer.
  var size: Int
  /// Nanoseconds beyond spinning after which a rank counts as late.
  let lateAfter: Int
  private let maximum: Int
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  /// Two cache lines, because processors fetch them in pairs.
  private static let spacing = 16

  init(size: Int, lateAfter: Int) {
    (self.size, maximum, self.lateAfter) = (size, size, lateAfter)
    counters = .allocate(capacity: (size + 1) * Self.spacing)
    for rank in 0...size { (counters + rank * Self.spacing).initialize(to: Atomic(0)) }
    lateness.initialize(to: Atomic(0))
  }

  deinit {
    for rank in 0...maximum { (counters + rank * Self.spacing).deinitialize(count: 1) }
    counters.deallocate()
  }

  /// How often a rank has arrived.
  func arrivals(_ rank: Int) -> UnsafeMutablePointer<Atomic<Int>> { counters + rank * Self.spacing }

  /// The turn after which the ranks part; 0 for none.
  var lastTurn: UnsafeMutablePointer<Atomic<Int>> { counters + maximum * Self.spacing }

  /// Nanoseconds by which the rank came late for which they part.
  var lateness: UnsafeMutablePointer<Atomic<Int>> { lastTurn + 1 }
}

/// One of the threads that run together, and how it meets the others.
///
/// An object for each rank: references to the barrier, which all share, would be counted where all write.
package final class TeamRank {
  /// 0 for the caller's thread.
  package let rank: Int
  /// The number of ranks.
  package let size: Int
  private let barrier: TeamBarrier
  private let own, lastTurn: UnsafeMutablePointer<Atomic<Int>>
  private var turn = 0

  init(_ barrier: TeamBarrier, rank: Int, size: Int) {
    (self.barrier, self.rank, self.size) = (barrier, rank, size)
    (own, lastTurn) = (barrier.arrivals(rank), barrier.lastTurn)
  }

  /// Arrives and waits for the others at once; returns whether the ranks go on together: all get the same answer.
  ///
  /// Once a rank has come late they part at the next meeting: another process has taken its processor then, and every
  /// meeting may take as long as the scheduler lets that one run.
  @discardableResult
  package func meet() -> Bool {
    arrive()
    awaitOthers(partingAfter: 1)
    return lastTurn.pointee.load(ordering: .relaxed) != turn
  }

  /// Arrives, with `awaitOthers()` to follow; returns whether the ranks go on together: all get the same answer, if
  /// each waits once between two arrivals. They learn of a late rank where they wait, so they part one turn later.
  @discardableResult
  package func arrive() -> Bool {
    turn += 1
    own.pointee.store(turn, ordering: .releasing)
    return lastTurn.pointee.load(ordering: .relaxed) != turn
  }

  /// Returns when the others have arrived as often; what they wrote before is then visible.
  package func awaitOthers() { awaitOthers(partingAfter: 2) }

  private func awaitOthers(partingAfter turns: Int) {
    for other in 0..<size where other != rank {
      let arrivals = barrier.arrivals(other)
      let late = SpinWait.wait { arrivals.pointee.load(ordering: .acquiring) >= turn }
      guard late > barrier.lateAfter else { continue }
      let parts = lastTurn.pointee.compareExchange(expected: 0, desired: turn + turns, ordering: .relaxed).exchanged
      if parts { barrier.lateness.pointee.store(late, ordering: .relaxed) }
    }
  }
}
