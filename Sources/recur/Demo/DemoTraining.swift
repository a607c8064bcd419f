internal import Recurra

/// How the demonstration trains one cell.
struct DemoTraining {
  static let validationSplit = 0.3
  private static let learningRate = 3e-3
  private static let batchSize = 64

  let cell: DemoCell
  let epochs: Int
  let seed: UInt64

  /// The lesson's program around the cell.
  private var model: Sequential {
    Sequential(seed: seed) {
      Embedding(inputDim: SyllableWords.vocabulary, outputDim: 60, maskZero: true)
      cell.layers(units: 100)
      Dense(units: 10, activation: .relu)
      Dense(units: SyllableWords.classes, activation: .softmax)
    }
  }

  func run(on data: SyllableWords) throws -> DemoRun {
    let model = model
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
    trainer.output = .standardError
    try model.build(inputShape: [nil, SyllableWords.timesteps])
    try Console.output("\(cell.title)\n\(model.summary())\n")
    let stopwatch = Stopwatch()
    // A step that gets smaller gives every cell its last percent.
    let schedule = LearningRateScheduler { epoch, _ in Self.learningRate * (1 - Double(epoch) / Double(epochs)) }
    let history = try trainer.interruptible { (watch) throws(RecurraError) in
      try trainer.fit(
        data.letters, data.labels, batchSize: Self.batchSize, epochs: epochs, validationSplit: Self.validationSplit,
        callbacks: [schedule, stopwatch, watch], seed: seed)
    }
    let run = DemoRun(
      cell: cell, model: model, history: history, secondsPerEpoch: stopwatch.secondsPerEpoch,
      sequencesPerSecond: stopwatch.batchesPerSecond * Double(Self.batchSize))
    try Console.output(run.historyText + "\n")
    return run
  }
}
