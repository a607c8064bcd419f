internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Computes a model's outputs for data from a file.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Computes the outputs of a model.")

  @OptionGroup var model: ModelArgument

  @Option(help: "The inputs, one to a row (.npy); - is standard input.", completion: .file(extensions: ["npy"]))
  var input: String

  @Option(
    help: "The file for the outputs, one to a row (.npy); - is standard output.",
    completion: .file(extensions: ["npy"]))
  var output: String

  @Option(help: "The number of valid timesteps of each row (.npy).", completion: .file(extensions: ["npy"]))
  var lengths: String?

  @Option(parsing: .unconditional, help: "The rows that are computed together.")
  var batchSize = 32

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    threads.apply()
    var roles = FileRoles()
    try roles.reads("MODEL", model.path)
    try roles.reads("--input", input)
    try roles.reads("--lengths", lengths)
    try roles.writes("--output", output)
    try OutputTarget.check(output)
    let loaded = try model.loadSaved()
    try loaded.requireOneInputAndOutput()
    let model = loaded.model
    let (x, lengths) = (try DataFile.read(input, for: model), try DataFile.readLengths(lengths))
    let origin = DataFile.origin(x: input, lengths: self.lengths)
    let outputs = try DataFile.naming(origin) { () throws(RecurraError) in
      try model.predict(x, lengths: lengths, batchSize: batchSize)
    }
    try OutputTarget.write(to: output) { (path, system) throws(RecurraError) in
      try outputs.writeNumPy(to: path, system: system)
    }
  }
}
