import RecurraTensor
import RecurraTraining

/// Where in a run a trainer is saved.
enum SavingPoint: Sendable {
  case epochBegin(Int)
  case batchEnd(epoch: Int, Int)
  case epochEnd(Int)
  case trainEnd

  /// A callback that saves there.
  func saving(_ body: @escaping (Trainer) throws(RecurraError) -> Void) -> LambdaCallback {
    var current = 0
    return LambdaCallback(
      onEpochBegin: { epoch, trainer throws(RecurraError) in
        current = epoch
        if case .epochBegin(epoch) = self { try body(trainer) }
      },
      onTrainBatchEnd: { batch, _, trainer throws(RecurraError) in
        if case .batchEnd(current, batch) = self { try body(trainer) }
      },
      onEpochEnd: { epoch, _, trainer throws(RecurraError) in
        if case .epochEnd(epoch) = self { try body(trainer) }
      },
      onTrainEnd: { _, trainer throws(RecurraError) in if case .trainEnd = self { try body(trainer) } })
  }
}
