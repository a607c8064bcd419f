public import RecurraLayers
public import RecurraTensor

/// Makes the learning rate smaller when a number has not got better for some epochs.
public final class ReduceLROnPlateau: RestorableCallback {
  /// Keras' name of the class.
  public static let typeName = "ReduceLROnPlateau"

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

  /// Makes the callback from its settings in Keras' names.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      monitor: try configuration.string("monitor", default: "val_loss"),
      factor: try configuration.anyNumber("factor", default: 0.1),
      patience: try configuration.integer("patience", default: 10), mode: try configuration.mode(),
      minDelta: try configuration.anyNumber("min_delta", default: 1e-4),
      cooldown: try configuration.integer("cooldown", default: 0),
      minLR: try configuration.anyNumber("min_lr", default: 0),
      verbose: try configuration.bool("verbose", default: false))
  }

  /// The settings in Keras' names.
  public var configuration: [String: JSONValue] {
    monitor.configuration.merging([
      "factor": JSONValue(exactly: factor), "patience": .integer(patience),
      "min_delta": JSONValue(exactly: monitor.minDelta), "cooldown": .integer(cooldown),
      "min_lr": JSONValue(exactly: lowest), "verbose": .bool(isVerbose),
    ]) { $1 }
  }

  /// `learning_rate`.
  public var addedLogNames: [String] { ["learning_rate"] }

  /// The best so far, how long ago it was, and how long nothing is counted.
  public var state: JSONValue {
    .object([
      ("best", JSONValue(exactly: best)), ("cooldown_left", .integer(cooldownLeft)), ("wait", .integer(wait)),
    ])
  }

  /// Takes back what `state` gave.
  public func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    let members = try CallbackState(
      state, tensors, of: Self.typeName, names: ["best", "cooldown_left", "wait"])
    let (best, wait) = (try members.optionalNumber("best"), try members.count("wait"))
    let cooldownLeft = try members.count("cooldown_left")
    (self.best, self.wait, self.cooldownLeft) = (best, wait, cooldownLeft)
  }

  /// Begins to watch anew, unless the run goes on.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    try monitor.validate(among: trainer.logNames, Self.typeName)
    try trainer.requireNoSchedule(Self.typeName)
    guard factor > 0, factor < 1 else {
      throw RecurraError(
        .badArgument, operation: "ReduceLROnPlateau", expected: "a factor between 0 and 1", got: "\(factor)")
    }
    if !trainer.isResuming { (best, wait, cooldownLeft) = (nil, 0, 0) }
  }

  /// Compares the epoch with the best so far, and adds the learning rate it was trained with to the logs.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    for name in addedLogNames { logs[name] = trainer.learningRate }
    guard let current = logs[monitor.name] else { return }
    if cooldownLeft > 0 { cooldownLeft -= 1 }
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
