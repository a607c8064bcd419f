import Glibc
import RecurraTensor
import TestSupport
import Testing

/// Each in a process of its own with a watchdog, as the threads' tests.
@Suite struct WorkSharingTests {
  @Test("A thread that finds no piece gets a part of one, and the call does not end before the part is done")
  func parts() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      for threads in [2, 3, 8] {
        Threads.count = threads
        for _ in 0..<20 {
          let (own, given) = (Counter(), Counter())
          Threads.runSharing(1, lasting: .max) { _, sharing in
            let giver = pthread_self()
            for _ in 1..<threads {
              while !sharing.divide(
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
        Threads.runSharing(5, lasting: lasting) { _, sharing in
          pieces.increment()
          #expect(!sharing.hasIdleThread)
          #expect(!sharing.divide({}, giving: {}))
          sharing.each(0..<10, lasting: 100_000) { _ in numbers.increment() }
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
            Threads.runSharing(2, lasting: .max) { piece, sharing in
              // The second has nothing to do, and soon asks the first for a part.
              guard piece == 0 else { return }
              sharing.each(0..<count, lasting: 100_000) {
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
        @Sendable func halve(_ count: Int, _ sharing: WorkSharing) {
          if count > 1,
            sharing.divide({ halve(count - count / 2, sharing) }, giving: { halve(count / 2, sharing) })
          {
            return
          }
          total.increment()
          Threads.run(2) { _ in usleep(1) }
          if count > 1 { halve(count - 1, sharing) }
        }
        for _ in 0..<20 { Threads.runSharing(2, lasting: .max) { _, sharing in halve(64, sharing) } }
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
              Threads.runSharing(1, lasting: .max) { _, sharing in
                if pthread_equal(thread, pthread_self()) == 0 { return }
                while !sharing.hasIdleThread { sched_yield() }
                waits.increment()
                while isDone.value == 0 { sched_yield() }
                while !sharing.divide({}, giving: { given.increment() }) { sched_yield() }
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
