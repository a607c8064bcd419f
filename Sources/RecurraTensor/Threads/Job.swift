internal import CRecurraKernels
internal import Glibc
internal import Synchronization

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
/// Piece p belongs to lane p mod the number of threads. A thread has the same lane in every job and begins there, so
/// what it wrote in one job it finds in its own cache in the next; only then does it help in the other lanes.
final class Job: @unchecked Sendable {
  private let count: Int
  private let lanes: Int
  private let body: BorrowedBody
  /// The next turn of each lane, a cache line apart.
  private let turns: UnsafeMutablePointer<Atomic<Int>>
  private let finished = Atomic<Int>(0)
  private let seats: Atomic<Int>
  /// Where threads wait that find no more pieces, if pieces may be divided.
  private let handover: Handover?
  let helpers: Int
  private static let spacing = 8

  init(count: Int, helpers: Int, handover: Handover? = nil, body: BorrowedBody) {
    (self.count, self.helpers, self.handover, self.body) = (count, helpers, handover, body)
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
    return takeFreeSeat()
  }

  /// Takes a seat for a part of a piece that is under way, if one is free.
  func takeSeatForPart() -> Bool { handover != nil && !isOver && takeFreeSeat() }

  private func takeFreeSeat() -> Bool {
    let isFree = seats.subtract(1, ordering: .relaxed).newValue >= 0
    if !isFree { leaveSeat() }
    return isFree
  }

  private func leaveSeat() { seats.add(1, ordering: .relaxed) }

  /// Works until no piece is left to take, nor a part of one, or until the thread is called away. Thread 0 is the one
  /// that posted the job, worker w has number w + 1.
  func work(_ thread: Int, isCalledAway: () -> Bool = { false }) {
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
    guard let handover else { return }
    handover.serve { isOver || isCalledAway() }
    leaveSeat()
  }

  /// Tells whether every piece is done, and with it all parts that were given away.
  private var isOver: Bool { finished.load(ordering: .acquiring) >= count }

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
    Patience.wait { isOver }
  }
}

/// Waits in small steps: first it only looks, then it rests between looks, later it lets other threads run.
struct Patience {
  private var spins = 0
  private var begin = 0

  private mutating func wait() {
    spins += 1
    // A pause takes up to 140 cycles: at first what is waited for comes sooner than that.
    if spins < Self.attentive { return }
    if spins < Self.limit {
      recurra_pause()
    } else {
      if spins == Self.limit { begin = Threads.nanoseconds() }
      sched_yield()
    }
  }

  /// Nanoseconds that it took beyond what spinning would have.
  private var heldUp: Int { spins >= Self.limit ? Threads.nanoseconds() - begin : 0 }

  /// Waits until something is there; returns for how many nanoseconds that was longer than spinning takes.
  @inline(__always)
  @discardableResult
  static func wait(until isThere: () -> Bool) -> Int {
    var patience = Patience()
    while !isThere() { patience.wait() }
    return patience.heldUp
  }

  private static let attentive = 64
  private static let limit = 2_000
}
