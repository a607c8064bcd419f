import Recurra
import RecurraCells
import RecurraTensor

/// The default table: every cell on a few shapes, with the ratios that matter.
struct Comparison {
  let threads: Int
  let multiplier: MultiplierChoice
  let job: Case.Job
  let stopwatch: Stopwatch

  private static let shapes: [(batch: Int, timesteps: Int, inputs: Int, units: Int)] = [
    (1, 50, 60, 100), (64, 50, 60, 100), (16, 100, 256, 256), (64, 100, 256, 256),
    (1, 100, 512, 512), (64, 50, 512, 512),
  ]

  func run(json: Bool) {
    let roof = Machine.arithmeticRoof(threads: threads, stopwatch: stopwatch)
    if !json { Report.line(Table.header(Machine.instructionSet, threads: threads, roof: roof)) }
    for shape in Self.shapes {
      func measure(_ cell: Case.Cell, bidirectional: Bool = false, threads: Int) -> Measurement {
        let subject = Case(
          cell: cell, isBidirectional: bidirectional, batch: shape.batch, timesteps: shape.timesteps,
          inputs: shape.inputs, units: shape.units, job: job)
        let result = Measurement(subject, threads: threads, multiplier: multiplier, stopwatch: stopwatch)
        if json { Report.line(result.json) } else { Report.line(Table.row(result, roof: roof)) }
        return result
      }
      let rnn = measure(.rnn, threads: threads)
      let lstm = measure(.lstm, threads: threads)
      _ = measure(.gru, threads: threads)
      let two = measure(.lstm, bidirectional: true, threads: threads)
      guard !json else { continue }
      var notes = ["LSTM ÷ RNN time \(Table.fixed(lstm.time.median / rnn.time.median, 2))"]
      if threads > 1 {
        let one = Measurement(two.subject, threads: 1, multiplier: multiplier, stopwatch: stopwatch)
        notes.append("BiLSTM on two streams ÷ one stream \(Table.fixed(one.time.median / two.time.median, 2))×")
      }
      if let note = lstm.bandwidthNote(stopwatch) { notes.append(note) }
      Report.line("  " + notes.joined(separator: ", ") + "\n")
    }
  }
}

/// Lines of the table for people.
enum Table {
  static func header(_ instructionSet: String, threads: Int, roof: Double) -> String {
    """
    instruction set \(instructionSet), \(threads) threads, arithmetic roof \(fixed(roof / 1e9, 1)) GFLOP/s, \
    \(BLAS.configuration)
    \(Machine.advice.map { $0 + "\n" } ?? "")
      cell   job         B     T     I     H         ms   sequences/s   GFLOP/s   of roof
    """
  }

  static func row(_ measurement: Measurement, roof: Double) -> String {
    let subject = measurement.subject
    let numbers = [subject.batch, subject.timesteps, subject.inputs, subject.units].map { right("\($0)", 6) }.joined()
    return "  " + left(subject.name, 7) + left(subject.job.rawValue, 9) + numbers
      + right(fixed(measurement.time.median * 1e3, 3), 11) + right(fixed(measurement.sequencesPerSecond, 0), 14)
      + right(fixed(measurement.gflops, 1), 10) + right(fixed(100 * measurement.gflops * 1e9 / roof, 1) + " %", 10)
  }

  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
    let scaled = (value.magnitude * scale).rounded()
    let whole = Int(scaled / scale)
    guard decimals > 0 else { return "\(value < 0 ? "-" : "")\(whole)" }
    let digits = String(Int(scaled - Double(whole) * scale))
    return "\(value < 0 ? "-" : "")\(whole)." + String(repeating: "0", count: decimals - digits.count) + digits
  }
}
