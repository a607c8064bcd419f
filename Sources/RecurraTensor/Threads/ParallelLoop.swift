internal import Synchronization

/// A closure on the caller's stack. A worker may still hold a finished loop for a moment; it must not hold the closure.
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

/// Indices of a loop that several threads work on.
///
/// Index i belongs to lane i mod the number of threads. A thread has the same lane in every loop and begins there, so
/// it finds in its own cache what it wrote in the loop before; only then does it help in the other lanes.
final class ParallelLoop: @unchecked Sendable {
  private let count: Int
  private let lanes: Int
  private let body: BorrowedBody
  /// The next index of each lane, a cache line apart.
  private let turns: UnsafeMutablePointer<Atomic<Int>>
  private let finished = Atomic<Int>(0)
  /// Workers that may still join.
  private let seats: Atomic<Int>
  /// Where threads wait that find no more indices, if the work of one may be divided.
  private let sharing: WorkSharing?
  let helpers: Int
  private static let spacing = 8

  init(count: Int, helpers: Int, sharing: WorkSharing? = nil, body: BorrowedBody) {
    (self.count, self.helpers, self.sharing, self.body) = (count, helpers, sharing, body)
    lanes = helpers + 1
    seats = Atomic(helpers)
    turns = .allocate(capacity: lanes * Self.spacing)
    for lane in 0..<lanes { (turns + lane * Self.spacing).initialize(to: Atomic(0)) }
  }

  deinit {
    for lane in 0..<lanes { (turns + lane * Self.spacing).deinitialize(count: 1) }
    turns.deallocate()
  }

  /// The number of indices in a lane.
  private func size(_ lane: Int) -> Int { (count - lane + lanes - 1) / lanes }

  /// Takes a seat, if one is free and an index is left.
  func takeSeat() -> Bool {
    (0..<lanes).contains { turns[$0 * Self.spacing].load(ordering: .relaxed) < size($0) } && takeFreeSeat()
  }

  /// Takes a seat for a part of an index that is under way, if one is free.
  func takeSeatForPart() -> Bool { sharing != nil && !isOver && takeFreeSeat() }

  private func takeFreeSeat() -> Bool {
    if seats.subtract(1, ordering: .relaxed).newValue >= 0 { return true }
    seats.add(1, ordering: .relaxed)
    return false
  }

  /// Works until no index is left, nor a part of one, or until `isCalledAway`. Thread 0 is the caller, worker w has
  /// number w + 1.
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
    guard let sharing else { return }
    sharing.help { isOver || isCalledAway() }
    seats.add(1, ordering: .relaxed)
  }

  /// Tells whether every index is done, with all parts that were given away.
  private var isOver: Bool { finished.load(ordering: .acquiring) >= count }

  /// Takes the indices that no thread has begun out of the loop, and returns how many have been begun.
  func close() -> Int {
    let begun = (0..<lanes).reduce(0) { sum, lane in
      sum + min(turns[lane * Self.spacing].exchange(count, ordering: .relaxed), size(lane))
    }
    finished.add(count - begun, ordering: .releasing)
    return begun
  }

  /// Waits until every index is done.
  func awaitEnd() { SpinWait.wait { isOver } }
}
