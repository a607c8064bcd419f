internal import Synchronization

/// A barrier for threads that are all running: it spins, and yields only when a peer was taken off its processor.
///
/// Every member counts its own arrivals on a cache line of its own and watches those of the others, so a line travels
/// once from writer to reader, and nothing is contended for. Meant for few members: each reads all.
package final class SpinBarrier: @unchecked Sendable {
  fileprivate private(set) var size: Int
  private let maximum: Int
  fileprivate let arrivals: UnsafeMutablePointer<Atomic<Int>>
  /// The turn after which the members part, beside the arrivals.
  fileprivate var lastTurn: UnsafeMutablePointer<Atomic<Int>> { arrivals + maximum * Self.spacing }
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
}

/// A member of a gang at its barrier: it says that it has come, and waits for the others at once, or later, with
/// something done in between.
///
/// An object for each member: references to the barrier, which all share, would be counted where all write.
package final class Rendezvous {
  private let barrier: SpinBarrier
  private let arrivals, lastTurn: UnsafeMutablePointer<Atomic<Int>>
  private let rank, size: Int
  private var turn: Int
  private var delay = Delay(begin: Threads.nanoseconds())

  /// Makes the member of a rank, before it comes to the barrier for the first time; all members come in this way.
  package init(_ barrier: SpinBarrier, _ rank: Int) {
    (self.barrier, self.rank, size) = (barrier, rank, barrier.size)
    (arrivals, lastTurn) = (barrier.arrivals, barrier.lastTurn)
    turn = arrivals[rank * SpinBarrier.spacing].load(ordering: .relaxed)
  }

  /// Says that this member has come; what it wrote before is visible to those who wait for it. Tells whether the
  /// members go on together: all get the same answer, if each waits once between two arrivals.
  ///
  /// They should part, and rank 0 do the rest alone, when it has been held up for half of the time: then another thread
  /// has taken a member's processor, and every meeting may take as long as the scheduler lets that one run. Others hear
  /// of it when they wait, so all do one turn more.
  package func arrive() -> Bool {
    come(notice: 1)
    return lastTurn.pointee.load(ordering: .relaxed) != turn
  }

  /// Comes, and waits for the others at once. They part, if they should, without another turn.
  @discardableResult
  package func meet() -> Bool {
    come(notice: 0)
    awaitOthers()
    return lastTurn.pointee.load(ordering: .relaxed) != turn
  }

  /// - Parameter notice: the turns that are done yet once the members should part.
  private func come(notice: Int) {
    turn += 1
    if rank == 0, lastTurn.pointee.load(ordering: .relaxed) == 0, delay.isTooLong() {
      lastTurn.pointee.store(turn + notice, ordering: .relaxed)
    }
    arrivals[rank * SpinBarrier.spacing].store(turn, ordering: .releasing)
  }

  /// Returns when the others have come as often; what they wrote before is then visible.
  package func awaitOthers() {
    for member in 0..<size where member != rank {
      let late = Patience.wait { arrivals[member * SpinBarrier.spacing].load(ordering: .acquiring) >= turn }
      if rank == 0, late > 0 { delay.heldUp += late }
    }
  }
}

/// For how long a member was held up by others, out of the time that it is with them.
struct Delay {
  let begin: Int
  var heldUp = 0

  /// Tells whether it is half of the time, in which case it starts anew, and the next calls do without members.
  mutating func isTooLong() -> Bool {
    guard heldUp > 0, 2 * heldUp > Threads.nanoseconds() - begin else { return false }
    heldUp = 0
    Threads.avoidMeetings()
    return true
  }
}
