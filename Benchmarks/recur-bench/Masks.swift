import Recurra
import RecurraTensor

/// What a mask with holes costs: the same number of timesteps that count, once in front of each row and once scattered.
struct Masks {
  let threads: Int
  let stopwatch: Stopwatch

  private static let (batch, timesteps, inputs, units) = (64, 50, 60, 100)

  func run(json: Bool) throws {
    Threads.count = threads
    let layer = LSTM(units: Self.units, returnSequences: true)
    try layer.build(inputShape: [nil, nil, Self.inputs], random: RandomSource(seed: 1), dtype: .float32)
    let x = RandomSource(seed: 2).normal([Self.batch, Self.timesteps, Self.inputs])
    let steps = (0..<Self.batch).map { row in (0..<Self.timesteps).map { ($0 * 7 + row * 3 + $0 * $0) % 4 != 0 } }
    let holes = try SequenceMask(steps: steps)
    let lengths = SequenceMask.lengths(steps.map { row in row.count { $0 } })
    for job in ["inference", "training"] {
      let work = { (mask: SequenceMask) in
        {
          let context = ForwardContext(isTraining: job == "training", isRecording: job == "training")
          let output = orExit { try layer.forward(Signal(x, mask: mask), context).value }
          guard context.isRecording else { return }
          _ = output.sum().gradients(withRespectTo: layer.parameters.map(\.tracked))
        }
      }
      Report.timing("masks, \(job)")
      let times = stopwatch.alternating(work(holes), work(lengths))
      let ratio = times.first.minimum / times.second.minimum
      if json {
        Report.line(
          JSONLine([("masks", .text(job)), ("threads", .count(threads)), ("holes_over_lengths", .number(ratio))]).text)
      } else {
        Report.line("LSTM 60→100, 64 rows of 50 timesteps, \(job): holes ÷ lengths \(Table.fixed(ratio, 3))")
      }
    }
  }
}
