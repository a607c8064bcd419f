import RecurraCells
import RecurraTensor
import Testing

/// A problem, a machine, and the schedule that it should get: "runs x rows, team, ahead".
private struct PlanCase: Sendable, CustomTestStringConvertible {
  let reason: String
  let problem: Problem
  let machine: Machine
  let expected: String
  var testDescription: String { reason }

  init(_ reason: String, _ problem: Problem, _ machine: Machine, _ expected: String) {
    (self.reason, self.problem, self.machine, self.expected) = (reason, problem, machine, expected)
  }
}

/// An LSTM on packed kernels, batch × timesteps × inputs → units.
private func lstm(
  _ batch: Int, _ timesteps: Int, _ inputs: Int, _ units: Int, directions: Int = 1, training: Bool = false
) -> Problem {
  Problem(
    gates: 4, slots: 4, batch: batch, timesteps: timesteps, inputs: inputs, units: units, directions: directions,
    isTraining: training, rung: .fused(panelUnits: 16))
}

/// A SimpleRNN on packed kernels.
private func rnn(_ batch: Int, _ timesteps: Int, _ inputs: Int, _ units: Int, training: Bool = false) -> Problem {
  Problem(
    gates: 1, slots: 1, batch: batch, timesteps: timesteps, inputs: inputs, units: units, isTraining: training,
    rung: .fused(panelUnits: 64))
}

/// Any cell through OpenBLAS.
private func openBLAS(_ batch: Int, units: Int = 100, training: Bool = false) -> Problem {
  Problem(
    gates: 4, slots: 4, batch: batch, timesteps: 50, inputs: 60, units: units, isTraining: training, rung: .openBLAS)
}

extension Machine {
  /// A server: 2 MiB for each core, a large shared cache that is far away.
  fileprivate static func server(_ threads: Int, barrier: Int = 240) -> Machine {
    Machine(
      threads: threads, firstCache: 48 << 10, privateCache: 2 << 20, sharedCache: 256 << 20, sharedCacheRate: 30,
      productRate: 94, barrier: barrier)
  }

  /// A desktop: 1 MiB for each core, a near shared cache.
  fileprivate static func desktop(_ threads: Int, barrier: Int = 200) -> Machine {
    Machine(
      threads: threads, firstCache: 32 << 10, privateCache: 1 << 20, sharedCache: 32 << 20, sharedCacheRate: 100,
      productRate: 80, barrier: barrier)
  }

  /// The same with twice as wide arithmetic, which weights from the shared cache cannot keep busy with few rows.
  fileprivate static func wide(_ threads: Int) -> Machine {
    Machine(
      threads: threads, firstCache: 48 << 10, privateCache: 1 << 20, sharedCache: 32 << 20, sharedCacheRate: 60,
      productRate: 144, barrier: 200)
  }

  /// A small board: 512 KiB for two cores each, 2 MiB for all, slow arithmetic.
  fileprivate static func board(_ threads: Int) -> Machine {
    Machine(
      threads: threads, firstCache: 32 << 10, privateCache: 512 << 10, sharedCache: 2 << 20, sharedCacheRate: 8,
      productRate: 12, barrier: 400)
  }
}

@Suite("The planner's schedules, on machines that are made up") struct PlannerTests {
  fileprivate static let cases: [PlanCase] = [
    // Rows.
    PlanCase("One thread has nothing to share", lstm(64, 50, 60, 100), .server(1), "1 x 1, team 1, ahead 0"),
    PlanCase(
      "Rows enough are cut into a block for each thread", lstm(64, 50, 60, 100), .server(2), "2 x 1, team 1, ahead 0"),
    PlanCase("Sixteen threads take sixteen blocks", lstm(64, 50, 60, 100), .server(16), "16 x 1, team 1, ahead 0"),
    PlanCase("A block has two rows at least", lstm(20, 50, 60, 100), .server(16), "10 x 1, team 1, ahead 0"),
    PlanCase("64 threads leave some idle with 64 rows", lstm(64, 50, 60, 100), .server(64), "32 x 1, team 1, ahead 0"),
    PlanCase(
      "What takes less than another thread costs stays on one", lstm(4, 3, 8, 8), .server(2), "1 x 1, team 1, ahead 3"),
    PlanCase("Just long enough for two", lstm(16, 50, 16, 16), .server(2), "2 x 1, team 1, ahead 0"),
    PlanCase(
      "Rows with large weights still share by rows", lstm(64, 50, 512, 512), .server(2), "2 x 1, team 1, ahead 0"),
    PlanCase("A small board cuts rows too", lstm(64, 50, 60, 100), .board(4), "4 x 1, team 1, ahead 0"),
    PlanCase("An empty batch", lstm(0, 50, 60, 100), .server(4), "1 x 1, team 1, ahead 50"),
    // Directions.
    PlanCase(
      "Two directions keep two threads busy", lstm(64, 50, 60, 100, directions: 2), .server(2), "1 x 1, team 1, ahead 0"
    ),
    PlanCase(
      "Two directions on four threads take two blocks each", lstm(64, 50, 60, 100, directions: 2), .server(4),
      "2 x 1, team 1, ahead 0"),
    PlanCase("On three threads as well", lstm(64, 50, 60, 100, directions: 2), .server(3), "2 x 1, team 1, ahead 0"),
    PlanCase(
      "Small directions run side by side for a row", lstm(1, 50, 60, 100, directions: 2), .server(2),
      "1 x 1, team 1, ahead 50"),
    PlanCase(
      "Directions that overflow a core's cache take turns for a row", lstm(1, 50, 512, 512, directions: 2), .server(2),
      "1 x 1, team 2, ahead 50"),
    PlanCase(
      "Eight rows do so too", lstm(8, 50, 512, 512, directions: 2), .server(2), "1 x 1, team 2, ahead 0"),
    PlanCase(
      "Nine rows do not", lstm(9, 50, 512, 512, directions: 2), .server(2), "1 x 1, team 1, ahead 0"),
    PlanCase(
      "Nor eight whose weights come fast enough", lstm(8, 50, 512, 512, directions: 2), .desktop(2),
      "1 x 1, team 1, ahead 0"),
    PlanCase(
      "Directions that overflow the shared cache take turns", lstm(9, 50, 1024, 1024, directions: 2), .desktop(2),
      "1 x 1, team 2, ahead 0"),
    // A single row, or a few.
    PlanCase("A row of a tiny layer stays on one thread", lstm(1, 50, 16, 16), .server(2), "1 x 1, team 1, ahead 50"),
    PlanCase("A row of 100 units is shared by two", lstm(1, 50, 60, 100), .server(2), "1 x 1, team 2, ahead 50"),
    PlanCase(
      "Not where a barrier is slow", lstm(1, 50, 60, 100), .server(2, barrier: 5_000), "1 x 1, team 1, ahead 50"),
    PlanCase(
      "Nor where a rank came late a moment ago", lstm(1, 50, 60, 100), .server(2, barrier: .max),
      "1 x 1, team 1, ahead 50"),
    PlanCase("Of sixteen threads some get done first", lstm(1, 50, 60, 100), .server(16), "1 x 1, team 7, ahead 50"),
    PlanCase("A row of 512 units takes all sixteen", lstm(1, 50, 60, 512), .server(16), "1 x 1, team 16, ahead 50"),
    PlanCase(
      "A slow barrier does not matter for a very large layer", lstm(1, 50, 60, 1024), .server(2, barrier: 9_000),
      "1 x 1, team 2, ahead 32"),
    PlanCase("A late rank does", lstm(1, 50, 60, 1024), .server(2, barrier: .max), "1 x 1, team 1, ahead 32"),
    PlanCase(
      "A single step does not pay for coming together", lstm(1, 1, 60, 100), .server(2), "1 x 1, team 1, ahead 1"),
    PlanCase(
      "A row of an RNN of 100 units is too little", rnn(1, 50, 60, 100), .server(2), "1 x 1, team 1, ahead 50"),
    PlanCase(
      "Training a row of 100 units does not pay", lstm(1, 50, 60, 100, training: true), .server(2),
      "1 x 1, team 1, ahead 50"),
    PlanCase(
      "Training a row of 256 units does", lstm(1, 50, 60, 256, training: true), .server(2), "1 x 1, team 2, ahead 50"),
    PlanCase("Three rows are few for two threads", lstm(3, 50, 60, 256), .server(2), "1 x 1, team 2, ahead 42"),
    PlanCase("Four rows are not", lstm(4, 50, 60, 256), .server(2), "2 x 1, team 1, ahead 32"),
    PlanCase("Five rows compute the input in the loop", lstm(5, 50, 60, 100), .server(1), "1 x 1, team 1, ahead 0"),
    PlanCase(
      "Four rows ahead of it, as far as it stays near", lstm(4, 500, 60, 256), .server(1), "1 x 1, team 1, ahead 32"),
    PlanCase(
      "Training keeps the products of all timesteps anyway", lstm(4, 500, 60, 256, training: true), .server(1),
      "1 x 1, team 1, ahead 500"),
    // Weights that stream.
    PlanCase(
      "16 rows of 256 units share 2 MiB of weights that stream", lstm(16, 100, 256, 256), .server(2),
      "1 x 2, team 2, ahead 0"),
    PlanCase("64 rows do not", lstm(64, 100, 256, 256), .server(2), "2 x 1, team 1, ahead 0"),
    PlanCase("Nor 16 where the shared cache is near", lstm(16, 100, 256, 256), .desktop(2), "2 x 1, team 1, ahead 0"),
    PlanCase("16 do where the arithmetic is wide", lstm(16, 100, 256, 256), .wide(2), "1 x 2, team 2, ahead 0"),
    PlanCase("32 do not there", lstm(32, 100, 256, 256), .wide(2), "2 x 1, team 1, ahead 0"),
    PlanCase("Nor after a late rank", lstm(16, 100, 256, 256), .server(2, barrier: .max), "2 x 1, team 1, ahead 0"),
    PlanCase(
      "Nor in training, with weights that just fit", lstm(16, 100, 256, 256, training: true), .server(2),
      "1 x 2, team 1, ahead 0"),
    PlanCase("In training with more", lstm(16, 100, 512, 512, training: true), .server(2), "1 x 2, team 2, ahead 0"),
    // Training.
    PlanCase(
      "16 rows are trained in two blocks", lstm(16, 50, 60, 100, training: true), .server(2), "2 x 1, team 1, ahead 0"),
    PlanCase("15 rows in one", lstm(15, 50, 60, 100, training: true), .server(2), "1 x 2, team 1, ahead 0"),
    PlanCase(
      "256 rows in four, on any machine", lstm(256, 50, 60, 100, training: true), .server(1), "4 x 1, team 1, ahead 0"),
    PlanCase("3,000 rows in sixteen", lstm(3_000, 50, 60, 100, training: true), .server(64), "16 x 4, team 1, ahead 0"),
    PlanCase("Large weights in one", lstm(64, 50, 256, 256, training: true), .server(2), "1 x 2, team 1, ahead 0"),
    PlanCase(
      "Two directions in one", lstm(64, 50, 60, 100, directions: 2, training: true), .server(2),
      "1 x 1, team 1, ahead 0"),
    // OpenBLAS.
    PlanCase("OpenBLAS takes a small batch whole", openBLAS(15), .server(16), "1 x 1, team 1, ahead 0"),
    PlanCase("16 rows in two blocks, however many threads", openBLAS(16), .server(1), "1 x 2, team 1, ahead 0"),
    PlanCase("63 rows too", openBLAS(63), .server(64), "1 x 2, team 1, ahead 0"),
    PlanCase("64 in blocks of 32", openBLAS(64), .server(1), "1 x 2, team 1, ahead 0"),
    PlanCase("129 in five", openBLAS(129, training: true), .server(2), "1 x 5, team 1, ahead 0"),
  ]

  @Test("are what the machine asks for", arguments: cases)
  fileprivate func schedules(_ test: PlanCase) {
    let schedule = Planner.schedule(test.problem, test.machine)
    let found = """
      \(schedule.runBlocks) x \(schedule.rowBlocks), team \(schedule.teamSize), ahead \(schedule.stepsAhead)
      """
    #expect(found == test.expected, "\(test.reason)")
  }

  /// Layers of 100 units, one above the other.
  private func stack(_ count: Int, batch: Int = 1, timesteps: Int = 100, units: Int = 100) -> [Problem] {
    (0..<count).map { lstm(batch, timesteps, $0 == 0 ? 60 : units, units) }
  }

  @Test("Two layers run as a wave on two threads, in parts that the kernels take whole")
  func wave() throws {
    let wave = try #require(Planner.wave(stack(2), .server(2)))
    #expect(wave.ranks == 2)
    #expect(wave.steps == 6)
    #expect(wave.saving > 0)
  }

  @Test("A wave has no more ranks than layers or threads")
  func waveRanks() {
    #expect(Planner.wave(stack(3), .server(16))?.ranks == 3)
    #expect(Planner.wave(stack(4), .server(2))?.ranks == 2)
  }

  @Test("Long sequences are cut into larger parts, as far as the input's products stay near")
  func waveParts() {
    #expect(Planner.wave(stack(2, timesteps: 240), .server(2))?.steps == 18)
    #expect(Planner.wave(stack(2, timesteps: 20_000), .server(2))?.steps == 324)
  }

  @Test("No wave on one thread, of one layer, of few timesteps, of rows enough to share, or after a late rank")
  func noWave() {
    #expect(Planner.wave(stack(2), .server(1)) == nil)
    #expect(Planner.wave(stack(1), .server(2)) == nil)
    var free = Machine.server(2)
    free.ignoresCosts = true
    #expect(Planner.wave(stack(2, timesteps: 23), free) == nil)
    #expect(Planner.wave(stack(2, timesteps: 24), free) != nil)
    #expect(Planner.wave(stack(2, batch: 4), .server(2)) == nil)
    #expect(Planner.wave(stack(2, batch: 3), .server(2)) != nil)
    #expect(Planner.wave(stack(2), .server(2, barrier: .max)) == nil)
    #expect(Planner.wave([openBLAS(1), openBLAS(1)], .server(2)) == nil)
  }

  @Test("A slow barrier leaves large layers to a wave, and small ones to one thread")
  func waveBarrier() {
    #expect(Planner.wave(stack(2, units: 400), .server(2, barrier: 5_000)) != nil)
    #expect(Planner.wave(stack(2, timesteps: 24, units: 20), .server(2, barrier: 5_000)) == nil)
  }

  @Test("The shares of a team are the planner's, not the number of threads alone")
  func saving() {
    let two = Planner.schedule(lstm(1, 50, 60, 100), .server(2))
    let many = Planner.schedule(lstm(1, 50, 60, 512), .server(16))
    #expect(two.stepSaving > 0 && two.stepSaving < many.stepSaving)
    #expect(two.rowNanoseconds * 50 == two.nanoseconds)
  }
}
