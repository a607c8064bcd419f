import Recurra
import RecurraLayers
import RecurraTensor

extension Case {
  /// Prepares layers one above the other, which a model may run at the same time, and returns the work of one run.
  func prepareStack(_ x: Tensor) -> () -> Void {
    let model = Sequential((0..<layers).map { _ in isBidirectional ? Bidirectional(layer) : layer as any Layer })
    return { _ = orExit { () throws(RecurraError) in try model(x) } }
  }

  private var layer: any RecurrentLayer {
    switch cell {
    case .rnn: SimpleRNN(units: units, activation: activation, returnSequences: true)
    case .lstm:
      LSTM(
        units: units, activation: activation, recurrentActivation: recurrentActivation, returnSequences: true)
    case .gru:
      GRU(
        units: units, activation: activation, recurrentActivation: recurrentActivation, returnSequences: true,
        resetAfter: !resetsBefore)
    }
  }
}
