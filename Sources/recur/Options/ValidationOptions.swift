internal import ArgumentParser
internal import Recurra

/// What a run is validated with after every epoch.
struct ValidationOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "The share of the rows, the last ones, that is kept back for validation.")
  var validationSplit = 0.0

  @Option(
    help: "Inputs to validate with, instead of a split (.npy); names as of --data.",
    completion: .file(extensions: ["npy"]))
  var validationData: [String] = []

  @Option(help: "The targets of --validation-data (.npy).", completion: .file(extensions: ["npy"]))
  var validationLabels: [String] = []

  @Option(
    help: "The number of valid timesteps of each row of --validation-data (.npy).",
    completion: .file(extensions: ["npy"]))
  var validationLengths: [String] = []

  @Option(
    help: "Which timesteps of each row of --validation-data count, 1 or 0 for each (.npy), as Keras' masks.",
    completion: .file(extensions: ["npy"]))
  var validationMask: [String] = []

  /// Tells whether anything is validated.
  var isGiven: Bool { validationSplit > 0 || !validationData.isEmpty }

  func validate() throws {
    guard validationSplit >= 0, validationSplit < 1 else {
      throw ValidationError("Expected --validation-split of 0 or more and below 1, got \(validationSplit).")
    }
    guard validationData.isEmpty == validationLabels.isEmpty else {
      throw ValidationError("Expected --validation-data and --validation-labels together, got one of them.")
    }
    guard !validationData.isEmpty || validationLengths.isEmpty else {
      throw ValidationError("Expected --validation-lengths beside --validation-data, got it alone.")
    }
    guard !validationData.isEmpty || validationMask.isEmpty else {
      throw ValidationError("Expected --validation-mask beside --validation-data, got it alone.")
    }
    guard validationData.isEmpty || validationSplit == 0 else {
      throw ValidationError("Expected --validation-split or --validation-data, got both.")
    }
  }

  /// The files; nil where there are none.
  func files() throws(RecurraError) -> ExampleFiles? {
    if validationData.isEmpty { return nil }
    return try ExampleFiles(
      "--validation-", data: validationData, labels: validationLabels, lengths: validationLengths,
      masks: validationMask)
  }
}
