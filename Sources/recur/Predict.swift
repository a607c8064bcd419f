internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Computes a model's outputs for data from a file.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Computes the outputs of a model.")

  @OptionGroup var model: ModelArgument

  @Option(help: "The inputs, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var input: String

  @Option(help: "The file for the outputs, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var output: String

  @Option(help: "The number of valid timesteps of each row (.npy).", completion: .file(extensions: ["npy"]))
  var lengths: String?

  @Option(help: "The rows that are computed together.")
  var batchSize = 32

  @Option(help: "What the weights of a fresh model follow from.")
  var seed: UInt64 = 0

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    threads.apply()
    let model = try model.load(seed: seed).model
    let outputs = try model.predict(
      DataFile.read(input, for: model), lengths: DataFile.readLengths(lengths), batchSize: batchSize)
    try outputs.writeNumPy(to: output)
  }
}
