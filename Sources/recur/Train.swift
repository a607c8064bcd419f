internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Trains a model on data from files.
struct Train: TrainingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model and saves it.",
    discussion: """
      A saved model is trained on from its weights, and --save may name its own file. No other file that is read may be \
      written. Control-C (and kill) ends the run after the batch under way; the model is saved as it is then, and the exit \
      code is 130 (143). Any error leaves the file of --save as it was.
      """)

  @OptionGroup var model: ModelArgument
  @OptionGroup var data: DataOptions

  @Option(parsing: .unconditional, help: "How often all rows are gone through.")
  var epochs = 1

  @Option(parsing: .unconditional, help: "The rows between two updates of the weights.")
  var batchSize = 32

  @OptionGroup var validation: ValidationOptions
  @OptionGroup var stopping: StoppingOptions

  @Flag(help: "Goes through the rows in the order of the file.")
  var noShuffle = false

  @Option(parsing: .unconditional, help: "What fresh weights, the order of rows and dropout follow from.")
  var seed: UInt64 = 0

  @OptionGroup var learning: LearningOptions
  @OptionGroup var threads: ThreadOptions

  @Option(help: "A file for the numbers of every epoch (JSON).", completion: .file(extensions: ["json"]))
  var history: String?

  @Option(help: "The file for the trained model; - is standard output.", completion: .file(extensions: ["safetensors"]))
  var save: String

  func validate() throws {
    guard epochs >= 1 else { throw ValidationError("Expected --epochs of 1 or more, got \(epochs).") }
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
  }

  func run() throws {
    try threads.apply()
    let loss = try Loss(named: learning.loss)
    let optimizer = try learning.chosenOptimizer()
    try checkFiles()

    let loaded = try model.load(seed: seed)
    if !loaded.isSaved { try checkThatDescriptionStays() }
    let model = loaded.model
    let trainer = try model.compile(loss: loss, optimizer: optimizer, metrics: loss.usualMetrics)
    trainer.output = .standardError
    let examples = try data.load(for: model)
    let heldOut = try validation.load(for: model)
    try loaded.build(for: examples.x, from: InputSource.name(of: data.data))
    OutputWarning.all(of: model, loss: loss, targets: examples.y).forEach(Console.warning)

    let stopper = stopping.callback(hasValidation: validation.isGiven)
    let result = try trainer.interruptible { (watch) throws(RecurraError) in
      try DataFile.naming(examples.origin, validation: heldOut?.origin) { () throws(RecurraError) in
        try trainer.fit(
          examples.x, examples.y, lengths: examples.lengths, batchSize: batchSize, epochs: epochs,
          validationSplit: validation.validationSplit,
          validationData: heldOut.map { ($0.x, $0.y, $0.lengths) }, shuffle: !noShuffle,
          callbacks: [stopper as (any Callback)?, watch].compactMap { $0 }, seed: seed)
      }
    }
    // An interrupted run ends without the end that gives the best weights back.
    if Interrupt.hasCome { stopper?.onTrainEnd(Logs(), trainer) }
    try model.checkFiniteWeights("train")
    let training = HistoryFile.Training(
      loss: loss.name, optimizer: optimizer.name, learningRate: optimizer.learningRate, batchSize: batchSize,
      validationSplit: validation.validationSplit, shuffle: !noShuffle)
    try OutputTarget.write(to: save) { (path, system) throws(RecurraError) in
      try model.save(to: path, notes: ["training": training.text], system: system)
    }
    if let history { try HistoryFile.write(result, training, to: history) }
    if Interrupt.hasCome { throw Interrupt.exitCode }
  }

  /// Finds out before hours of training, not after them, whether what comes of it can be written.
  private func checkFiles() throws(RecurraError) {
    var roles = FileRoles()
    try roles.reads("MODEL", model.path)
    try data.register(&roles)
    try validation.register(&roles)
    try roles.writes("--save", save, mayReplace: "MODEL")
    try roles.writes("--history", history)
    for path in [save, history] { try OutputTarget.check(path) }
  }

  /// A saved model takes the place of the one it came from; a description is no model, and would be lost.
  private func checkThatDescriptionStays() throws(RecurraError) {
    var roles = FileRoles()
    try roles.reads("MODEL", model.path)
    try roles.writes("--save", save)
  }
}

extension Loss {
  /// What tells people most beside the loss: the share of right answers where there are right answers.
  var usualMetrics: [Metric] { name.hasSuffix("crossentropy") ? [.accuracy] : [.meanAbsoluteError] }
}

extension Sequential {
  /// Refuses weights that make every answer NaN: the last update is one that no loss has been computed after.
  func checkFiniteWeights(_ operation: String) throws(RecurraError) {
    for (path, parameter) in namedParameters {
      let numbers = parameter.value.converted(to: .float64).scalars(as: Double.self)
      guard let stray = numbers.first(where: { !$0.isFinite }) else { continue }
      throw RecurraError(
        .notFinite, operation: operation, expected: "finite weights at the end", got: "\(stray) in \(path)")
    }
  }
}
