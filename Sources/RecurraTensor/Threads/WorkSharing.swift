internal import Synchronization

/// Where an idle thread is given half of what a busy one has still to do.
///
/// Indices that take one thread equally long take two equally long only on cores of their own: where another process
/// uses one of them, the last thread is done later by as much. So the body of a long index looks from time to time
/// whether another thread is idle, and gives it a part, which may be divided again.
package final class WorkSharing: @unchecked Sendable {
  /// A part that is given away; its closure lies on the giver's stack, who waits for its end.
  private final class Part: Sendable {
    let body: BorrowedBody
    let isDone = Atomic<Bool>(false)

    init(_ body: BorrowedBody) { self.body = body }
  }

  /// What stands between one idle thread and one giver at a time.
  private enum State {
    static let empty = 0, idle = 1, taken = 2, filled = 3
  }

  private let state = Atomic<Int>(State.empty)
  /// The part that was given: the giver's while the state is `taken`, the idle thread's once it is `filled`.
  private var part: Part?

  /// For work on one thread.
  package static let alone = WorkSharing()

  /// Tells whether a thread is idle; cheap enough for every timestep.
  @inline(__always)
  package var hasIdleThread: Bool { state.load(ordering: .relaxed) == State.idle }

  /// Does `own` on this thread and `other` on the idle one, and returns when both are done; returns false, with nothing
  /// done, if none is idle any more.
  package func divide(_ own: () -> Void, giving other: () -> Void) -> Bool {
    guard state.compareExchange(expected: State.idle, desired: State.taken, ordering: .acquiring).exchanged else {
      return false
    }
    withoutActuallyEscaping(other) { other in
      let body: (Int) -> Void = { _ in other() }
      withUnsafePointer(to: body) { body in
        let given = Part(BorrowedBody(body))
        part = given
        state.store(State.filled, ordering: .releasing)
        own()
        // The thread that does the part may give half of it back.
        help { given.isDone.load(ordering: .acquiring) }
      }
    }
    return true
  }

  /// Does parts that others give, until `isEnough`.
  func help(until isEnough: () -> Bool) {
    var isIdle = false
    repeat {
      SpinWait.wait {
        if !isIdle, state.load(ordering: .relaxed) == State.empty {
          isIdle = state.compareExchange(expected: State.empty, desired: State.idle, ordering: .relaxed).exchanged
        }
        return (isIdle && isFilled) || isEnough()
      }
      if isIdle, isFilled {
        doPart()
        isIdle = false
      }
    } while !isEnough()
    if isIdle, !state.compareExchange(expected: State.idle, desired: State.empty, ordering: .relaxed).exchanged {
      // A giver has just taken it.
      SpinWait.wait { isFilled }
      doPart()
    }
  }

  private var isFilled: Bool { state.load(ordering: .acquiring) == State.filled }

  private func doPart() {
    let given = part
    part = nil
    state.store(State.empty, ordering: .releasing)
    given?.body(0)
    given?.isDone.store(true, ordering: .releasing)
  }

  /// Runs `body` for every index of a range, and gives half of what is left to an idle thread where that pays. Returns
  /// when all is done.
  ///
  /// - Parameter lasting: nanoseconds that an index takes, by and large.
  package func each(_ range: Range<Int>, lasting: Int, _ body: (Int) -> Void) {
    for index in range {
      let (middle, end) = ((index + range.upperBound + 1) / 2, range.upperBound)
      if middle < end, hasIdleThread, lasting >= Threads.leastWork / (end - index) || Threads.ignoresCosts,
        divide({ each(index..<middle, lasting: lasting, body) }, giving: { each(middle..<end, lasting: lasting, body) })
      {
        return
      }
      body(index)
    }
  }
}
