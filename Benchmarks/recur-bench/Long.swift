import Glibc
import Recurra
import RecurraTensor

/// What training on long sequences takes, plain and where what the way back needs is computed a second time: memory
/// above that of a short sequence, and time.
struct Long {
  let threads: Int

  private static let (batch, inputs, units) = (4, 64, 128)

  func run(timesteps: Int, json: Bool) throws {
    Threads.count = threads
    func step(_ timesteps: Int, recomputing: Bool) throws -> (bytes: Int, seconds: Double) {
      let model = Sequential(seed: 1) { LSTM(units: Self.units) }
      let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.01))
      let x = RandomSource(seed: 2).uniform([Self.batch, timesteps, Self.inputs])
      let y = RandomSource(seed: 3).uniform([Self.batch, Self.units])
      var least = Double.infinity
      for _ in 0..<3 {
        let start = ContinuousClock.now
        try trainer.trainBatch(x, y, unrolling: Unrolling(recomputes: recomputing))
        least = min(least, (ContinuousClock.now - start) / .seconds(1))
      }
      return (Self.peakBytes, least)
    }
    // The peak of a process only grows: what needs least comes first.
    let short = try step(10, recomputing: false).bytes
    let again = try step(timesteps, recomputing: true)
    let plain = try step(timesteps, recomputing: false)
    let (above, plainAbove) = (again.bytes - short, plain.bytes - short)
    if json {
      Report.line(
        JSONLine([
          ("long", .count(timesteps)), ("threads", .count(threads)), ("recomputed_bytes", .count(above)),
          ("plain_bytes", .count(plainAbove)), ("recomputed_seconds", .number(again.seconds)),
          ("plain_seconds", .number(plain.seconds)),
        ]).text)
      return
    }
    func mebibytes(_ bytes: Int) -> String { Table.fixed(Double(bytes) / 1_048_576, 1) + " MiB" }
    Report.line(
      """
      LSTM \(Self.inputs)→\(Self.units), \(Self.batch) rows of \(timesteps) timesteps, training, above 10 timesteps: \
      plain \(mebibytes(plainAbove)), \(Table.fixed(plain.seconds, 3)) s; computed again \(mebibytes(above)), \
      \(Table.fixed(again.seconds, 3)) s, \(Table.fixed(again.seconds / plain.seconds, 2)) times
      """)
  }

  private static var peakBytes: Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1_024
  }
}
