internal import ArgumentParser
internal import Recurra

/// The examples that a subcommand trains or measures with.
struct DataOptions: ParsableArguments {
  @Option(
    help: "The inputs, one to a row (.npy); - is standard input. Of several inputs NAME=FILE, once for each.",
    completion: .file(extensions: ["npy"]))
  var data: [String]

  @Option(
    help: "The targets, one to a row (.npy). Of several outputs NAME=FILE, once for each.",
    completion: .file(extensions: ["npy"]))
  var labels: [String]

  @Option(
    help: "The number of valid timesteps of each row (.npy); NAME=FILE for one of several inputs.",
    completion: .file(extensions: ["npy"]))
  var lengths: [String] = []

  @Option(
    help: """
      Which timesteps of each row count, 1 or 0 for each (.npy), with the meaning of Keras' masks; NAME=FILE for one \
      of several inputs.
      """,
    completion: .file(extensions: ["npy"]))
  var mask: [String] = []

  @Option(
    help: "How much each row, or each timestep of a row, counts (.npy); NAME=FILE for one of several outputs.",
    completion: .file(extensions: ["npy"]))
  var sampleWeights: [String] = []

  /// The files.
  func files() throws(RecurraError) -> ExampleFiles {
    try ExampleFiles("--", data: data, labels: labels, lengths: lengths, masks: mask, sampleWeights: sampleWeights)
  }
}
