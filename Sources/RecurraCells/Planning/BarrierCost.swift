import RecurraTensor
internal import Synchronization

/// What it costs two threads to meet at a barrier, as things are now.
package enum BarrierCost {
  private static let nanoseconds = Atomic<Int>(200)
  /// When it is measured again.
  private static let due = Atomic<Int>(0)
  private static let asked = CallRate()
  /// When a rank came late last.
  private static let lastLate = Atomic<Int>(0)
  private static let interval = 50_000_000

  /// Nanoseconds of a meeting; `Int.max` for a while after a rank came late.
  ///
  /// Measured again every 50 ms where it is asked for, because it depends on which cores the threads run on: virtual
  /// processors are moved, and then a meeting takes 5 times as long.
  ///
  /// - Parameter lasting: nanoseconds that the call which asks takes about, alone. Where calls follow each other
  ///   closely a worker is woken for measuring: else a long call, in which workers fall asleep, would stay alone for
  ///   good once it was.
  package static func current(lasting: Int = 0) -> Int {
    if Threads.ignoresCosts { return 0 }
    let now = Threads.nanoseconds()
    let isClose = asked.isClose(now, lasting: lasting)
    guard now >= due.load(ordering: .relaxed), Threads.hasWorkerAwake || isClose else {
      return nanoseconds.load(ordering: .relaxed)
    }
    due.store(now + interval, ordering: .relaxed)
    Threads.runTeam(2, saving: Threads.hasWorkerAwake ? 50_000 : 1_600_000) { rank in
      guard rank.size > 1 else { return }
      // The least of some attempts, the first of which finds cold lines.
      var least = Int.max
      for _ in 0..<4 {
        let begin = Threads.nanoseconds()
        for _ in 0..<8 { rank.meet() }
        least = min(least, (Threads.nanoseconds() - begin) / 8)
      }
      if rank.rank == 0 { nanoseconds.store(least, ordering: .relaxed) }
    }
    return nanoseconds.load(ordering: .relaxed)
  }

  /// Says by how many nanoseconds a rank came late so that a team parted, if one did: the next calls do without teams,
  /// ten times as long, so that a busy neighbour takes a tenth of the time at most.
  package static func note(lateness: Int) {
    guard lateness > 0 else { return }
    let now = Threads.nanoseconds()
    lastLate.store(now, ordering: .relaxed)
    nanoseconds.store(.max, ordering: .relaxed)
    due.store(now + 10 * lateness, ordering: .relaxed)
  }

  /// When a rank came late last; 0 for never.
  package static var lastLateRank: Int { lastLate.load(ordering: .relaxed) }

  /// Tells whether teams are avoided at the moment.
  package static var isAvoided: Bool {
    nanoseconds.load(ordering: .relaxed) == .max && Threads.nanoseconds() < due.load(ordering: .relaxed)
  }
}
