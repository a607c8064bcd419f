internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Measures a model on data from files.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures the loss and the metrics of a model.",
    discussion: "Prints one JSON object, such as {\"accuracy\": 0.95}.")

  @OptionGroup var model: ModelArgument

  @Option(help: "The inputs, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var data: String

  @Option(help: "The targets, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var labels: String

  @Option(help: "The number of valid timesteps of each row (.npy).", completion: .file(extensions: ["npy"]))
  var lengths: String?

  @Option(help: "The rows that are computed together.")
  var batchSize = 32

  @Option(help: "The loss, in Keras' names; the one the model was trained with when not given.")
  var loss: String?

  @Option(help: "What the weights of a fresh model follow from.")
  var seed: UInt64 = 0

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    threads.apply()
    let (model, notes) = try model.load(seed: seed)
    let trained = notes["training"].flatMap { text in
      try? JSONValue(parsing: Array(text.utf8))["loss"].flatMap { if case .string(let name) = $0 { name } else { nil } }
    }
    let loss = try Loss(named: loss ?? trained ?? "sparse_categorical_crossentropy")
    let trainer = try model.compile(loss: loss, metrics: loss.usualMetrics)
    trainer.output = .standardError
    let logs = try trainer.evaluate(
      DataFile.read(data, for: model), DataFile.read(labels, for: model), lengths: DataFile.readLengths(lengths),
      batchSize: batchSize)
    let members = logs.map { (name: $0.0, value: JSONValue.number($0.1)) }
    try Console.output(String(decoding: JSONValue.object(members).encoded(pretty: true), as: UTF8.self) + "\n")
  }
}
