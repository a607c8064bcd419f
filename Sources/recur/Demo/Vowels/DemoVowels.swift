internal import ArgumentParser
internal import Recurra

/// Tells speakers apart by utterances of different lengths.
struct DemoVowels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vowels",
    abstract: "Tells nine speakers apart by recordings of different lengths.",
    discussion: """
      A BiLSTM of 100 units hears two vowels, 7 to 29 timesteps of twelve cepstrum coefficients, and says who of nine \
      men is speaking. It is trained on 270 utterances and asked about 370 others, as UCI divides them, from five \
      beginnings. Takes a quarter of a minute on two cores.

      Data: Kudo, Toyama and Shimbo (1999), Japanese Vowels, UCI Machine Learning Repository, \
      doi.org/10.24432/C5NS47, CC BY 4.0.
      """)

  @Option(parsing: .unconditional, help: "How many beginnings: the seeds 1, 2 and so on; 5 when not given.")
  var seeds: Int?

  @Option(parsing: .unconditional, help: "One beginning: what weights and the order of utterances follow from.")
  var seed: UInt64?

  @Option(parsing: .unconditional, help: "How often the training part is gone through; 30 when not given.")
  var epochs: Int?

  @Flag(help: "One beginning and ten epochs, when not given: a second.")
  var short = false

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard seed == nil || seeds == nil else { throw ValidationError("Expected --seed or --seeds, got both.") }
    if let seeds, !(1...100).contains(seeds) { throw ValidationError("Expected --seeds in 1...100, got \(seeds).") }
    if let epochs, epochs < 1 { throw ValidationError("Expected --epochs of 1 or more, got \(epochs).") }
  }

  func run() throws {
    threads.apply()
    let (training, test) = try Utterances.embedded()
    let model = SpeakerTrial.model(seed: 1)
    try model.build(inputShape: [nil, nil, Utterances.features])
    try Console.output(
      """
      \(model.summary())
      \(Self.text(training, "to learn from"))
      \(Self.text(test, "to be asked about"))


      """)
    var results: [SpeakerTrial.Result] = []
    for seed in seed.map({ [$0] }) ?? (1...(seeds ?? (short ? 1 : 5))).map({ UInt64($0) }) {
      let trial = SpeakerTrial(training: training, test: test, epochs: epochs ?? (short ? 10 : 30), seed: seed)
      let result = try trial.run()
      Console.error("seed \(seed): \(Self.percent(result.accuracy))")
      results.append(result)
    }
    try Console.output(SpeakerReport(results: results).text)
  }

  private static func text(_ part: Utterances, _ purpose: String) -> String {
    "\(part.count) utterances \(purpose), of \(part.lengths.min() ?? 0) to \(part.lengths.max() ?? 0) timesteps"
  }

  static func percent(_ share: Double) -> String { Console.decimal(100 * share, 2) + " %" }
}
