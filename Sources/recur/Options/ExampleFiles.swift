internal import Recurra
internal import RecurraFormats

/// The files of examples: inputs and targets, with lengths and masks of inputs and weights of targets where there are
/// any.
struct ExampleFiles {
  private let inputs: NamedOption
  private let targets: NamedOption
  private let lengths: NamedOption
  private let masks: NamedOption
  private let sampleWeights: NamedOption

  /// - Parameter prefix: What the names of the options begin with: "--".
  init(
    _ prefix: String, data: [String], labels: [String], lengths: [String], masks: [String],
    sampleWeights: [String] = []
  ) throws(RecurraError) {
    inputs = try NamedOption("\(prefix)data", data, isNamed: data.count > 1)
    targets = try NamedOption("\(prefix)labels", labels, isNamed: labels.count > 1)
    self.lengths = try NamedOption("\(prefix)lengths", lengths, isNamed: data.count > 1)
    self.masks = try NamedOption("\(prefix)mask", masks, isNamed: data.count > 1)
    self.sampleWeights = try NamedOption("\(prefix)sample-weights", sampleWeights, isNamed: labels.count > 1)
  }

  /// Adds the files to those of the command.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    for files in [inputs, targets, lengths, masks, sampleWeights] {
      for path in files.texts { try roles.reads(files.option, path) }
    }
  }

  func load(for model: any Network) throws -> LoadedExamples {
    let x = try DataFile.inputs(inputs, lengths: lengths, masks: masks, for: model)
    let names = model.outputNames
    let labels = try targets.texts(for: names, "outputs", isComplete: true).compactMap { $0 }
    let weights = try sampleWeights.texts(for: names, "outputs", isComplete: false)
    let batchAxis = model.batchAxes.output
    let values = Examples(
      x.values, try labels.map { try DataFile.read($0, for: model).exchanged(batchAxis: batchAxis) }, masks: x.masks,
      sampleWeights: try weights.map { path in try path.map { try DataFile.read($0, for: model) } })
    return LoadedExamples(
      values: values,
      origin: [x.origin, DataFile.origin("y", labels, names), DataFile.origin("sample weights", weights, names)]
        .filter { !$0.isEmpty }.joined(separator: ", "), firstPath: x.firstPath)
  }
}

/// Inputs and targets, and the files they came from.
struct LoadedExamples {
  let values: Examples
  /// Names the files in errors: "x from a.npy, y from b.npy".
  let origin: String
  /// The file of the first input.
  let firstPath: String
}
