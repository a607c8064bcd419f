internal import ArgumentParser
internal import Recurra

/// Shows what the gates of an LSTM do while it reads a text.
struct DemoGates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gates",
    abstract: "Reads a text into a small LSTM and shows its gates, candidate and memory at every symbol.",
    discussion: """
      The model is a part of the tool. It has read Tang poems, in simplified characters, and chapters of The \
      Adventures of Tom Sawyer, and guesses the next symbol. recur demo gates 小猫爱吃鱼 prints, for each \
      symbol, how many units keep, fuse, clear or replace their memory, and the guesses; with --output it also writes \
      gates.html, with explanations in English and Chinese, gates.svg, actions.svg and results.json.

      recur demo gates --train --save FILE trains the model anew, in a minute on two cores.
      """)

  @Argument(help: "A word or a sentence, Chinese or English, of up to 48 symbols.")
  var text: [String] = []

  @Option(
    name: [.short, .long], help: "The folder for page and pictures; made when it is not there.", completion: .directory)
  var output: String?

  @Option(parsing: .unconditional, help: "From which value on a gate counts as open, between 0 and 1.")
  var threshold = 0.5

  @Option(
    help: "A model that was trained here, instead of the tool's own.", completion: .file(extensions: ["safetensors"]))
  var model: String?

  @Flag(help: "Trains the model, and reads no text.")
  var train = false

  @Option(help: "The file for the trained model.", completion: .file(extensions: ["safetensors"]))
  var save: String?

  @Option(parsing: .unconditional, help: "How often --train goes through the texts; 12 when not given.")
  var epochs: Int?

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard train else {
      guard save == nil, epochs == nil else { throw ValidationError("Expected --save and --epochs with --train only.") }
      guard threshold > 0, threshold < 1 else {
        throw ValidationError("Expected --threshold between 0 and 1, got \(threshold).")
      }
      _ = try GateText(joined)
      return
    }
    guard text.isEmpty, output == nil, model == nil else {
      throw ValidationError("Expected --train, or a text with its options, got both.")
    }
    guard save != nil else { throw ValidationError("Expected --save FILE with --train, got none.") }
    guard epochs ?? 1 >= 1 else { throw ValidationError("Expected --epochs of 1 or more, got \(epochs ?? 0).") }
  }

  func run() throws {
    threads.apply()
    if let save { return try trained(to: save) }
    let text = try GateText(joined)
    let reader = try model.map { try CharacterModel(InputSource.open($0)) } ?? CharacterModel.embedded()
    let folder = try output.map(OutputFolder.init)
    let reading = try GateReading(text, by: reader, threshold: threshold)
    try Console.output(GateTable(reading: reading).text)
    guard let folder, let output else { return }
    let report = GateReport(reading: reading)
    try folder.write("gates.svg", report.gatePicture)
    try folder.write("actions.svg", report.actionPicture)
    try folder.write("results.json", reading.json.text + "\n")
    try folder.write("gates.html", report.page.document)
    try Console.output("\nWrote gates.html, gates.svg, actions.svg and results.json to \(output.escaped).\n")
  }

  /// Words that are not quoted are one text all the same.
  private var joined: String { text.joined(separator: " ") }

  private func trained(to path: String) throws {
    try OutputTarget.check(path)
    let texts = CharacterTexts()
    let model = CharacterModel(vocabulary: texts.vocabulary, seed: 1)
    try model.train(on: texts, epochs: epochs ?? 12, seed: 1)
    try OutputTarget.write(to: path) { (path, system) throws(RecurraError) in
      try model.save(to: path, system: system)
    }
  }
}
