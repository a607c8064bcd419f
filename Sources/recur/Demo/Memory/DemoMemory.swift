internal import ArgumentParser
internal import Recurra

/// Shows which networks remember a cue, and why.
struct DemoMemory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Asks networks about a word that was said N words before, and shows who still knows it.",
    discussion: """
      Trains SimpleRNN, LSTM, GRU and BiLSTM from several beginnings, and writes memory.html with pictures and \
      explanations in English and Chinese, accuracy.svg, gradients.svg and results.json. Takes about a minute on two \
      cores.
      """)

  @Option(name: [.short, .long], help: "The folder to write to; made when it is not there.", completion: .directory)
  var output: String

  @Option(parsing: .unconditional, help: "How many beginnings of each network.")
  var seeds = 5

  @Flag(help: "One beginning, and distances 10 and 50 only: a quarter of a minute.")
  var short = false

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard (1...100).contains(seeds) else { throw ValidationError("Expected --seeds in 1...100, got \(seeds).") }
  }

  func run() throws {
    threads.apply()
    let folder = try OutputFolder(output)
    let seeds = (1...(short ? 1 : seeds)).map { UInt64($0) }
    var study = MemoryStudy(distances: short ? [10, 50] : [2, 10, 25, 50, 100], seeds: seeds, shown: 50)
    try study.run { what, accuracy in Console.error("\(what): \(Console.decimal(100 * accuracy, 1)) %") }
    let report = MemoryReport(study: study)
    try folder.write("accuracy.svg", Chart.svg([report.accuracyChart]))
    try folder.write("gradients.svg", Chart.svg([report.gradientChart]))
    try folder.write("results.json", study.json.text + "\n")
    try folder.write("memory.html", report.page.document)
    try Console.output("Wrote memory.html, accuracy.svg, gradients.svg and results.json to \(output.escaped).\n")
  }
}
