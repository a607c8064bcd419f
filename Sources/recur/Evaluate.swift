internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Measures a model on data from files.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures the loss and the metrics of a model.",
    discussion: "Prints one JSON object, such as {\"accuracy\": 0.95}; null stands for a number that is not finite.")

  @OptionGroup var model: ModelArgument

  @OptionGroup var data: DataOptions

  @Option(parsing: .unconditional, help: "The rows that are computed together.")
  var batchSize = 32

  @Option(
    help: """
      The loss, in Keras' names; of several outputs NAME=LOSS, once for each; what the model was trained with when not \
      given.
      """)
  var loss: [String] = []

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    threads.apply()
    var roles = FileRoles()
    try model.register(&roles)
    let files = try data.files()
    try files.register(&roles)
    let loaded = try model.loadSaved()
    let trainer = try trainer(of: loaded)
    trainer.output = .standardError
    let examples = try files.load(for: loaded.model)
    OutputWarning.all(of: loaded.model, losses: trainer.losses, targets: examples.values.y).forEach(Console.warning)
    let logs = try DataFile.naming(examples.origin) { () throws(RecurraError) in
      try trainer.evaluate(examples.values, batchSize: batchSize)
    }
    let members = logs.map { (name: $0.0, value: JSONValue.measured($0.1)) }
    try Console.output(String(decoding: JSONValue.object(members).encoded(pretty: true), as: UTF8.self) + "\n")
  }

  /// The trainer that saved the model, or one with the loss that is asked for.
  private func trainer(of loaded: LoadedModel) throws(RecurraError) -> Trainer {
    if loss.isEmpty, let trainer = try loaded.savedTrainer() { return trainer }
    let chosen = try Loss.chosen(loss, for: loaded.model)
    return try loaded.model.compile(loss: chosen, metrics: chosen.map(\.usualMetrics))
  }
}
