internal import Synchronization

/// A barrier for threads that are all running: it spins, and yields only when a peer was taken off its processor.
///
/// Every member counts its own arrivals on a cache line of its own and watches those of the others, so a line travels once from
/// writer to reader, and nothing is contended for. Meant for few members: each reads all.
package final class SpinBarrier: @unchecked Sendable {
  fileprivate private(set) var size: Int
  private let maximum: Int
  fileprivate let arrivals: UnsafeMutablePointer<Atomic<Int>>
  /// The turn after which the members part, beside the arrivals.
  fileprivate var lastTurn: UnsafeMutablePointer<Atomic<Int>> { arrivals + maximum * Self.spacing }
  /// What rank 0 has seen.
  private var delay = Delay(begin: Streams.nanoseconds())
  /// Two cache lines, because processors fetch them in pairs.
  fileprivate static let spacing = 16

  init(size: Int) {
    self.size = size
    maximum = size
    arrivals = .allocate(capacity: (size + 1) * Self.spacing)
    for member in 0...size { (arrivals + member * Self.spacing).initialize(to: Atomic(0)) }
  }

  deinit {
    for member in 0...maximum { (arrivals + member * Self.spacing).deinitialize(count: 1) }
    arrivals.deallocate()
  }

  /// Sets the number of members, before any of them waits; fewer than at first.
  func resize(_ size: Int) { self.size = size }

  /// Lets the time begin of which rank 0, who says so, is held up.
  func begin() { delay = Delay(begin: Streams.nanoseconds()) }

  /// Returns when all members have called it, each with its own rank; what they wrote before is then visible.
  package func wait(_ rank: Int) { _ = meet(rank) { _ in } }

  /// The same, and tells whether the members should go on together: all get the same answer.
  ///
  /// They should part, and rank 0 do the rest alone, when it has been held up for half of the time: then another thread has
  /// taken a member's processor, and every meeting may take as long as the scheduler lets that one run.
  package func waitUnlessHeldUp(_ rank: Int) -> Bool {
    let turn = meet(rank) { turn in
      if rank == 0, delay.isTooLong() { lastTurn.pointee.store(turn, ordering: .relaxed) }
    }
    return turn == 0 || lastTurn.pointee.load(ordering: .relaxed) != turn
  }

  /// Returns the turn, from 1; 0 where there is nobody to meet. `prepare` is called before the others learn of the arrival.
  @inline(__always)
  private func meet(_ rank: Int, _ prepare: (Int) -> Void) -> Int {
    if size == 1 { return 0 }
    let turn = arrivals[rank * Self.spacing].load(ordering: .relaxed) + 1
    prepare(turn)
    arrivals[rank * Self.spacing].store(turn, ordering: .releasing)
    for member in 0..<size where member != rank {
      var patience = Patience()
      while arrivals[member * Self.spacing].load(ordering: .acquiring) < turn { patience.wait() }
      // Others read this object's line at every meeting: it is written only where it must be.
      if rank == 0 { delay.add(patience) }
    }
    return turn
  }
}

/// A member of a gang that says at a barrier that it has come, and waits for the others later, with something done in between.
///
/// An object for each member: references to the barrier, which all share, would be counted where all write.
package final class Rendezvous {
  private let barrier: SpinBarrier
  private let arrivals, lastTurn: UnsafeMutablePointer<Atomic<Int>>
  private let rank, size: Int
  private var turn: Int
  private var delay = Delay(begin: Streams.nanoseconds())

  /// Makes the member of a rank, before it comes to the barrier for the first time; all members come in this way.
  package init(_ barrier: SpinBarrier, _ rank: Int) {
    (self.barrier, self.rank, size) = (barrier, rank, barrier.size)
    (arrivals, lastTurn) = (barrier.arrivals, barrier.lastTurn)
    turn = arrivals[rank * SpinBarrier.spacing].load(ordering: .relaxed)
  }

  /// Says that this member has come; what it wrote before is visible to those who wait for it. Tells whether the members go on together: all
  /// get the same answer, if each waits once between two arrivals.
  ///
  /// They part as at the barrier itself, a turn later, for others hear of it when they wait.
  package func arrive() -> Bool {
    turn += 1
    var last = lastTurn.pointee.load(ordering: .relaxed)
    if rank == 0, last == 0, delay.isTooLong() {
      last = turn + 1
      lastTurn.pointee.store(last, ordering: .relaxed)
    }
    arrivals[rank * SpinBarrier.spacing].store(turn, ordering: .releasing)
    return last != turn
  }

  /// Returns when the others have come as often.
  package func awaitOthers() {
    for member in 0..<size where member != rank {
      var patience = Patience()
      while arrivals[member * SpinBarrier.spacing].load(ordering: .acquiring) < turn { patience.wait() }
      if rank == 0, patience.wasHeldUp { delay.add(patience) }
    }
  }
}

/// For how long a member was held up by others, out of the time that it is with them.
struct Delay {
  private let begin: Int
  private var heldUp = 0

  init(begin: Int) { self.begin = begin }

  /// Adds what a wait took beyond what it should.
  @inline(__always)
  mutating func add(_ patience: Patience) {
    if patience.wasHeldUp { heldUp += patience.heldUp }
  }

  /// Tells whether it is half of the time, in which case it starts anew, and the next calls do without members.
  mutating func isTooLong() -> Bool {
    guard heldUp > 0, 2 * heldUp > Streams.nanoseconds() - begin else { return false }
    heldUp = 0
    Streams.avoidMeetings()
    return true
  }
}
