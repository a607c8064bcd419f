import RecurraTensor
internal import Synchronization

/// Decides how calls are carried out, from the problem, the machine and the tuning alone.
package enum Planner {
  /// The schedule of a call.
  package static func schedule(_ problem: Problem, _ machine: Machine, _ tuning: Tuning = .standard) -> Schedule {
    guard problem.rung != .openBLAS else {
      return Schedule(runBlocks: 1, rowBlocks: openBLASBlocks(problem.batch, tuning.bits))
    }
    let estimate = Estimate(tuning)
    let row = estimate.rowNanoseconds(weights: problem.weights, slots: problem.slots * problem.units)
    let lasting = row * problem.batch * problem.timesteps * problem.directions
    let trainingBlocks = problem.isTraining ? trainingBlocks(problem, tuning.bits) : 1
    let team = trainingBlocks > 1 || !problem.isFused ? nil : TeamPlan(problem, machine, tuning)
    var schedule = Schedule(runBlocks: trainingBlocks, rowBlocks: 1)
    (schedule.teamSize, schedule.stepSaving) = team.map { ($0.size, $0.stepSaving) } ?? (1, 0)
    (schedule.rowNanoseconds, schedule.nanoseconds) = (row, lasting)
    let isShort = lasting < Threads.leastWork && !machine.ignoresCosts
    let perDirection = (machine.threads + problem.directions - 1) / problem.directions
    let blocks = isShort ? 1 : max(1, min(perDirection, problem.batch / 2))
    if problem.isTraining {
      schedule.rowBlocks = max(1, min(blocks / trainingBlocks, problem.batch / trainingBlocks / 2))
    } else if team != nil {
      schedule.rowBlocks = blocks
    } else {
      schedule.runBlocks = blocks
    }
    if problem.isFused, problem.batch <= tuning.aheadRows {
      // As many steps as keep their products near; training keeps those of all steps anyway.
      let near = tuning.aheadFloats / max(1, problem.batch * problem.slots * problem.units)
      schedule.stepsAhead = problem.isTraining ? problem.timesteps : max(1, min(problem.timesteps, near))
    }
    return schedule
  }

  /// The blocks of a batch that are trained each by itself; one where two directions keep as many threads busy.
  private static func trainingBlocks(_ problem: Problem, _ bits: Tuning.Bits) -> Int {
    if problem.weights > bits.blockedWeights || problem.batch < bits.blockedRows || problem.directions > 1
      || !problem.isFused
    {
      return 1
    }
    return min(bits.mostBlocks, max(2, problem.batch / bits.rowsOfBlockPair * 2))
  }

  /// The blocks of rows for products by OpenBLAS, whose sums may depend on the number of rows.
  private static func openBLASBlocks(_ batch: Int, _ bits: Tuning.Bits) -> Int {
    if batch >= 2 * bits.openBLASBlock { return (batch + bits.openBLASBlock - 1) / bits.openBLASBlock }
    return batch >= bits.openBLASRows ? 2 : 1
  }

  /// The schedule of layers that run as a wave; nil where that would not be faster than one after the other.
  ///
  /// A rank has every so many layers. It waits until the wave has come up to its first, and then meets the others after
  /// each part, whose states come from another's cache.
  package static func wave(
    _ layers: [Problem], _ machine: Machine, _ tuning: Tuning = .standard
  ) -> WaveSchedule? {
    let ranks = min(machine.threads, layers.count)
    guard ranks > 1, layers.allSatisfy(\.isFused) else { return nil }
    let (batch, timesteps) = (layers[0].batch, layers[0].timesteps)
    guard batch > 0, batch < 2 * machine.threads, timesteps >= tuning.waveTimesteps else { return nil }
    let schedules = layers.map { schedule($0, machine, tuning) }
    let most = schedules.map(\.stepsAhead).filter { $0 > 0 }.min() ?? timesteps
    let steps = max(
      tuning.waveSteps, min(timesteps / tuning.waveParts, most) / tuning.waveSteps * tuning.waveSteps)
    let parts = (timesteps + steps - 1) / steps
    // The input's product runs at the speed of many rows; and the gates of a few units wait for each other.
    let alone = layers.map { layer in
      let weights = layer.gates * layer.units * (layer.units + layer.inputs / 4)
      return timesteps * (Estimate(tuning).nanoseconds(weights: weights, rows: batch) + tuning.waveStepNanoseconds)
    }
    let measured = machine.barrierCost(lasting: 0)
    // A rank that came late a moment ago would again.
    guard measured < .max else { return nil }
    let barrier = min(measured, tuning.mostBarrierNanoseconds)
    let busiest = (0..<ranks).map { rank in
      stride(from: rank, to: alone.count, by: ranks).reduce(0) { $0 + alone[$1] }
    }
    let wave = (busiest.max() ?? 0) * (parts + layers.count - 1) / parts + 4 * barrier * parts
    let inTurn = zip(schedules, alone).reduce(0) { sum, layer in
      guard layer.0.teamSize > 1 else { return sum + layer.1 }
      let cost = TeamCost(barrier: barrier, rows: batch).of(layer.0.teamSize)
      return sum + layer.1 - timesteps * max(0, layer.0.stepSaving - cost)
    }
    let saving = inTurn - wave
    guard saving > tuning.gatheringNanoseconds + inTurn / 16 || machine.ignoresCosts else { return nil }
    return WaveSchedule(ranks: ranks, steps: steps, saving: saving)
  }

  /// The schedule of a call on this machine, or the one that a test forces.
  static func schedule(_ problem: Problem) -> Schedule {
    let schedule = schedule(problem, .current)
    guard isForced.load(ordering: .relaxed) > 0, let change = forced.get() else { return schedule }
    return change(problem, schedule)
  }

  /// Runs `body` with schedules that `change` makes of the planner's: what they say is done, by as many ranks as they
  /// name where there are threads enough. A team is left out for cells without fused gates and for sorted rows.
  package static func withSchedules<Result>(
    _ change: @escaping @Sendable (Problem, Schedule) -> Schedule, _ body: () throws -> Result
  ) rethrows -> Result {
    isForced.add(1, ordering: .relaxed)
    defer { isForced.subtract(1, ordering: .relaxed) }
    return try forced.withValue(change, operation: body)
  }

  private static let forced = TaskLocal<(@Sendable (Problem, Schedule) -> Schedule)?>(wrappedValue: nil)
  /// Calls of `withSchedules` that are under way: looking for one's own costs as much as a timestep.
  private static let isForced = Atomic<Int>(0)
}
