import ArgumentParser
import Recurra
import RecurraTensor

/// Times sequences of different lengths against as many that are all as long as the longest, in turns.
struct Ragged: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ragged",
    abstract: "Compares sequences of different lengths with full ones.",
    discussion: """
      Times a batch whose lengths are drawn between 1 and --longest, and the same batch with all timesteps, in turns. \
      What padding costs is the time of the one ÷ that of the other, ÷ the share of the timesteps that count: 1 is \
      nothing.
      """)

  @Option(help: "One cell: rnn, lstm, gru, or bilstm for lstm in both directions.")
  var cell: CellName = .lstm
  @Flag(help: "Both directions, at the same time.")
  var bidirectional = false
  @Option(help: "Sequences.")
  var batch = 64
  @Option(help: "The timesteps of the longest sequence.")
  var longest = 100
  @Option(help: "Input features.")
  var inputs = 256
  @Option(help: "Units of the layer.")
  var units = 256
  @Option(help: "inference: whole sequences, all hidden states; training: forward, and the gradients.")
  var job: Case.Job = .inference
  @Option(help: "What the lengths follow from.")
  var seed: UInt64 = 1
  @Option(help: "The timesteps of each sequence, with commas, instead of drawn ones.", transform: lengthsChoice)
  var lengths: [Int]?
  @OptionGroup var timing: TimingOptions

  func validate() throws {
    guard batch > 0, longest > 0, inputs > 0, units > 0 else {
      throw ValidationError("every number must be greater than 0")
    }
    guard job != .step else { throw ValidationError("expected inference or training, got step") }
    if let lengths, !lengths.allSatisfy({ (1...longest).contains($0) }) {
      throw ValidationError("expected lengths in 1...\(longest)")
    }
    try Case.requireMemory(batch: lengths?.count ?? batch, timesteps: longest, inputs: inputs, units: units)
  }

  func run() throws {
    let lengths = lengths ?? Self.drawn(batch, longest: longest, seed: seed)
    var subject = Case(
      cell: cell.cell, isBidirectional: bidirectional || cell == .bilstm, batch: lengths.count, timesteps: longest,
      inputs: inputs, units: units, job: job)
    Threads.count = timing.threadCount
    Report.timing(
      "\(subject.name) \(job.rawValue), \(Report.count(lengths.count, "sequence")) of up to "
        + "\(Report.count(longest, "timestep")), \(inputs)→\(units), \(Report.count(timing.threadCount, "thread"))")
    let full = subject.prepare()
    subject.lengths = lengths
    let (ragged, whole) = timing.stopwatch.alternating(subject.prepare(), full)
    let valid = lengths.reduce(0, +)
    let share = Double(valid) / Double(lengths.count * longest)
    guard !timing.json else {
      let members: [(name: String, value: JSONLine.Value)] = [
        ("cell", .text(subject.cell.rawValue)), ("bidirectional", .flag(subject.isBidirectional)),
        ("batch", .count(subject.batch)), ("longest", .count(longest)), ("inputs", .count(inputs)),
        ("units", .count(units)), ("job", .text(job.rawValue)), ("threads", .count(timing.threadCount)),
        ("median_seconds", .number(ragged.median)), ("min_seconds", .number(ragged.minimum)),
        ("full_seconds", .number(whole.median)), ("full_min_seconds", .number(whole.minimum)),
        ("valid_timesteps", .count(valid)), ("valid_share", .number(share)), ("lengths", .counts(lengths)),
        ("isa", .text(Machine.instructionSet)),
      ]
      Report.line(JSONLine(members).text)
      return
    }
    Report.line(
      """
      \(subject.name) \(job.rawValue), \(inputs)→\(units), \(lengths.count) sequences of 1 to \(longest) timesteps: \
      \(Table.fixed(ragged.median * 1e3, 3)) ms; all full \(Table.fixed(whole.median * 1e3, 3)) ms, of which \
      \(Table.fixed(100 * share, 1)) % count; what counts takes \
      \(Table.fixed(ragged.median / whole.median / share, 3)) of its share
      """)
  }

  /// Lengths that are equally likely from 1 to the longest.
  private static func drawn(_ count: Int, longest: Int, seed: UInt64) -> [Int] {
    let numbers = RandomSource(seed: seed).uniform([count], dtype: .float64).scalars(as: Double.self)
    return numbers.map { 1 + min(Int($0 * Double(longest)), longest - 1) }
  }
}

/// Reads numbers with commas between them.
private func lengthsChoice(_ text: String) throws -> [Int] {
  let lengths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  let known = lengths.compactMap { $0 }
  guard known.count == lengths.count else { throw ValidationError("expected lengths with commas, got \(text)") }
  return known
}
