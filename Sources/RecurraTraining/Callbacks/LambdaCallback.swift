public import RecurraTensor

/// Calls functions of one's own, for small things that need no class.
///
/// Functions cannot be written to a file: who continues a run from one gives the same callbacks again.
public final class LambdaCallback: Callback {
  private let trainBegin: ((Trainer) throws(RecurraError) -> Void)?
  private let epochBegin: ((Int, Trainer) throws(RecurraError) -> Void)?
  private let trainBatchBegin: ((Int, Trainer) throws(RecurraError) -> Void)?
  private let trainBatchEnd: ((Int, Logs, Trainer) throws(RecurraError) -> Void)?
  private let epochEnd: ((Int, inout Logs, Trainer) throws(RecurraError) -> Void)?
  private let trainEnd: ((Logs, Trainer) throws(RecurraError) -> Void)?

  /// Makes a callback; what is left out does nothing.
  public init(
    onTrainBegin: ((Trainer) throws(RecurraError) -> Void)? = nil,
    onEpochBegin: ((Int, Trainer) throws(RecurraError) -> Void)? = nil,
    onTrainBatchBegin: ((Int, Trainer) throws(RecurraError) -> Void)? = nil,
    onTrainBatchEnd: ((Int, Logs, Trainer) throws(RecurraError) -> Void)? = nil,
    onEpochEnd: ((Int, inout Logs, Trainer) throws(RecurraError) -> Void)? = nil,
    onTrainEnd: ((Logs, Trainer) throws(RecurraError) -> Void)? = nil
  ) {
    trainBegin = onTrainBegin
    epochBegin = onEpochBegin
    trainBatchBegin = onTrainBatchBegin
    trainBatchEnd = onTrainBatchEnd
    epochEnd = onEpochEnd
    trainEnd = onTrainEnd
  }

  /// Calls the function given for it.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) { try trainBegin?(trainer) }
  /// Calls the function given for it.
  public func onEpochBegin(_ epoch: Int, _ trainer: Trainer) throws(RecurraError) { try epochBegin?(epoch, trainer) }
  /// Calls the function given for it.
  public func onTrainBatchBegin(_ batch: Int, _ trainer: Trainer) throws(RecurraError) {
    try trainBatchBegin?(batch, trainer)
  }
  /// Calls the function given for it.
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError) {
    try trainBatchEnd?(batch, logs, trainer)
  }
  /// Calls the function given for it.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) throws(RecurraError) {
    try epochEnd?(epoch, &logs, trainer)
  }
  /// Calls the function given for it.
  public func onTrainEnd(_ logs: Logs, _ trainer: Trainer) throws(RecurraError) { try trainEnd?(logs, trainer) }
}
