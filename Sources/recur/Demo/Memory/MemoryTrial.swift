internal import Recurra

/// One model trained on one task: how often it is right about sentences that it has not seen.
struct MemoryTrial {
  private static let trainingSentences = 4_000
  private static let testSentences = 1_000
  private static let epochs = 8

  let cell: DemoCell
  let task: MemoryTask
  let seed: UInt64
  /// Tells whether gates begin as Keras' do, the forget gate's bias at 1, or by chrono initialisation.
  var hasPlainBias = false

  struct Result {
    let model: Sequential
    let accuracy: Double
  }

  /// The model as it is before training. Its answer is that of the last timestep, or of every timestep where the cue
  /// stands behind the question.
  func model() -> Sequential {
    let bias = hasPlainBias || cell == .rnn ? Initializer.zeros : .chrono(steps: max(3, task.timesteps))
    return Sequential(seed: seed) {
      Embedding(
        inputDim: MemoryTask.words, outputDim: 32,
        // Words as far apart as trained ones are, or as near to each other as they begin in Keras.
        embeddingsInitializer: task.wordsAreAlike ? .randomUniform() : .randomNormal(standardDeviation: 1))
      cell.layers(units: 64, biasInitializer: bias, returnSequences: task.cueIsLast)
      Dense(units: MemoryTask.cues, activation: .softmax)
    }
  }

  func run() throws -> Result {
    let model = model()
    let (x, cues) = task.sentences(Self.trainingSentences, seed: 2 * seed)
    // Only the question's own timestep has an answer.
    let loss: Loss = task.cueIsLast ? .sparseCategoricalCrossEntropy(ignoreClass: -1) : .sparseCategoricalCrossEntropy
    let trainer = try model.compile(
      loss: loss, optimizer: .adam(learningRate: 0.003, clipping: .globalNorm(1)), metrics: [])
    try trainer.fit(
      x, task.cueIsLast ? task.labels(cues) : cues, batchSize: 64, epochs: Self.epochs,
      callbacks: [StopsWhenLearnt()], verbose: .silent, seed: seed)
    let (test, wanted) = task.sentences(Self.testSentences, seed: 2 * seed + 1)
    let answers = try model.predict(test, batchSize: 250)
    let step = task.answerStep
    let read = task.cueIsLast ? answers.sliced(step..<step + 1, axis: 1).squeezed(1) : answers
    let best = read.argMax()
    let right = zip(best.scalars(as: Int32.self), wanted.scalars(as: Int32.self)).count { $0 == $1 }
    return Result(model: model, accuracy: Double(right) / Double(Self.testSentences))
  }
}

/// Ends training when nothing is left to learn.
private final class StopsWhenLearnt: Callback {
  func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    if let loss = logs["loss"], loss < 0.01 { trainer.stopTraining() }
  }
}
