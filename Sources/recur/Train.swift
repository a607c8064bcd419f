internal import ArgumentParser
internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// Trains a model on data from files.
struct Train: TrainingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model and saves it.",
    discussion: """
      A saved model goes on where its training ended, with its loss and optimiser (--fresh begins anew from its \
      weights), and --save may name its own file. No other file that is read may be written. Control-C (and kill) ends \
      the run after the batch under way; the run is saved as it is then, to be gone on with, and the exit code is 130 \
      (143). Any error leaves the file of --save as it was. With --backup the same command goes on after any end of \
      the process.
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

  @Option(
    parsing: .unconditional,
    help: "What fresh weights, the order of rows and dropout follow from; 0, or the saved run's, when not given.")
  var seed: UInt64?

  @OptionGroup var learning: LearningOptions
  @OptionGroup var backup: BackupOptions
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
    threads.apply()
    try learning.check()
    let (files, heldOutFiles) = (try data.files(), try validation.files())
    try checkFiles(files, heldOutFiles)

    let loaded = try model.load(seed: seed ?? 0)
    if !loaded.isSaved { try checkThatDescriptionStays() }
    let model = loaded.model
    let trainer = try learning.trainer(of: loaded)
    trainer.output = .standardError
    let examples = try files.load(for: model)
    let heldOut = try heldOutFiles?.load(for: model)
    try loaded.build(for: examples.values.x, from: InputSource.name(of: examples.firstPath))
    if ModelFormats.isForeign(save, for: model) {
      try ModelFormats.check(ModelDescription(model: model, training: TrainingDescription(trainer)), for: save)
    }
    OutputWarning.all(of: model, losses: trainer.losses, targets: examples.values.y).forEach(Console.warning)

    let classWeights = try learning.weightsOfClasses()
    let stopper = stopping.callback(hasValidation: validation.isGiven)
    let result = try trainer.interruptible { (watch) throws(RecurraError) in
      try DataFile.naming(examples.origin, validation: heldOut?.origin) { () throws(RecurraError) in
        try trainer.fit(
          examples.values, classWeights: classWeights, batchSize: batchSize, blockSize: backup.blockSize,
          truncation: backup.truncation, recomputing: backup.recompute,
          epochs: epochs, validationSplit: validation.validationSplit,
          validationData: heldOut?.values, shuffle: !noShuffle,
          callbacks: [stopper as (any Callback)?, watch].compactMap { $0 }, backup: backup.directory, seed: seed)
      }
    }
    try write(trainer, result)
    if Interrupt.hasCome { throw Interrupt.exitCode }
  }

  /// Writes what the run has made.
  private func write(_ trainer: Trainer, _ result: History) throws {
    let optimizer = trainer.optimizer
    let training = HistoryFile.Training(
      loss: trainer.losses.names, optimizer: optimizer.name, learningRate: optimizer.learningRate, batchSize: batchSize,
      validationSplit: validation.validationSplit, shuffle: !noShuffle)
    try OutputTarget.write(to: save) { (path, system) throws(RecurraError) in
      guard ModelFormats.isForeign(save, for: trainer.model) else {
        return try trainer.write(to: path, notes: ["training": training.text], system: system)
      }
      var options = WritingOptions()
      options.system = system
      let description = ModelDescription(model: trainer.model, training: TrainingDescription(trainer))
      try ModelFormats.write(description, to: path, options)
    }
    if let history { try HistoryFile.write(result, training, to: history) }
  }

  /// Finds out before hours of training, not after them, whether what comes of it can be written.
  private func checkFiles(_ files: ExampleFiles, _ heldOut: ExampleFiles?) throws(RecurraError) {
    var roles = FileRoles()
    try model.register(&roles)
    try files.register(&roles)
    try heldOut?.register(&roles)
    try roles.writes("--save", save, mayReplace: "MODEL")
    try roles.writes("--history", history)
    try backup.register(&roles)
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
