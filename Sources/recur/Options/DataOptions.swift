internal import ArgumentParser
internal import Recurra

/// The examples that a subcommand trains or measures with.
struct DataOptions: ParsableArguments {
  @Option(help: "The inputs, one to a row (.npy); - is standard input.", completion: .file(extensions: ["npy"]))
  var data: String

  @Option(help: "The targets, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var labels: String

  @Option(help: "The number of valid timesteps of each row (.npy).", completion: .file(extensions: ["npy"]))
  var lengths: String?

  @Option(
    help: "How much each row, or each timestep of a row, counts (.npy).", completion: .file(extensions: ["npy"]))
  var sampleWeights: String?

  /// Adds the files to those of the command.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    try roles.reads("--data", data)
    try roles.reads("--labels", labels)
    try roles.reads("--lengths", lengths)
    try roles.reads("--sample-weights", sampleWeights)
  }

  func load(for model: any Network) throws -> LoadedExamples {
    LoadedExamples(
      values: Examples(
        try DataFile.read(data, for: model), try DataFile.read(labels, for: model),
        lengths: try DataFile.readLengths(lengths),
        sampleWeights: try sampleWeights.map { try DataFile.read($0, for: model) }),
      origin: DataFile.origin(x: data, y: labels, lengths: lengths, sampleWeights: sampleWeights))
  }
}

/// Inputs and targets, and the files they came from.
struct LoadedExamples {
  let values: Examples
  /// Names the files in errors: "x from a.npy, y from b.npy".
  let origin: String
}
