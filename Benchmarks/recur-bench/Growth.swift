import Recurra
import RecurraCells

/// Shows that nothing degrades as work grows: the time of one timestep of one sequence, for longer and for wider
/// batches.
struct Growth {
  let threads: Int
  let multiplier: MultiplierChoice
  let stopwatch: Stopwatch

  private static let rounds = 4

  func run(json: Bool) {
    for job in [Case.Job.inference, .training] {
      chart("timesteps", job, [50, 150, 500, 1_500, 5_000], json: json) { (batch: 64, timesteps: $0) }
      chart("batch", job, [64, 128, 256, 512, 1_024], json: json) { (batch: $0, timesteps: 50) }
    }
  }

  private func chart(
    _ axis: String, _ job: Case.Job, _ extents: [Int], json: Bool, _ shape: (Int) -> (batch: Int, timesteps: Int)
  ) {
    let subjects = extents.map { extent in
      let (batch, timesteps) = shape(extent)
      return Case(cell: .lstm, batch: batch, timesteps: timesteps, inputs: 60, units: 100, job: job)
    }
    // In turns, the least of some rounds: a machine whose neighbours are busy for seconds would bend the curve at one
    // extent.
    var stopwatch = stopwatch
    stopwatch.repetitions = max(1, stopwatch.repetitions / Self.rounds)
    func measure() -> [Measurement] {
      subjects.map { Measurement($0, threads: threads, multiplier: multiplier, stopwatch: stopwatch) }
    }
    var measurements = measure()
    for _ in 1..<Self.rounds {
      measurements = zip(measurements, measure()).map { $0.time.minimum <= $1.time.minimum ? $0 : $1 }
    }
    if json {
      for measurement in measurements { Report.line(measurement.json) }
      return
    }
    let costs = measurements.map { $0.time.minimum / Double($0.subject.batch * $0.subject.timesteps) * 1e9 }
    let largest = costs.max() ?? 1
    Report.line("\nLSTM 60→100, \(job.rawValue): nanoseconds for one timestep of one sequence")
    for (measurement, cost) in zip(measurements, costs) {
      let bar = String(repeating: "█", count: Int((40 * cost / largest).rounded()))
      let extent = axis == "batch" ? measurement.subject.batch : measurement.subject.timesteps
      Report.line(
        "  " + Table.left("\(axis) \(extent)", 16) + Table.right(Table.fixed(cost, 1), 8) + "  "
          + Table.right(Table.fixed(cost / costs[0], 2) + "×", 6) + "  " + bar)
    }
  }
}
