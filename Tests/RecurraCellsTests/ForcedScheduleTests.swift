import CRecurraKernels
import Glibc
import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Schedules that a test forces") struct ForcedSchedules {
    /// What a schedule is made into; those that decide bits in training stay as they are.
    static let changes: [(name: String, change: @Sendable (Problem, Schedule) -> Schedule)] = [
      (
        "blocks of two rows",
        { problem, schedule in problem.panelUnits == nil ? schedule : schedule.with { $0.rowBlocks = 9 } }
      ),
      ("a team of two", { $1.with { ($0.teamSize, $0.stepSaving) = (2, 1_000_000) } }),
      ("a team of three", { $1.with { ($0.teamSize, $0.stepSaving) = (3, 1_000_000) } }),
      ("inputs three steps ahead", { $0.isTraining ? $1 : $1.with { $0.stepsAhead = 3 } }),
      ("inputs in the loop", { $0.isTraining ? $1 : $1.with { $0.stepsAhead = 0 } }),
      (
        "a team, inputs two steps ahead",
        { problem, schedule in
          schedule.with {
            ($0.teamSize, $0.stepSaving) = (2, 1_000_000)
            if !problem.isTraining { $0.stepsAhead = 2 }
          }
        }
      ),
    ]

    @Test("give the bits of the planner's own", arguments: changes.indices, NaiveCell.Kind.allCases)
    func sameBits(index: Int, kind: NaiveCell.Kind) {
      let change = Self.changes[index]
      for shape in [
        LayerCase(batch: 1, timesteps: 11, inputs: 7, units: 83, hasInitialStates: true),
        LayerCase(batch: 5, timesteps: 8, inputs: 9, units: 70, reversals: [true]),
        LayerCase(batch: 19, timesteps: 6, inputs: 12, units: 37, lengths: (0..<19).map { $0 * 5 % 7 }),
        LayerCase(batch: 18, timesteps: 5, inputs: 6, units: 66, reversals: [false, true]),
      ] {
        let test = shape.with { $0.kind = kind }
        let values = test.values(.float32)
        let wanted = EngineSettings.with(.packed, threads: 1) {
          (test.results(of: values), test.resultsAndGradients(of: values))
        }
        let found = EngineSettings.with(.packed, threads: 3) {
          Planner.withSchedules(change.change) { (test.results(of: values), test.resultsAndGradients(of: values)) }
        }
        let comment = "\(change.name), \(test.testDescription)"
        let pairs = [(found.0, wanted.0), (found.1.results, wanted.1.results), (found.1.gradients, wanted.1.gradients)]
        for (found, wanted) in pairs.flatMap({ zip($0.0, $0.1) }) { expectIdentical(found, wanted, comment) }
      }
    }

    @Test("reach the call they are meant for, and no other")
    func reach() {
      let test = LayerCase(batch: 2, timesteps: 3)
      let values = test.values(.float32)
      let (seen, others) = (Counter(), Counter())
      EngineSettings.with(.packed, threads: 2) {
        Planner.withSchedules({ problem, schedule in
          problem.batch == 2 && problem.timesteps == 3 ? seen.increment() : others.increment()
          return schedule
        }) { _ = test.results(of: values) }
        _ = test.results(of: values)
      }
      #expect(seen.value == 1)
      #expect(others.value == 0)
    }

    @Test("Ranks that hold each other up part, and rank 0 does the rest alone, to the same bits", arguments: [1, 6])
    func lateRank(batch: Int) async {
      await #expect(processExitsWith: .success) { [batch] in
        alarm(120)
        // On one processor every rank waits until the scheduler takes it from another.
        var allowed = cpu_set_t()
        for processor in 0..<1_024 { _ = recurra_keep_off(pthread_self(), Int32(processor), &allowed) }
        #expect(recurra_processor_count() == 1)
        let test = LayerCase(batch: batch, timesteps: 3_000, inputs: 5, units: 70)
        let values = test.values(.float32)
        let (wanted, alone) = timed { EngineSettings.with(.packed, threads: 1) { test.results(of: values) } }
        #expect(BarrierCost.lastLateRank == 0)
        let (found, together) = timed {
          EngineSettings.with(.packed, threads: 2) {
            Planner.withSchedules({ $1.with { ($0.teamSize, $0.stepSaving) = (2, 1_000_000) } }) {
              test.results(of: values)
            }
          }
        }
        for (found, wanted) in zip(found, wanted) { expectIdentical(found, wanted, "two ranks on one processor") }
        #expect(BarrierCost.lastLateRank > 0)
        // Meeting 3,000 times would take as many slices of the scheduler, some milliseconds each.
        #expect(together < 10 * alone + 1_000_000_000)
      }
    }
  }
}

/// What `body` gives, and the nanoseconds that it takes.
private func timed<Result>(_ body: () -> Result) -> (result: Result, nanoseconds: Int) {
  let begin = Threads.nanoseconds()
  let result = body()
  return (result, Threads.nanoseconds() - begin)
}

extension Schedule {
  /// The same schedule with some of its fields set.
  fileprivate func with(_ change: (inout Schedule) -> Void) -> Schedule {
    var copy = self
    change(&copy)
    return copy
  }
}
