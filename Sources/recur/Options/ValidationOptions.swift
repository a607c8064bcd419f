internal import ArgumentParser
internal import Recurra

/// What a run is validated with after every epoch.
struct ValidationOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "The share of the rows, the last ones, that is kept back for validation.")
  var validationSplit = 0.0

  @Option(help: "Inputs to validate with, instead of a split (.npy).", completion: .file(extensions: ["npy"]))
  var validationData: String?

  @Option(help: "The targets of --validation-data (.npy).", completion: .file(extensions: ["npy"]))
  var validationLabels: String?

  @Option(
    help: "The number of valid timesteps of each row of --validation-data (.npy).",
    completion: .file(extensions: ["npy"]))
  var validationLengths: String?

  /// Tells whether anything is validated.
  var isGiven: Bool { validationSplit > 0 || validationData != nil }

  func validate() throws {
    guard validationSplit >= 0, validationSplit < 1 else {
      throw ValidationError("Expected --validation-split of 0 or more and below 1, got \(validationSplit).")
    }
    guard (validationData == nil) == (validationLabels == nil) else {
      throw ValidationError("Expected --validation-data and --validation-labels together, got one of them.")
    }
    guard validationData != nil || validationLengths == nil else {
      throw ValidationError("Expected --validation-lengths beside --validation-data, got it alone.")
    }
    guard validationData == nil || validationSplit == 0 else {
      throw ValidationError("Expected --validation-split or --validation-data, got both.")
    }
  }

  /// Adds the files to those of the command.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    try roles.reads("--validation-data", validationData)
    try roles.reads("--validation-labels", validationLabels)
    try roles.reads("--validation-lengths", validationLengths)
  }

  func load(for model: any Network) throws -> LoadedExamples? {
    guard let data = validationData, let labels = validationLabels else { return nil }
    return LoadedExamples(
      values: Examples(
        try DataFile.read(data, for: model), try DataFile.read(labels, for: model),
        lengths: try DataFile.readLengths(validationLengths)),
      origin: DataFile.origin(x: data, y: labels, lengths: validationLengths))
  }
}
