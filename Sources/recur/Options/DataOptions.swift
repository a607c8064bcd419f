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

  /// Adds the files to those of the command.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    try roles.reads("--data", data)
    try roles.reads("--labels", labels)
    try roles.reads("--lengths", lengths)
  }

  func load(for model: Sequential) throws -> Examples {
    Examples(
      x: try DataFile.read(data, for: model), y: try DataFile.read(labels, for: model),
      lengths: try DataFile.readLengths(lengths), origin: DataFile.origin(x: data, y: labels, lengths: lengths))
  }
}

/// Inputs and targets, and the files they came from.
struct Examples {
  let x: Tensor
  let y: Tensor
  let lengths: [Int]?
  /// Names the files in errors: "x from a.npy, y from b.npy".
  let origin: String
}
