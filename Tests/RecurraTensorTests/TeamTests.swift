import CRecurraKernels
import Glibc
import RecurraTensor
import Synchronization
import TestSupport
import Testing

/// Runs what holds up a member until the others have left it as soon as they should, a few times at most: whoever
/// should have noticed may have been off its own processor just then.
private func expectSooner(_ attempt: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  for _ in 0..<20 where attempt() { return }
  Issue.record("members never part as soon as they should", sourceLocation: sourceLocation)
}

/// Each in a process of its own with a watchdog, as the threads' tests.
@Suite struct TeamTests {
  @Test("Members that run together see at the barrier what the others wrote before it")
  func together() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      Threads.ignoresCosts = true
      for threads in [1, 2, 3, 8] {
        Threads.count = threads
        for maximum in [1, 2, 4] {
          let ranks = (0..<4).map { _ in Counter() }
          let rounds = (0..<4).map { _ in Counter() }
          let late = Counter()
          let sizes = Counter()
          Threads.runTeam(maximum) { member in
            let (rank, size) = (member.rank, member.size)
            ranks[rank].increment()
            if rank == 0 { sizes.add(size) }
            for round in 1...25 {
              rounds[rank].increment()
              member.meet()
              for other in 0..<size where rounds[other].value != round { late.increment() }
              member.meet()
            }
          }
          let size = sizes.value
          #expect(size >= 1 && size <= min(maximum, threads))
          #expect(ranks.map(\.value) == (0..<4).map { $0 < size ? 1 : 0 }, "each rank below the size once")
          #expect(late.value == 0)
        }
      }
    }
  }

  @Test("Members part at the same turn once one is held up, and only then")
  func parting() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 2
      Threads.ignoresCosts = true
      for heldUpRound in [0, 1, 7] {
        expectSooner {
          let lasts = (0..<2).map { _ in Counter() }
          let sizes = Counter()
          Threads.runTeam(2) { member in
            let (rank, size) = (member.rank, member.size)
            if rank == 0 { sizes.add(size) }
            for round in 0..<50 {
              if rank == 1, round == heldUpRound { usleep(30_000) }
              lasts[rank].increment()
              if !member.meet() { return }
            }
          }
          guard sizes.value == 2 else { return false }
          #expect(lasts[0].value == lasts[1].value)
          // Rank 0 knows at the end of that round, and tells with its next arrival; a busy machine may have told it
          // before.
          return lasts[0].value <= heldUpRound + 2
        }
      }
    }
  }

  @Test("Members who wait later than they come see what was written before, and part at the same turn")
  func arriving() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.ignoresCosts = true
      for threads in [2, 3] {
        Threads.count = threads
        for heldUpRound in [-1, 0, 1, 7] {
          expectSooner {
            let rounds = (0..<threads).map { _ in Counter() }
            let early = Counter()
            Threads.runTeam(threads) { member in
              let (rank, size) = (member.rank, member.size)
              for round in 0..<50 {
                if round > 0 { member.awaitOthers() }
                for other in 0..<size where rounds[other].value < round { early.increment() }
                if rank == size - 1, round == heldUpRound { usleep(30_000) }
                rounds[rank].increment()
                if !member.arrive() { break }
              }
              member.awaitOthers()
              for other in 0..<size where rounds[other].value != rounds[rank].value { early.increment() }
            }
            #expect(early.value == 0)
            // Rank 0 knows in the round after that, and all part after one more; a busy machine may part them earlier,
            // or at any time.
            return heldUpRound < 0 || rounds[0].value <= heldUpRound + 3
          }
        }
      }
    }
  }

  @Test("While another call is under way, members are taken from the processors that are left")
  func busyProcessors() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let processors = Int(recurra_processor_count())
      Threads.count = processors
      let most = Counter()
      Threads.run(1) { _ in
        for _ in 0..<200 {
          Threads.runTeam(processors) { member in
            if member.rank == 0, member.size > most.value { most.add(member.size - most.value) }
            member.meet()
          }
        }
      }
      #expect(most.value >= 1 && most.value <= max(1, processors - 1))
    }
  }

  @Test("Calls that follow each other get members sooner or later; lonely small ones do not wait for any")
  func asking() async {
    await #expect(processExitsWith: .success) {
      guard recurra_processor_count() > 1 else { return }
      // As long as it takes on a machine that is busy with other tests.
      alarm(120)
      Threads.count = 2
      while smallCallMembers() < 2 {}
      let alone = Counter()
      for _ in 0..<10 {
        usleep(20_000)
        if smallCallMembers() == 1 { alone.increment() }
      }
      #expect(alone.value >= 5)
    }
  }

  @Test("However often workers are woken, they may run on all processors that the process may")
  func affinity() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 4
      let processors = Int(recurra_processor_count())
      let (pieces, fewer) = (Counter(), Counter())
      for _ in 0..<20 {
        usleep(3_000)
        Threads.run(8) { _ in
          pieces.increment()
          usleep(100)
          if Int(recurra_processor_count()) != processors { fewer.increment() }
        }
      }
      #expect(pieces.value == 160)
      #expect(fewer.value == 0)
    }
  }
}

/// Makes a call that has little to share, and tells how many threads came to it.
private func smallCallMembers() -> Int {
  let members = Counter()
  Threads.runTeam(2, saving: 20_000) { member in if member.rank == 0 { members.add(member.size) } }
  return members.value
}
