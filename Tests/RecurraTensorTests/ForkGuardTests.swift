import Glibc
import RecurraTensor
import TestSupport
import Testing

/// What a child of a fork finds of that which other threads were doing.
@Suite struct ForkGuardTests {
  @Test("The child finds the turn of another thread free, and hears that it was lost; the parent waits for its end")
  func lostTurn() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let (turn, isTaken, mayEnd) = (SharedTurn(), Counter(), Counter())
      let thread = onThread {
        turn.turn.take { _ in
          isTaken.increment()
          while mayEnd.value == 0 { usleep(100) }
        }
      }
      while isTaken.value == 0 { usleep(100) }
      #expect(inChild { turn.turn.take { $0 } } == 1, "lost")
      #expect(inChild { turn.turn.take { _ in false } || turn.turn.take { $0 } } == 0, "lost to the first who takes it")
      mayEnd.increment()
      #expect(turn.turn.take { $0 } == false, "ended in the parent")
      pthread_join(thread, nil)
      #expect(inChild { turn.turn.take { $0 } } == 0, "nobody had it")
    }
  }

  @Test("A fork waits for a section that is under way, and a section for a fork")
  func section() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let (first, second, isOver) = (Counter(), Counter(), Counter())
      let thread = onThread {
        while isOver.value == 0 {
          ForkSection.updates.run {
            first.increment()
            usleep(300)
            second.increment()
          }
        }
      }
      while first.value == 0 { usleep(10) }
      for _ in 0..<100 {
        #expect(inChild { first.value == second.value } == 1)
        #expect(inChild { ForkSection.updates.run { true } } == 1, "open in the child")
      }
      isOver.increment()
      pthread_join(thread, nil)
      #expect(first.value > 20, "the thread went on")
    }
  }

  @Test("The child takes and gives memory while threads of the parent did so; values behind locks are whole")
  func locks() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      let (pairs, isOver) = ((0..<100).map { _ in Pair() }, Counter())
      let threads = (0..<3).map { thread in
        onThread {
          var round = thread
          while isOver.value == 0 {
            round += 1
            _ = Storage(byteCount: 64 + round % 9_000)
            pairs[round % pairs.count].change()
          }
        }
      }
      for _ in 0..<300 {
        let isRight = inChild {
          for size in 0..<200 { _ = Storage(byteCount: 64 + size * 45) }
          return pairs.allSatisfy(\.isWhole)
        }
        #expect(isRight == 1)
      }
      isOver.increment()
      for thread in threads { pthread_join(thread, nil) }
    }
  }

  @Test("The child's own threads share its locks")
  func threadsOfChild() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 4
      let sum = { () -> Float in
        let rows = (0..<64).map { _ in Pair() }
        Threads.run(64) { rows[$0 % 3].change() }
        return Tensor.ones([300, 300]).matrixProduct(Tensor.ones([300, 300])).sum().scalars()[0]
      }
      let expected = sum()
      for _ in 0..<20 { #expect(inChild { sum() == expected } == 1) }
    }
  }
}

@Suite struct OnceTests {
  @Test("Threads that come at the same time make one value, and all get it")
  func once() async {
    let (once, made) = (SharedOnce(), Counter())
    onThreads(8) { thread in
      let value = once.once.make {
        made.increment()
        usleep(2_000)
        return thread + 1
      }
      #expect(value == once.once.value)
    }
    #expect(made.value == 1)
  }

  @Test("Where making fails, the next one tries")
  func failure() throws {
    let once = SharedOnce()
    let error = RecurraError(.badData, operation: "once", expected: "a", got: "b")
    #expect(throws: error) { try once.once.make { () throws(RecurraError) -> Int in throw error } }
    #expect(once.once.value == nil)
    #expect(once.once.make { 5 } == 5)
    #expect(once.once.make { 6 } == 5)
  }
}

private final class SharedTurn: Sendable { let turn = Turn() }
private final class SharedOnce: Sendable { let once = Once<Int>() }

/// Two numbers that are always the same.
private final class Pair: Sendable {
  private let numbers = Guarded((first: 0, second: 0))
  var isWhole: Bool { numbers.withLock { $0.first == $0.second } }

  func change() {
    numbers.withLock { numbers in
      numbers.first += 1
      sched_yield()
      numbers.second += 1
    }
  }
}

/// Runs `body` in a child of this process, and returns 1 where it holds there, 0 where it does not, more for a signal.
private func inChild(_ body: () -> Bool) -> Int32 {
  let child = fork()
  if child == 0 {
    // The test runs on a thread of Swift's pool, which lets no signal through, and a child inherits that.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGALRM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    alarm(5)
    _exit(body() ? 1 : 0)
  }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0, errno == EINTR {}
  return status & 0x7F == 0 ? status >> 8 & 0xFF : 1_000 + status & 0x7F
}
