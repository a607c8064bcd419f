import Recurra
import RecurraCells
import RecurraTensor

/// What a case took.
struct Measurement {
  let subject: Case
  let threads: Int
  let multiplier: MultiplierChoice
  let time: Stopwatch.Result

  init(_ subject: Case, threads: Int, multiplier: MultiplierChoice, stopwatch: Stopwatch) {
    (self.subject, self.threads, self.multiplier) = (subject, threads, multiplier)
    Threads.count = threads
    MultiplierChoice.current = multiplier
    Report.timing("\(subject), \(Report.count(threads, "thread"))")
    time = stopwatch.time(subject.prepare())
  }

  var gflops: Double { subject.flops / time.median / 1e9 }
  var sequencesPerSecond: Double { Double(subject.batch) / time.median }

  /// For one sequence the limit is how fast the recurrent weights can be read, once for every timestep; nil for other
  /// cases.
  func bandwidthNote(_ stopwatch: Stopwatch) -> String? {
    guard subject.batch == 1, subject.layers == 1, subject.job == .inference, !subject.isBidirectional
    else { return nil }
    let bytes = 4 * subject.arithmetic.gateCount * subject.units * subject.units
    let rate = Double(bytes * subject.timesteps) / time.median
    let roof = Machine.bandwidthRoof(bytes: bytes, threads: threads, stopwatch: stopwatch)
    return "\(subject.cell.rawValue.uppercased()) reads its recurrent weights at \(Table.fixed(rate / 1e9, 0)) GB/s, "
      + "\(Table.fixed(100 * rate / roof, 0)) % of what \(threads) threads can"
  }

  /// One JSON object on one line.
  var json: String {
    JSONLine([
      ("cell", .text(subject.cell.rawValue)), ("bidirectional", .flag(subject.isBidirectional)),
      ("batch", .count(subject.batch)), ("timesteps", .count(subject.timesteps)), ("inputs", .count(subject.inputs)),
      ("units", .count(subject.units)), ("job", .text(subject.job.rawValue)), ("threads", .count(threads)),
      ("multiplier", .text(multiplier.rawValue)), ("median_seconds", .number(time.median)),
      ("min_seconds", .number(time.minimum)), ("gflops", .number(gflops)),
      ("sequences_per_second", .number(sequencesPerSecond)), ("isa", .text(Machine.instructionSet)),
      ("blas", .text(BLAS.configuration)),
    ]).text
  }
}

/// A flat JSON object.
struct JSONLine {
  enum Value {
    case text(String), count(Int), counts([Int]), number(Double), flag(Bool)
  }

  let text: String

  init(_ members: [(name: String, value: Value)]) {
    let parts = members.map { member in
      switch member.value {
      case .text(let text): "\"\(member.name)\": \"\(text)\""
      case .count(let count): "\"\(member.name)\": \(count)"
      case .counts(let counts): "\"\(member.name)\": \(counts)"
      case .number(let number): "\"\(member.name)\": \(number)"
      case .flag(let flag): "\"\(member.name)\": \(flag)"
      }
    }
    text = "{" + parts.joined(separator: ", ") + "}"
  }
}
