public import RecurraTensor

/// Sets the learning rate at the beginning of every epoch.
public final class LearningRateScheduler: Callback {
  private let schedule: (_ epoch: Int, _ learningRate: Double) -> Double
  private let isVerbose: Bool

  /// Makes the callback from a function of the epoch, counted from 0, and the learning rate so far.
  public init(verbose: Bool = false, _ schedule: @escaping (_ epoch: Int, _ learningRate: Double) -> Double) {
    self.schedule = schedule
    isVerbose = verbose
  }

  /// Sets the learning rate.
  public func onEpochBegin(_ epoch: Int, _ trainer: Trainer) throws(RecurraError) {
    let rate = schedule(epoch, trainer.learningRate)
    guard rate.isFinite, rate >= 0 else {
      throw RecurraError(
        .badArgument, operation: "LearningRateScheduler", expected: "a learning rate of 0 or more", got: "\(rate)")
    }
    trainer.learningRate = rate
    if isVerbose {
      trainer.output.write("\nEpoch \(epoch + 1): LearningRateScheduler setting learning rate to \(rate).\n")
    }
  }

  /// Adds the learning rate to the logs.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    logs["learning_rate"] = trainer.learningRate
  }
}

/// Makes the learning rate smaller when a number has not got better for some epochs.
public final class ReduceLROnPlateau: Callback {
  private let monitor: Monitor
  private let factor: Double
  private let patience: Int
  private let cooldown: Int
  private let lowest: Double
  private let isVerbose: Bool
  private var best: Double?
  private var wait = 0
  private var cooldownLeft = 0

  /// Makes the callback.
  ///
  /// - Parameters:
  ///   - monitor: the name in the logs to watch.
  ///   - factor: what the learning rate is multiplied by, below 1.
  ///   - patience: epochs without improvement after which it is.
  ///   - mode: whether smaller or larger is better.
  ///   - minDelta: the least change that counts as an improvement.
  ///   - cooldown: epochs after a change in which nothing is counted.
  ///   - minLR: the learning rate that is not gone below.
  ///   - verbose: whether to say so when the learning rate changes.
  public init(
    monitor: String = "val_loss", factor: Double = 0.1, patience: Int = 10, mode: MonitorMode = .auto,
    minDelta: Double = 1e-4, cooldown: Int = 0, minLR: Double = 0, verbose: Bool = false
  ) {
    self.monitor = Monitor(monitor, mode: mode, minDelta: minDelta)
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    lowest = minLR
    isVerbose = verbose
  }

  /// Begins to watch anew.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    try monitor.validate(among: trainer.logNames, "ReduceLROnPlateau")
    guard factor > 0, factor < 1 else {
      throw RecurraError(
        .badArgument, operation: "ReduceLROnPlateau", expected: "a factor between 0 and 1", got: "\(factor)")
    }
    (best, wait, cooldownLeft) = (nil, 0, 0)
  }

  /// Compares the epoch with the best so far, and adds the learning rate it was trained with to the logs.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    logs["learning_rate"] = trainer.learningRate
    guard let current = logs[monitor.name] else { return }
    if cooldownLeft > 0 { (cooldownLeft, wait) = (cooldownLeft - 1, 0) }
    if monitor.isImprovement(current, over: best) {
      (best, wait) = (current, 0)
      return
    }
    guard cooldownLeft == 0 else { return }
    wait += 1
    guard wait >= patience, trainer.learningRate > lowest else { return }
    trainer.learningRate = max(trainer.learningRate * factor, lowest)
    (cooldownLeft, wait) = (cooldown, 0)
    if isVerbose {
      trainer.output.write(
        "\nEpoch \(epoch + 1): ReduceLROnPlateau reducing learning rate to \(trainer.learningRate).\n")
    }
  }
}
