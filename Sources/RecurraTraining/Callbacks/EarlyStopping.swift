public import RecurraTensor

/// Says which direction of a monitored number is better.
public enum MonitorMode: String, Sendable {
  /// Larger for names that contain "acc" or "auc", smaller for all others.
  case auto
  /// Smaller is better.
  case min
  /// Larger is better.
  case max
}

/// Watches one number of the logs and tells improvements from noise.
struct Monitor {
  let name: String
  private let isLargerBetter: Bool
  private let minDelta: Double

  init(_ name: String, mode: MonitorMode, minDelta: Double) {
    self.name = name
    isLargerBetter = mode == .auto ? name.contains("acc") || name.contains("auc") : mode == .max
    self.minDelta = minDelta.magnitude
  }

  /// Tells whether a number is better than a reference by more than the least change that counts.
  func isImprovement(_ value: Double, over reference: Double?) -> Bool {
    guard let reference else { return true }
    return isLargerBetter ? value - minDelta > reference : value + minDelta < reference
  }

  /// Refuses a name that the run will never log, before anything is trained.
  func validate(among names: [String], _ callback: String) throws(RecurraError) {
    guard names.contains(name) else {
      throw RecurraError(
        .badArgument, operation: callback, expected: "a monitored name among \(names.joined(separator: ", "))",
        got: name)
    }
  }
}

/// Stops training when a number has not got better for some epochs.
public final class EarlyStopping: Callback {
  private let monitor: Monitor
  private let patience: Int
  private let baseline: Double?
  private let restoresBestWeights: Bool
  private let startFromEpoch: Int
  private let isVerbose: Bool
  private var wait = 0
  private var best: Double?
  private var bestWeights: [Tensor]?
  /// The best epoch so far, counted from 0.
  public private(set) var bestEpoch = 0
  /// The epoch after which training was stopped; nil when it was not.
  public private(set) var stoppedEpoch: Int?

  /// Makes the callback.
  ///
  /// - Parameters:
  ///   - monitor: the name in the logs to watch.
  ///   - minDelta: the least change that counts as an improvement.
  ///   - patience: epochs without improvement after which training stops.
  ///   - mode: whether smaller or larger is better.
  ///   - baseline: what has to be beaten for the patience to begin anew.
  ///   - restoreBestWeights: whether the model ends with the weights of its best epoch instead of its last.
  ///   - startFromEpoch: epochs to wait before watching.
  ///   - verbose: whether to say so when training stops.
  public init(
    monitor: String = "val_loss", minDelta: Double = 0, patience: Int = 0, mode: MonitorMode = .auto,
    baseline: Double? = nil, restoreBestWeights: Bool = false, startFromEpoch: Int = 0, verbose: Bool = false
  ) {
    self.monitor = Monitor(monitor, mode: mode, minDelta: minDelta)
    self.patience = patience
    self.baseline = baseline
    restoresBestWeights = restoreBestWeights
    self.startFromEpoch = startFromEpoch
    isVerbose = verbose
  }

  /// Begins to watch anew.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    try monitor.validate(among: trainer.logNames, "EarlyStopping")
    (wait, best, bestWeights, bestEpoch, stoppedEpoch) = (0, nil, nil, 0, nil)
  }

  /// Compares the epoch with the best so far.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    guard let current = logs[monitor.name], epoch >= startFromEpoch else { return }
    if restoresBestWeights, bestWeights == nil { (bestWeights, bestEpoch) = (trainer.weights, epoch) }
    wait += 1
    if monitor.isImprovement(current, over: best) {
      (best, bestEpoch) = (current, epoch)
      if restoresBestWeights { bestWeights = trainer.weights }
      if monitor.isImprovement(current, over: baseline) { wait = 0 }
      return
    }
    if wait >= patience, epoch > 0 {
      stoppedEpoch = epoch
      trainer.stopTraining()
    }
  }

  /// Puts the best weights back.
  public func onTrainEnd(_ logs: Logs, _ trainer: Trainer) {
    if isVerbose, let stoppedEpoch { trainer.output.write("Epoch \(stoppedEpoch + 1): early stopping\n") }
    guard restoresBestWeights, let bestWeights else { return }
    if isVerbose {
      trainer.output.write("Restoring model weights from the end of the best epoch: \(bestEpoch + 1).\n")
    }
    trainer.weights = bestWeights
  }
}
