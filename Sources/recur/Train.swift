internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Trains a model on data from files.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model and saves it.",
    discussion: """
      Control-C ends the run after the batch under way; the model is saved as it is then, and the exit code is 130. Any error \
      leaves the file of --save as it was.
      """)

  @OptionGroup var model: ModelArgument

  @Option(help: "The inputs, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var data: String

  @Option(help: "The targets, one to a row (.npy).", completion: .file(extensions: ["npy"]))
  var labels: String

  @Option(help: "The number of valid timesteps of each row (.npy).", completion: .file(extensions: ["npy"]))
  var lengths: String?

  @Option(help: "How often all rows are gone through.")
  var epochs = 1

  @Option(help: "The rows between two updates of the weights.")
  var batchSize = 32

  @Option(help: "The share of the rows, the last ones, that is kept back for validation.")
  var validationSplit = 0.0

  @Flag(help: "Goes through the rows in the order of the file.")
  var noShuffle = false

  @Option(help: "What fresh weights, the order of rows and dropout follow from.")
  var seed: UInt64 = 0

  @Option(help: "What training makes small, in Keras' names.")
  var loss = "sparse_categorical_crossentropy"

  @Option(help: "How gradients change weights: sgd, rmsprop, adam, adamw or adagrad.")
  var optimizer = "adam"

  @Option(help: "How far a step goes; the optimiser's own default when not given.")
  var learningRate: Double?

  @OptionGroup var threads: ThreadOptions

  @Option(help: "A file for the numbers of every epoch (JSON).", completion: .file(extensions: ["json"]))
  var history: String?

  @Option(help: "The file for the trained model.", completion: .file(extensions: ["safetensors"]))
  var save: String

  func validate() throws {
    guard epochs >= 1 else { throw ValidationError("Expected --epochs of 1 or more, got \(epochs).") }
    guard batchSize >= 1 else { throw ValidationError("Expected --batch-size of 1 or more, got \(batchSize).") }
    guard validationSplit >= 0, validationSplit < 1 else {
      throw ValidationError("Expected --validation-split of 0 or more and below 1, got \(validationSplit).")
    }
  }

  func run() throws {
    threads.apply()
    let loss = try Loss(named: loss)
    var optimizer = try Optimizer(named: optimizer)
    if let learningRate { optimizer.learningRate = learningRate }
    // Before hours of training, not after them.
    for path in [save, history].compactMap({ $0 }) { try AtomicFile.check(path) }

    let model = try model.load(seed: seed).model
    let trainer = try model.compile(loss: loss, optimizer: optimizer, metrics: loss.usualMetrics)
    trainer.output = .standardError
    let x = try DataFile.read(data, for: model)
    let y = try DataFile.read(labels, for: model)
    let lengths = try DataFile.readLengths(lengths)
    let result = try trainer.interruptible { (watch) throws(RecurraError) in
      try trainer.fit(
        x, y, lengths: lengths, batchSize: batchSize, epochs: epochs, validationSplit: validationSplit,
        shuffle: !noShuffle,
        callbacks: [watch], seed: seed)
    }
    let training = HistoryFile.Training(
      loss: loss.name, optimizer: optimizer.name, learningRate: optimizer.learningRate, batchSize: batchSize,
      validationSplit: validationSplit, shuffle: !noShuffle)
    try model.save(to: save, notes: ["training": training.text])
    if let history { try HistoryFile.write(result, training, to: history) }
    if Interrupt.hasCome { throw Interrupt.exitCode }
  }
}

extension Loss {
  /// What tells people most beside the loss: the share of right answers where there are right answers.
  var usualMetrics: [Metric] { name.hasSuffix("crossentropy") ? [.accuracy] : [.meanAbsoluteError] }
}
