import CRecurraKernels
import Glibc
import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// Each in a process of its own with a watchdog, as the threads' tests.
@Suite struct BarrierCostTests {
  @Test("Where long calls follow each other, what a barrier costs is measured though the workers have fallen asleep")
  func longCalls() async {
    await #expect(processExitsWith: .success) {
      guard recurra_processor_count() > 1 else { return }
      // As long as it takes on a machine that is busy with other tests.
      alarm(240)
      Threads.count = 2
      // Lonely and small as a call is, it gets a member only from workers that are still awake from measuring.
      repeat {
        usleep(2_000)
        _ = BarrierCost.current(lasting: 20_000_000)
      } while smallCallMembers() < 2
    }
  }

  @Test("After a rank came late nobody asks for a team for ten times as long as it was late")
  func lateness() async {
    await #expect(processExitsWith: .success) {
      BarrierCost.note(lateness: 0)
      #expect(BarrierCost.current() < .max)
      for lateness in [1_000_000, 3_000_000] {
        let begin = Threads.nanoseconds()
        BarrierCost.note(lateness: lateness)
        #expect(BarrierCost.current() == .max)
        while BarrierCost.isAvoided { usleep(200) }
        let pause = Threads.nanoseconds() - begin
        #expect(pause >= 10 * lateness && pause < 100 * lateness)
      }
    }
  }
}

/// Makes a call that has little to share, and tells how many threads came to it.
private func smallCallMembers() -> Int {
  let members = Counter()
  Threads.runTeam(2, saving: 20_000) { member in if member.rank == 0 { members.add(member.size) } }
  return members.value
}
