import RecurraTensor

/// Carries out the schedule of a call, forward and back: the one place where time loops and threads come together.
struct Executor<S: FloatingScalar> {
  let runs: [DirectionRun<S>]
  let schedule: Schedule
  let way: StepMultiplication

  /// Runs the time loops of all directions.
  ///
  /// - Parameter output: every hidden state, [B][T][width]; nil where they are not asked for.
  func forward(to output: UnsafeMutablePointer<S>?, width: Int) {
    for run in runs {
      run.layInitialStates()
      run.isLaid = run.isTraining && run.laysInput && (schedule.stepsAhead > 0 || schedule.teamSize > 1)
      if run.isLaid {
        let lasting = Threads.nanoseconds(copying: run.layout.productRows * run.inputs)
        Threads.run(run.layout.steps, lasting: lasting) { run.layInput($0, 0..<run.layout.counts[$0]) }
      }
    }
    let target = output as? UnsafeMutablePointer<Float>
    if let kernels = way.fused, let runs = runs as? [DirectionRun<Float>] {
      FusedForward(runs, kernels, schedule, output: target, width: width).run()
      return
    }
    for run in runs where run.isTraining { run.clearEndedRows() }
    if case .packed = way, let runs = runs as? [DirectionRun<Float>] {
      PackedForward(runs, schedule).run(to: target, width: width)
      return
    }
    Threads.run(runs.count * schedule.rowBlocks) { index in
      let run = runs[index % runs.count]
      let target = output.map { $0 + run.place * run.outputs }
      TimeLoop.forward(
        run, 0..<run.layout.steps,
        rows: run.rows(block: index / runs.count, of: schedule.rowBlocks, byTimesteps: false),
        by: OpenBLASMultiplier(run)
      ) { step, active in
        if let target { run.writeOutput(step, active, to: target, width: width) }
        return true
      }
    }
  }

  /// Goes back through the time loops, and computes the products over all timesteps.
  ///
  /// - Parameters:
  ///   - gradients: of each run, its states' and its outputs'.
  ///   - distinct: the table's rows that the input consists of, where its gradient goes straight to the table.
  ///   - needsInput: whether the gradient of the input is asked for.
  func backward(_ gradients: [GradientRun<S>], _ distinct: DistinctRows?, needsInput: Bool) -> SequenceGradients {
    if way.rung != .openBLAS, let runs = runs as? [DirectionRun<Float>],
      let gradients = gradients as? [GradientRun<Float>]
    {
      return PackedBackward(runs, gradients, way.fused, schedule, distinct, needsInput: needsInput).run()
    }
    Threads.run(runs.count * schedule.rowBlocks) { index in
      let (place, layout) = (index % runs.count, runs[index % runs.count].layout)
      TimeLoop.backward(
        runs[place], steps: 0..<layout.steps,
        rows: runs[place].rows(block: index / runs.count, of: schedule.rowBlocks, byTimesteps: false),
        by: OpenBLASMultiplier(runs[place], gradients: gradients[place])
      ) { _ in true }
    }
    return WeightGradients(runs, needsInput: needsInput).run()
  }
}

extension Schedule {
  /// Runs `body` for indices that take about so many nanoseconds alone, all together; where there are rows enough, and
  /// one thread may be done much earlier than another, those that are idle are given rows.
  func share(
    _ count: Int, rows: Int, lasting: Int, _ body: (_ index: Int, _ sharing: WorkSharing) -> Void
  ) {
    let tuning = Tuning.standard
    let isDivisible = rows >= tuning.dividedRows * count && lasting >= tuning.dividedWork * Threads.leastWork
    if isDivisible || Threads.ignoresCosts {
      Threads.runSharing(count, lasting: lasting, body)
    } else {
      Threads.run(count, lasting: lasting) { body($0, .alone) }
    }
  }

  /// Nanoseconds beyond spinning after which a rank of a team is late: as long as all of a step takes one thread.
  func lateAfter(rows: Int) -> Int { max(Tuning.standard.lateNanoseconds, rowNanoseconds * rows) }
}
