import ArgumentParser
import Recurra
import RecurraCells
import RecurraTensor

/// Times one layer, or a table of them.
struct Layers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "Compares the throughput of RNN, LSTM, GRU and BiLSTM.",
    discussion: """
      Without a cell, prints a table of all cells on some shapes, next to the arithmetic roof measured in the same \
      run. With a cell and its shape, times that one case.
      """)

  @Option(help: "One cell: rnn, lstm, gru, or bilstm for lstm in both directions.")
  var cell: CellName?
  @Flag(help: "Both directions, at the same time.")
  var bidirectional = false
  @Option(help: "Sequences.")
  var batch = 64
  @Option(help: "Timesteps of each sequence.")
  var timesteps = 50
  @Option(help: "Input features.")
  var inputs = 60
  @Option(help: "Units of the layer.")
  var units = 100
  @Option(
    help: "inference: whole sequences, all hidden states; training: forward, and the gradients; step: single steps.")
  var job: Case.Job = .inference
  @Option(help: "The function of the candidate, by Keras' name.", transform: activationChoice)
  var activation = Activation.tanh
  @Option(help: "The function of the gates, by Keras' name.", transform: activationChoice)
  var recurrentActivation = Activation.sigmoid
  @Flag(help: "The GRU's reset gate filters the state before the product.")
  var resetBefore = false
  @Option(help: "What multiplies: auto, openblas or packed.", transform: multiplierChoice)
  var multiplier: MultiplierChoice = .auto
  @Option(help: "Layers one above the other, which take the same cell.")
  var layers = 1
  @Option(
    help: "Another number of the engine's tuning, as name=value; several times for several.", transform: tuningChoice)
  var tune: [TuningChoice] = []
  @Option(
    help:
      """
      A whole program instead of a layer, trained for an epoch: seed, the lesson's, or letters, the same with 27 \
      words; all cells, or the one named.
      """
  )
  var program: ProgramName?
  @Flag(help: "The time of a timestep of a sequence as sequences grow longer and batches wider, as a chart.")
  var growth = false
  @Flag(help: "The time and memory of recur predict, from process start to the answer.")
  var startUp = false
  @Flag(
    help: "Single sequences as a server gets them: closely after each other, rarely, and from several threads at once.")
  var requests = false
  @Flag(help: "What holes, rows that begin anew and initial states cost: speed ÷ that of as many plain timesteps.")
  var masks = false
  @Flag(help: "The memory and time of training on sequences of 20,000 timesteps, plain and computed a second time.")
  var long = false
  @Flag(help: "Whether threads have a core each at the moment: their arithmetic together ÷ that of one thread.")
  var probe = false
  @OptionGroup var timing: TimingOptions

  func validate() throws {
    guard batch > 0, timesteps > 0, inputs > 0, units > 0 else {
      throw ValidationError("every number must be greater than 0")
    }
    guard layers == 1 || ((2...64).contains(layers) && job == .inference) else {
      throw ValidationError("expected 1 to 64 layers, more than one for inference alone")
    }
    try Case.requireMemory(batch: batch, timesteps: timesteps, inputs: inputs, units: units, layers: layers)
  }

  func run() throws {
    TuningChoice.putInForce(tune)
    let (threads, json, stopwatch) = (timing.threadCount, timing.json, timing.stopwatch)
    if probe { return Machine.probe(threads: threads, json: json) }
    if growth { return Growth(threads: threads, multiplier: multiplier, stopwatch: stopwatch).run(json: json) }
    if requests { return try Requests(threads: threads, stopwatch: stopwatch).run(json: json) }
    if masks { return try Masks(threads: threads, stopwatch: stopwatch).run(json: json) }
    if long { return try Long(threads: threads).run(timesteps: 20_000, json: json) }
    if startUp { return try Startup(repetitions: timing.repetitions).run(json: json) }
    if program != nil { return try runProgram() }
    guard let cell else {
      // First, while this process is small: the system counts its memory towards the one it starts.
      try Startup(repetitions: timing.repetitions).run(json: json)
      Comparison(threads: threads, multiplier: multiplier, job: job, stopwatch: stopwatch).run(json: json)
      try runProgram()
      return
    }
    let subject = Case(
      cell: cell.cell, isBidirectional: bidirectional || cell == .bilstm, batch: batch, timesteps: timesteps,
      inputs: inputs, units: units, job: job, activation: activation, recurrentActivation: recurrentActivation,
      resetsBefore: resetBefore, layers: layers)
    let measurement = Measurement(subject, threads: threads, multiplier: multiplier, stopwatch: stopwatch)
    if json {
      Report.line(measurement.json)
    } else {
      let roof = Machine.arithmeticRoof(threads: threads, stopwatch: stopwatch)
      Report.line(Table.header(Machine.instructionSet, threads: threads, roof: roof))
      Report.line(Table.row(measurement, roof: roof))
      if let note = measurement.bandwidthNote(stopwatch) { Report.line("  " + note) }
    }
  }

  private func runProgram() throws {
    for name in cell.map({ [$0] }) ?? [.rnn, .lstm, .bilstm] {
      try Program(
        name: program ?? .seed, cell: name.cell, isBidirectional: bidirectional || name == .bilstm,
        threads: timing.threadCount, multiplier: multiplier, stopwatch: timing.stopwatch
      ).run(json: timing.json)
    }
  }
}

/// The programs that can be timed.
enum ProgramName: String, CaseIterable, ExpressibleByArgument {
  case seed, letters

  /// Different words of the texts.
  var vocabulary: Int { self == .seed ? 5_000 : 27 }
}

/// Reads the name of a function that a cell can have.
private func activationChoice(_ name: String) throws -> Activation {
  if let activation = Activation(rawValue: name), activation.isElementwise { return activation }
  let names = Activation.allCases.filter(\.isElementwise).map(\.rawValue)
  throw ValidationError("expected \(names.joined(separator: ", ")), got \(name)")
}

/// Reads a number of the engine's tuning.
private func tuningChoice(_ text: String) throws -> TuningChoice {
  guard let choice = TuningChoice(text) else {
    throw ValidationError(
      "expected a name and a number, such as turnRows=4, got \(text); names are "
        + TuningChoice.names.joined(separator: ", "))
  }
  return choice
}

/// Reads the name of a multiplier.
private func multiplierChoice(_ text: String) throws -> MultiplierChoice {
  guard let choice = MultiplierChoice(rawValue: text) else {
    throw ValidationError("expected auto, openblas or packed, got \(text)")
  }
  return choice
}
