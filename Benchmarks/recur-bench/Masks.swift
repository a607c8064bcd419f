import Recurra
import RecurraTensor

/// What rows with holes, rows that begin anew and initial states cost: their speed ÷ that of as many plain timesteps.
struct Masks {
  let threads: Int
  let stopwatch: Stopwatch

  private static let shapes = [(64, 50, 60, 100), (16, 100, 256, 256)]

  func run(json: Bool) throws {
    Threads.count = threads
    for (batch, timesteps, inputs, units) in Self.shapes {
      let layer = LSTM(units: units, returnSequences: true)
      try layer.build(inputShape: [nil, nil, inputs], random: RandomSource(seed: 1), dtype: .float32)
      let x = RandomSource(seed: 2).normal([batch, timesteps, inputs])
      let states = [RandomSource(seed: 3).normal([batch, units]), RandomSource(seed: 4).normal([batch, units])]
      let steps = (0..<batch).map { row in (0..<timesteps).map { ($0 * 7 + row * 3 + $0 * $0) % 4 != 0 } }
      let marks = (0..<batch).map { row in (0..<timesteps).map { ($0 * 5 + row * 11) % 17 == 3 } }
      let valid = steps.reduce(0) { $0 + $1.count { $0 } }
      let cases: [(name: String, mask: SequenceMask, states: [Tensor], share: Double)] = [
        ("holes", try SequenceMask(steps: steps), [], Double(valid) / Double(batch * timesteps)),
        ("resets", try SequenceMask.all.withResets(marks), [], 1), ("initial states", .all, states, 1),
      ]
      for job in ["inference", "training"] {
        let work = { (mask: SequenceMask, states: [Tensor]) in
          {
            let context = ForwardContext(isTraining: job == "training", isRecording: job == "training")
            let output = orExit { try layer.forward(Signal(x, mask: mask, states: states), context).value }
            guard context.isRecording else { return }
            _ = output.sum().gradients(withRespectTo: layer.parameters.map { context.tensor($0) })
          }
        }
        for (name, mask, states, share) in cases {
          Report.timing("\(name), \(job)")
          let times = stopwatch.alternating(work(mask, states), work(.all, []))
          let speed = times.second.minimum * share / times.first.minimum
          if json {
            Report.line(
              JSONLine([
                ("masks", .text(name)), ("job", .text(job)), ("batch", .count(batch)), ("units", .count(units)),
                ("threads", .count(threads)), ("speed_over_plain", .number(speed)),
              ]).text)
          } else {
            Report.line(
              "LSTM \(inputs)→\(units), \(batch) rows of \(timesteps) timesteps, \(job), \(name): speed ÷ plain "
                + Table.fixed(speed, 3))
          }
        }
      }
    }
  }
}
