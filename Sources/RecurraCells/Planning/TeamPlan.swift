/// A team that shares the units of every step of a call, where that pays.
struct TeamPlan {
  /// Its ranks.
  let size: Int
  /// Nanoseconds of a timestep that it saves, by and large.
  let stepSaving: Int

  /// Decides whether a team pays: where there are too few rows to share, and where each core then streams its share
  /// only of weights that its own cache does not hold.
  ///
  /// With rows enough the streaming hides behind the arithmetic, and rows are not held up at every step by the slowest
  /// thread: level or better for 4 rows each (Zen 4), 1.1 to 1.5 times as fast where another process takes a third of
  /// one processor.
  init?(_ problem: Problem, _ machine: Machine, _ tuning: Tuning) {
    let (batch, directions, estimate) = (problem.batch, problem.directions, Estimate(tuning))
    guard machine.threads > 1, batch > 0 else { return nil }
    let takesTurns = Self.takesTurns(problem, machine, tuning)
    guard directions == 1 || takesTurns else { return nil }
    let shares = takesTurns ? machine.threads : max(1, machine.threads / directions)
    let work = estimate.nanoseconds(weights: problem.stateWeights, rows: batch)
    let hasFewRows = batch < 2 * shares && work - work / shares >= tuning.leastStepSaving
    var (size, pays) = (shares, takesTurns || Self.streams(problem, machine, tuning, shares: shares))
    if hasFewRows || pays {
      let alone = estimate.nanoseconds(weights: problem.weights, rows: batch) * problem.timesteps
      let barrier = machine.barrierCost(lasting: alone)
      // A rank that came late a moment ago would again.
      guard barrier < .max else { return nil }
      if hasFewRows {
        let cost = TeamCost(
          barrier: min(barrier, tuning.mostBarrierNanoseconds), rows: batch, isTraining: problem.isTraining)
        size = cost.ranks(shares, work: work, panels: problem.panels)
        let saving = work * (size - 1) / size
        let isCheap = saving >= tuning.sureStepSaving || saving > cost.of(size)
        // With threads enough, blocks of two rows may be done sooner than the team.
        let blocks = min(shares, batch / 2)
        let byRows = estimate.nanoseconds(weights: problem.stateWeights, rows: (batch + blocks - 1) / max(1, blocks))
        if isCheap, blocks < 2 || work / size + cost.of(size) < byRows { pays = true }
      }
    }
    stepSaving = work * (size - 1) / size
    self.size = size
    let isLong = stepSaving * problem.timesteps * directions >= tuning.gatheringNanoseconds || machine.ignoresCosts
    guard pays, isLong, size > 1 else { return nil }
  }

  /// Tells whether directions take turns on all threads: where their weights together overflow the shared cache, and
  /// for a few rows already where those of one direction overflow a core's own cache, which then has to hold a share of
  /// them, if they come slower than the rows multiply. 1.4 to 1.6 times as fast for a row and 384 to 512 units, 1.1 for
  /// 8 (Emerald Rapids; level on Zen 4).
  private static func takesTurns(_ problem: Problem, _ machine: Machine, _ tuning: Tuning) -> Bool {
    let (batch, directions, bytes) = (problem.batch, problem.directions, 4 * problem.stateWeights)
    guard directions > 1 else { return false }
    let overflows = directions * bytes > machine.sharedCache / 2
    guard overflows || (batch <= tuning.turnRows && bytes > machine.privateCache) else { return false }
    let rows = batch / max(1, machine.threads / directions)
    return rows < machine.fedRows(weights: directions * problem.weights, tuning)
  }

  /// Tells whether a core's weights stream through its own cache, slower than the rows multiply.
  ///
  /// Weights that fit alone, but not along with the rows, are streamed all the same: sharing them is 1.05 (16 rows) to
  /// 1.26 times (8) as fast for an LSTM of 256 units in 2 MiB (Emerald Rapids). Not where threads then have much of h
  /// to read from each other, nor in training, which reads other memory between two steps anyway.
  private static func streams(_ problem: Problem, _ machine: Machine, _ tuning: Tuning, shares: Int) -> Bool {
    let (batch, units) = (problem.batch, problem.units)
    let stepBytes = 4 * (batch <= tuning.aheadRows ? problem.stateWeights : problem.weights)
    let readsMuch = problem.isTraining || batch * units > tuning.exchangedStates
    let rowBytes = readsMuch ? 0 : 4 * batch / shares * (problem.inputs + 2 * units)
    guard stepBytes + rowBytes > machine.privateCache, batch * problem.stateWeights >= tuning.streamedProducts else {
      return false
    }
    return batch / shares < machine.fedRows(weights: problem.weights, tuning)
  }
}
