internal import Recurra

/// One model that learns from the training part who is speaking: what it says of the test part, which it has not heard.
struct SpeakerTrial {
  private static let units = 100
  private static let learningRate = 3e-3

  let training: Utterances
  let test: Utterances
  let epochs: Int
  let seed: UInt64

  struct Result {
    let seed: UInt64
    /// How often each speaker of the test part was taken for each.
    let matrix: ConfusionMatrix
    /// The loss of the last epoch on the training part.
    let loss: Double
    let seconds: Double

    var accuracy: Double { matrix.accuracy }
  }

  static func model(seed: UInt64) -> Sequential {
    Sequential(seed: seed) {
      Bidirectional(LSTM(units: units))
      Dense(units: Utterances.speakers, activation: .softmax)
    }
  }

  /// - Complexity: 2.3 GFlop forward and twice as many back for each epoch.
  func run() throws(RecurraError) -> Result {
    let start = ContinuousClock.now
    // Fitted on the training part alone: what it knew of the other would flatter the test.
    let normalizer = try Normalizer.standard(fitting: training.steps, lengths: training.lengths)
    let model = Self.model(seed: seed)
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: Self.learningRate))
    // A step that gets smaller makes the beginnings differ less.
    let schedule = LearningRateScheduler { epoch, _ in Self.learningRate * (1 - Double(epoch) / Double(epochs)) }
    let history = try trainer.fit(
      normalizer.normalized(training.steps, lengths: training.lengths), training.labels, lengths: training.lengths,
      batchSize: 32, epochs: epochs, callbacks: [schedule], verbose: .silent, seed: seed)
    let answers = try model.predict(
      normalizer.normalized(test.steps, lengths: test.lengths), lengths: test.lengths, batchSize: test.count)
    var matrix = ConfusionMatrix(numClasses: Utterances.speakers)
    try matrix.add(test.labels, answers)
    return Result(
      seed: seed, matrix: matrix, loss: history["loss"]?.last ?? .nan,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }
}
