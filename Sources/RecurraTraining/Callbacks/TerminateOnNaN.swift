public import RecurraLayers
public import RecurraTensor

/// Stops training after a batch or epoch of which a number, metrics and validation included, is NaN or infinite.
///
/// The loss of a batch that is not finite ends `fit` with an error in any case; this looks at what else is measured.
public final class TerminateOnNaN: RestorableCallback {
  /// Keras' name of the class.
  public static let typeName = "TerminateOnNaN"

  /// Makes the callback.
  public init() {}

  /// Makes the callback, which has no settings.
  public init(configuration: LayerArguments) throws(RecurraError) {}

  /// Looks at the means since the epoch began.
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) {
    guard let (name, value) = logs.first(where: { !$0.1.isFinite }) else { return }
    trainer.output.write("\nBatch \(batch + 1): \(name) is \(value), terminating training.\n")
    trainer.stopTraining()
  }

  /// Looks at the epoch's numbers.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    guard let (name, value) = logs.first(where: { !$0.1.isFinite }) else { return }
    trainer.output.write("\nEpoch \(epoch + 1): \(name) is \(value), terminating training.\n")
    trainer.stopTraining()
  }
}
