import CRecurraKernels
import Glibc
import RecurraTensor
import Synchronization
import TestSupport
import Testing

/// Each in a process of its own with a watchdog: the thread count is one for all, and a deadlock must not hang the
/// tests.
@Suite struct ThreadsTests {
  @Test("Every piece runs exactly once, for any number of pieces and threads")
  func pieces() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      for threads in [1, 2, 3, 8, 1] {
        Threads.count = threads
        for count in [0, 1, 2, 7, 301] {
          let runs = (0..<count).map { _ in Counter() }
          Threads.run(count) { runs[$0].increment() }
          #expect(runs.allSatisfy { $0.value == 1 }, "\(threads) threads, \(count) pieces")
        }
      }
    }
  }

  @Test("What takes some microseconds stays on the caller's thread, and what takes longer does not")
  func shortWork() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 2
      for (lasting, stays) in [(19_000, true), (20_000, false)] {
        let (here, elsewhere) = (Counter(), Counter())
        let caller = pthread_self()
        // Long enough for a worker to come.
        for _ in 0..<20 {
          Threads.run(4, lasting: lasting) { _ in
            (pthread_equal(caller, pthread_self()) != 0 ? here : elsewhere).increment()
            usleep(1_000)
          }
        }
        #expect(here.value + elsewhere.value == 80)
        #expect((elsewhere.value == 0) == stays, "\(lasting) ns: \(elsewhere.value) pieces elsewhere")
      }
    }
  }

  @Test("Work within work completes")
  func nested() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      for threads in [1, 2, 3, 8] {
        Threads.count = threads
        let total = Counter()
        for _ in 0..<10 {
          Threads.run(4) { _ in Threads.run(5) { _ in Threads.run(2) { _ in total.increment() } } }
        }
        #expect(total.value == 10 * 40, "\(threads) threads")
      }
    }
  }

  @Test("Callers on many threads share the workers; loops within teams and teams within loops do not block each other")
  func concurrentCallers() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      Threads.count = 3
      let (pieces, members) = (Counter(), Counter())
      onThreads(6) { caller in
        for round in 0..<30 {
          Threads.run(5) { _ in pieces.increment() }
          if (round + caller) % 3 == 0 {
            Threads.runTeam(3) { member in
              if member.rank == 0 { members.increment() }
              member.meet()
              if member.rank == 0 { Threads.run(2) { _ in pieces.increment() } }
              member.meet()
            }
          }
        }
      }
      #expect(pieces.value == 6 * 30 * 5 + members.value * 2)
      #expect(members.value == 60)
    }
  }

  @Test("The thread count may change between calls and while others run")
  func changing() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let total = Counter()
      onThreads(4) { caller in
        for round in 0..<60 {
          if caller == 0 { Threads.count = 1 + round % 5 }
          Threads.run(6) { _ in total.increment() }
        }
      }
      #expect(total.value == 4 * 60 * 6)
    }
  }

  @Test("RECURRA_THREADS sets the number of threads; nothing counts as unset, and nonsense too, which is said once")
  func environment() async {
    await #expect(processExitsWith: .success) {
      ProcessEnvironment.set("RECURRA_THREADS", "3")
      #expect(Threads.count == 3)
    }
    await #expect(processExitsWith: .success) {
      let number = ThreadCount.standard(
        processors: Int(recurra_processor_count()), allowed: ControlGroups.own.processors)
      ProcessEnvironment.set("RECURRA_THREADS", "")
      #expect(Threads.count == number)
    }
    for text in ["many", "0", "257", "-1", "2.5", " 2"] {
      let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        [text = text as String] in
        ProcessEnvironment.set("RECURRA_THREADS", text)
        let number = ThreadCount.standard(
          processors: Int(recurra_processor_count()), allowed: ControlGroups.own.processors)
        #expect(Threads.count == number)
        Threads.run(3) { _ in }
        #expect(Threads.count == number)
      }
      let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      let line =
        "Recurra: RECURRA_THREADS: expected a number of threads in 1...256, got \"\(text)\", which is ignored\n"
      #expect(said == line)
    }
  }

  @Test("As many threads as processors, or as a quota has, rounded up, at least one and at most 256")
  func defaultCount() {
    #expect(ThreadCount.standard(processors: 8, allowed: nil) == 8)
    #expect(ThreadCount.standard(processors: 8, allowed: 2) == 2)
    #expect(ThreadCount.standard(processors: 8, allowed: 1.5) == 2)
    #expect(ThreadCount.standard(processors: 8, allowed: 7.9) == 8)
    #expect(ThreadCount.standard(processors: 8, allowed: 0.1) == 1)
    #expect(ThreadCount.standard(processors: 2, allowed: 64) == 2)
    #expect(ThreadCount.standard(processors: 0, allowed: nil) == 1)
    #expect(ThreadCount.standard(processors: 512, allowed: 400) == 256)
  }

  @Test("Denormals are zero inside and numbers outside; the caller's rounding is as it was")
  func floatingPointSetting() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 3] {
        Threads.count = threads
        #expect(part(of: Float.leastNormalMagnitude) > 0)
        fesetround(FE_UPWARD)
        let flushed = Counter()
        Threads.run(12) { _ in
          if part(of: Float.leastNormalMagnitude) == 0, part(of: Double.leastNormalMagnitude) == 0 {
            flushed.increment()
          }
        }
        #expect(flushed.value == 12)
        #expect(fegetround() == FE_UPWARD)
        #expect(part(of: Float.leastNormalMagnitude) > 0)
        #expect(part(of: Double.leastNormalMagnitude) > 0)
        fesetround(FE_TONEAREST)
      }
    }
  }

  @Test("Products and gradients are the same to the bit for 1, 2, 3 and 8 threads")
  func sameBits() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let results = [1, 2, 3, 8].map { threads -> [[Double]] in
        Threads.count = threads
        let x = Tensor.varied([700, 130], seed: 1, dtype: .float32).tracked
        let w = Tensor.varied([130, 410], seed: 2, dtype: .float32).tracked
        let loss = x.matrixProduct(w).tanh().logSoftmax().squared.mean()
        return ([loss] + loss.gradients(withRespectTo: [x, w])).map(\.doubles)
      }
      for other in results.dropFirst() { #expect(other == results[0]) }
    }
  }
}

/// A part of a number, of a size that the compiler cannot know: it would do the division itself, and there denormals
/// count.
private func part<Number: BinaryFloatingPoint>(of x: Number) -> Number { x / Number(CommandLine.arguments.count + 1) }
