import Dispatch
import Glibc
import Recurra
import RecurraTensor
import Synchronization

/// What a server sees: single sequences that come at once after each other, now and then, or from several threads.
struct Requests {
  let threads: Int
  let stopwatch: Stopwatch

  func run(json: Bool) throws {
    if !json {
      Report.line("One sequence a request, LSTM, 50 timesteps of 60 inputs, \(threads) threads\n\n" + Self.header)
    }
    for units in [32, 100, 512] {
      let subject = Case(
        cell: .lstm, isBidirectional: false, batch: 1, timesteps: 50, inputs: 60, units: units, job: .inference)
      Report.timing("requests of \(subject), \(Report.count(threads, "thread"))")
      let closely = latencies(subject, threads: threads, pause: 0)
      let rarely = latencies(subject, threads: threads, pause: 5_000)
      let rarelyAlone = latencies(subject, threads: 1, pause: 5_000)
      let (one, callers) = (rate(subject, callers: 1), rate(subject, callers: threads))
      if json {
        Report.line(
          JSONLine([
            ("requests", .text("lstm")), ("units", .count(units)), ("threads", .count(threads)),
            ("close_seconds", .number(closely.median)), ("rare_seconds", .number(rarely.median)),
            ("rare_p90_seconds", .number(rarely.late)), ("rare_one_thread_seconds", .number(rarelyAlone.median)),
            ("one_caller_per_second", .number(one)), ("callers", .count(threads)),
            ("callers_per_second", .number(callers)),
          ]).text)
      } else {
        let times = [closely.median, rarely.median, rarely.late, rarelyAlone.median].map { Table.fixed($0 * 1e3, 3) }
        let rates = [one, callers].map { Table.fixed($0, 0) }
        Report.line(Table.right("\(units)", 5) + (times + rates).map { Table.right($0, 12) }.joined())
      }
    }
    if !json { Report.line("\n  layers    H   close ms  one thread") }
    for (layers, units) in [(2, 32), (2, 100), (4, 100)] {
      Report.timing("requests of \(layers) layers of \(units) units, \(Report.count(threads, "thread"))")
      let (all, one) = (try stack(layers, units, threads: threads), try stack(layers, units, threads: 1))
      if json {
        Report.line(
          JSONLine([
            ("stack", .text("lstm")), ("layers", .count(layers)), ("units", .count(units)),
            ("threads", .count(threads)),
            ("close_seconds", .number(all)), ("one_thread_seconds", .number(one)),
          ]).text)
      } else {
        Report.line(
          Table.right("\(layers)", 8) + Table.right("\(units)", 5)
            + [all, one].map { Table.right(Table.fixed($0 * 1e3, 3), 11) }.joined())
      }
    }
  }

  private static let header =
    "    H"
    + ["close ms", "rare ms", "rare 90 %", "one thread", "1 caller /s", "callers /s"].map { Table.right($0, 12) }
    .joined()

  /// The median and the 90th percentile of the time of a request, in seconds; a pause of some microseconds before each.
  private func latencies(_ subject: Case, threads: Int, pause: UInt32) -> (median: Double, late: Double) {
    Threads.count = threads
    let work = subject.prepare()
    let clock = ContinuousClock()
    for _ in 0..<20 { work() }
    let count = pause > 0 ? 40 * stopwatch.repetitions : 400 * stopwatch.repetitions
    let times = (0..<count).map { _ in
      if pause > 0 { usleep(pause) }
      return Double(clock.measure(work).components.attoseconds) * 1e-18
    }.sorted()
    return (times[count / 2], times[count * 9 / 10])
  }

  /// The median time of one sequence through layers on top of each other, in seconds.
  private func stack(_ layers: Int, _ units: Int, threads: Int) throws -> Double {
    Threads.count = threads
    let model = Sequential(seed: 1) {
      for index in 0..<layers { LSTM(units: units, returnSequences: index + 1 < layers) }
    }
    try model.build(inputShape: [nil, nil, 60])
    let x = RandomSource(seed: 2).normal([1, 50, 60])
    return stopwatch.time { _ = orExit { try model(x) } }.median
  }

  /// Requests a second that are answered when several threads ask at once, each without a pause.
  private func rate(_ subject: Case, callers: Int) -> Double {
    Threads.count = threads
    let clock = ContinuousClock()
    let seconds = Double(stopwatch.repetitions) * stopwatch.least
    let answered = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: callers) { _ in
      let work = subject.prepare()
      let end = clock.now + .seconds(seconds)
      var count = 0
      while clock.now < end {
        work()
        count += 1
      }
      answered.add(count, ordering: .relaxed)
    }
    return Double(answered.load(ordering: .relaxed)) / seconds
  }
}
