internal import Recurra

/// The recurrent layers whose memories are compared.
enum MemoryCell: String, CaseIterable {
  case rnn
  case lstm
  case gru
  case bilstm

  var title: String {
    switch self {
    case .rnn: "SimpleRNN"
    case .lstm: "LSTM"
    case .gru: "GRU"
    case .bilstm: "BiLSTM"
    }
  }

  private static let units = 64

  /// A model that reads a task's sentences. Its answer is that of the last timestep, or of every timestep where the cue
  /// stands behind the question.
  ///
  /// - Parameter biasInitializer: how gates begin; as Keras when left out.
  func model(for task: MemoryTask, biasInitializer: Initializer?, seed: UInt64) -> Sequential {
    let (units, sequences) = (Self.units, task.cueIsLast)
    let bias = biasInitializer ?? .zeros
    return Sequential(seed: seed) {
      Embedding(
        inputDim: MemoryTask.words, outputDim: 32,
        // Words as far apart as trained ones are, or as near to each other as they begin in Keras.
        embeddingsInitializer: task.wordsAreAlike ? .randomUniform() : .randomNormal(standardDeviation: 1))
      switch self {
      case .rnn: SimpleRNN(units: units, returnSequences: sequences)
      case .lstm: LSTM(units: units, biasInitializer: bias, returnSequences: sequences)
      case .gru: GRU(units: units, biasInitializer: bias, returnSequences: sequences)
      case .bilstm: Bidirectional(LSTM(units: units, biasInitializer: bias, returnSequences: sequences))
      }
      Dense(units: MemoryTask.cues, activation: .softmax)
    }
  }
}
