import Glibc
import RecurraTensor
import Testing

/// Each in a process of its own with a watchdog, as the threads' tests.
@Suite struct HandoverTests {
  @Test("A thread that finds no piece gets a part of one, and the call does not end before the part is done")
  func parts() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      for threads in [2, 3, 8] {
        Threads.count = threads
        for _ in 0..<20 {
          let (own, given) = (Counter(), Counter())
          Threads.runDivisible(1, lasting: .max) { _, handover in
            let giver = pthread_self()
            for _ in 1..<threads {
              while !handover.divide(
                { own.increment() },
                giving: {
                  usleep(200)
                  if pthread_equal(giver, pthread_self()) == 0 { given.increment() }
                })
              {}
            }
          }
          #expect(own.value == threads - 1)
          #expect(given.value == threads - 1)
        }
      }
    }
  }

  @Test("One thread alone is never asked; its pieces run as ever")
  func alone() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      for (threads, lasting) in [(1, Int.max), (3, 1_000)] {
        Threads.count = threads
        let (pieces, numbers) = (Counter(), Counter())
        Threads.runDivisible(5, lasting: lasting) { _, handover in
          pieces.increment()
          #expect(!handover.isAwaited)
          #expect(!handover.divide({}, giving: {}))
          handover.each(0..<10, lasting: 100_000) { _ in numbers.increment() }
        }
        #expect(pieces.value == 5)
        #expect(numbers.value == 50)
      }
    }
  }

  @Test("Numbers are done once each, however their range is divided, by one caller or several")
  func numbers() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      for threads in [1, 2, 3, 8] {
        Threads.count = threads
        onThreads(3) { _ in
          for count in [0, 1, 2, 57, 300] {
            let runs = (0..<count).map { _ in Counter() }
            Threads.runDivisible(2, lasting: .max) { piece, handover in
              // The second has nothing to do, and soon asks the first for a part.
              guard piece == 0 else { return }
              handover.each(0..<count, lasting: 100_000) {
                runs[$0].increment()
                usleep(10)
              }
            }
            #expect(runs.allSatisfy { $0.value == 1 }, "\(threads) threads, \(count) numbers")
          }
        }
      }
    }
  }

  @Test("Parts may be divided in turn, and pieces may run others within")
  func nested() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      for threads in [2, 3, 8] {
        Threads.count = threads
        let total = Counter()
        @Sendable func halve(_ count: Int, _ handover: Handover) {
          if count > 1,
            handover.divide({ halve(count - count / 2, handover) }, giving: { halve(count / 2, handover) })
          {
            return
          }
          total.increment()
          Threads.run(2) { _ in usleep(1) }
          if count > 1 { halve(count - 1, handover) }
        }
        for _ in 0..<20 { Threads.runDivisible(2, lasting: .max) { _, handover in halve(64, handover) } }
        #expect(total.value == 20 * 2 * 64)
      }
    }
  }

  @Test("A worker that waits for a part leaves for a piece of another call, and comes back")
  func otherCalls() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 2
      for _ in 0..<20 {
        let (waits, isDone, given) = (Counter(), Counter(), Counter())
        onThreads(2) { caller in
          if caller == 0 {
            // The worker may come first, and take the piece itself.
            let thread = pthread_self()
            while waits.value == 0 {
              Threads.runDivisible(1, lasting: .max) { _, handover in
                if pthread_equal(thread, pthread_self()) == 0 { return }
                while !handover.isAwaited { sched_yield() }
                waits.increment()
                while isDone.value == 0 { sched_yield() }
                while !handover.divide({}, giving: { given.increment() }) { sched_yield() }
              }
            }
          } else {
            while waits.value == 0 { sched_yield() }
            // Two pieces that wait for each other: without the worker there is no end.
            let begun = Counter()
            Threads.run(2) { _ in
              begun.increment()
              while begun.value < 2 { sched_yield() }
            }
            isDone.increment()
          }
        }
        #expect(given.value == 1)
      }
    }
  }
}
