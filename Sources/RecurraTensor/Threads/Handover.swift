internal import Synchronization

/// Where threads that have nothing left to do of some work get a part of what others still have before them.
///
/// Pieces that take one thread equally long take two equally long only on cores of their own: where somebody else uses
/// one of them, or the other half of it, the last thread is done later by as much. So whoever does a long piece looks
/// from time to time whether another thread waits, and gives it a part, which may be divided again.
package final class Handover: @unchecked Sendable {
  /// A part that is given away; what it does lies on the giver's stack, who waits for it.
  private final class Part: Sendable {
    let body: BorrowedBody
    let isDone = Atomic<Bool>(false)

    init(_ body: BorrowedBody) { self.body = body }
  }

  /// What there is between the thread that waits, one at a time, and one that gives.
  private enum Place {
    static let isEmpty = 0, isAwaited = 1, isTaken = 2, isFilled = 3
  }

  private let place = Atomic<Int>(Place.isEmpty)
  /// What was given; belongs to whoever has taken the place, and once it is filled to the one who waits.
  private var part: Part?

  /// For work that nobody else takes part in.
  package static let alone = Handover()

  /// Tells whether a thread waits for something to do; cheap enough for every timestep.
  @inline(__always)
  package var isAwaited: Bool { place.load(ordering: .relaxed) == Place.isAwaited }

  /// Does `own` on this thread and `other` on the one that waits, and returns when both are done; returns false, with
  /// nothing done, if none waits any more.
  package func divide(_ own: () -> Void, giving other: () -> Void) -> Bool {
    guard
      place.compareExchange(expected: Place.isAwaited, desired: Place.isTaken, ordering: .acquiring).exchanged
    else { return false }
    withoutActuallyEscaping(other) { other in
      let body: (Int) -> Void = { _ in other() }
      withUnsafePointer(to: body) { body in
        let given = Part(BorrowedBody(body))
        part = given
        place.store(Place.isFilled, ordering: .releasing)
        own()
        // Whoever does it may give parts of it in turn.
        serve { given.isDone.load(ordering: .acquiring) }
      }
    }
    return true
  }

  /// Does parts that others give, until there is a reason to leave.
  func serve(until isEnough: () -> Bool) {
    var waits = false
    repeat {
      Patience.wait {
        if !waits, place.load(ordering: .relaxed) == Place.isEmpty {
          waits = place.compareExchange(expected: Place.isEmpty, desired: Place.isAwaited, ordering: .relaxed).exchanged
        }
        return (waits && isFilled) || isEnough()
      }
      if waits, isFilled {
        doPart()
        waits = false
      }
    } while !isEnough()
    if waits, !place.compareExchange(expected: Place.isAwaited, desired: Place.isEmpty, ordering: .relaxed).exchanged {
      // Someone gives right now.
      Patience.wait { isFilled }
      doPart()
    }
  }

  private var isFilled: Bool { place.load(ordering: .acquiring) == Place.isFilled }

  private func doPart() {
    let given = part
    part = nil
    place.store(Place.isEmpty, ordering: .releasing)
    given?.body(0)
    given?.isDone.store(true, ordering: .releasing)
  }
}

extension Handover {
  /// Runs `body` for every number of a range, and gives half of what is left of it to a thread that waits, where that
  /// is worth it. Returns when all is done.
  ///
  /// - Parameter lasting: nanoseconds that a number takes, by and large.
  package func each(_ range: Range<Int>, lasting: Int, _ body: (Int) -> Void) {
    for index in range {
      let (middle, end) = ((index + range.upperBound + 1) / 2, range.upperBound)
      if middle < end, isAwaited, lasting >= Threads.leastWork / (end - index) || Threads.insistsOnMembers,
        divide({ each(index..<middle, lasting: lasting, body) }, giving: { each(middle..<end, lasting: lasting, body) })
      {
        return
      }
      body(index)
    }
  }
}
