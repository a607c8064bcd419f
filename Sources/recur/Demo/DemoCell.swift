internal import ArgumentParser
internal import Recurra

/// The recurrent layers that the demonstrations compare.
enum DemoCell: String, CaseIterable {
  case rnn
  case lstm
  case gru
  case bilstm
  /// Two BiLSTMs, joined after every layer.
  case joined = "bilstm-joined"
  /// Two LSTMs each way, joined on top.
  case stacks = "bilstm-stacks"

  /// Those of the lesson's table.
  static let usual: [DemoCell] = [.rnn, .lstm, .gru, .bilstm]
  /// Both forms of a deep BiLSTM, beside the flat one.
  static let deep: [DemoCell] = [.bilstm, .joined, .stacks]

  /// Reads a list with commas.
  static func list(_ text: String) throws -> [DemoCell] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let cell = DemoCell(rawValue: String(name)) else {
        let known = allCases.map(\.rawValue).joined(separator: ",")
        throw ValidationError("Expected cells among \(known), got \(name.isEmpty ? "none" : name).")
      }
      return cell
    }
  }

  var title: String {
    switch self {
    case .rnn: "SimpleRNN"
    case .lstm: "LSTM"
    case .gru: "GRU"
    case .bilstm: "BiLSTM"
    case .joined: "BiLSTM, joined twice"
    case .stacks: "BiLSTM, two stacks"
    }
  }

  /// The recurrent layers of a model.
  ///
  /// - Parameters:
  ///   - units: those of each layer and direction.
  ///   - biasInitializer: how the biases of gates begin; as Keras' when left out.
  ///   - returnSequences: whether the last layer gives out every timestep.
  func layers(units: Int, biasInitializer: Initializer = .zeros, returnSequences: Bool = false) -> [any Layer] {
    func lstm(_ returnSequences: Bool) -> LSTM {
      LSTM(units: units, biasInitializer: biasInitializer, returnSequences: returnSequences)
    }
    switch self {
    case .rnn: return [SimpleRNN(units: units, returnSequences: returnSequences)]
    case .lstm: return [lstm(returnSequences)]
    case .gru: return [GRU(units: units, biasInitializer: biasInitializer, returnSequences: returnSequences)]
    case .bilstm: return [Bidirectional(lstm(returnSequences))]
    case .joined: return [Bidirectional(lstm(true)), Bidirectional(lstm(returnSequences))]
    case .stacks: return [Bidirectional([lstm(true), lstm(returnSequences)])]
    }
  }
}
