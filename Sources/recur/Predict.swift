internal import ArgumentParser
internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// Computes a model's outputs for data from a file.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Computes the outputs of a model.")

  @OptionGroup var model: ModelArgument

  @Option(
    help: "The inputs, one to a row (.npy); - is standard input. Of several inputs NAME=FILE, once for each.",
    completion: .file(extensions: ["npy"]))
  var input: [String]

  @Option(
    help: """
      The file for the outputs, one to a row (.npy); - is standard output. Of several outputs NAME=FILE, once for each.
      """,
    completion: .file(extensions: ["npy"]))
  var output: [String]

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

  @Option(parsing: .unconditional, help: "The rows that are computed together.")
  var batchSize = 32

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    threads.apply()
    var roles = FileRoles()
    try model.register(&roles)
    let inputs = try NamedOption("--input", input, isNamed: input.count > 1)
    let lengths = try NamedOption("--lengths", lengths, isNamed: input.count > 1)
    let masks = try NamedOption("--mask", mask, isNamed: input.count > 1)
    let targets = try NamedOption("--output", output, isNamed: output.count > 1)
    for files in [inputs, lengths, masks] { for path in files.texts { try roles.reads(files.option, path) } }
    for path in targets.texts {
      try roles.writes("--output", path)
      try OutputTarget.check(path)
    }
    let loaded: LoadedModel
    switch try model.loadForPrediction() {
    case .model(let model): loaded = model
    case .graph(let graph, _):
      guard lengths.texts.isEmpty, masks.texts.isEmpty else {
        throw RecurraError(
          .badArgument, operation: "predict", expected: "the graph's own inputs alone",
          got: lengths.texts.isEmpty ? "--mask" : "--lengths")
      }
      return try ArrayPrediction(graph: graph).run(inputs, targets)
    }
    let paths = try targets.texts(for: loaded.model.outputNames, "outputs", isComplete: true)
    let x = try DataFile.inputs(inputs, lengths: lengths, masks: masks, for: loaded.model)
    let outputs = try DataFile.naming(x.origin) { () throws(RecurraError) in
      try loaded.model.predict(x.values, masks: x.masks, batchSize: batchSize)
    }
    for case (let target?, let output) in zip(paths, outputs) {
      try OutputTarget.write(to: target) { (path, system) throws(RecurraError) in
        try output.writeNumPy(to: path, system: system)
      }
    }
  }
}
