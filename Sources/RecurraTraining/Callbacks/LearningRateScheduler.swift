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

  /// `learning_rate`.
  public var addedLogNames: [String] { ["learning_rate"] }

  /// Sets the learning rate.
  public func onEpochBegin(_ epoch: Int, _ trainer: Trainer) throws(RecurraError) {
    try trainer.requireNoSchedule("LearningRateScheduler")
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
    for name in addedLogNames { logs[name] = trainer.learningRate }
  }
}
