public import RecurraLayers
public import RecurraTensor

/// Stops training when a number has not got better for some epochs; a NaN is no better than anything.
public final class EarlyStopping: RestorableCallback {
  /// Keras' name of the class.
  public static let typeName = "EarlyStopping"

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

  /// Makes the callback from its settings in Keras' names.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      monitor: try configuration.string("monitor", default: "val_loss"),
      minDelta: try configuration.anyNumber("min_delta", default: 0),
      patience: try configuration.integer("patience", default: 0), mode: try configuration.mode(),
      baseline: try configuration.optionalNumber("baseline"),
      restoreBestWeights: try configuration.bool("restore_best_weights", default: false),
      startFromEpoch: try configuration.integer("start_from_epoch", default: 0),
      verbose: try configuration.bool("verbose", default: false))
  }

  /// The settings in Keras' names.
  public var configuration: [String: JSONValue] {
    monitor.configuration.merging([
      "min_delta": JSONValue(exactly: monitor.minDelta), "patience": .integer(patience),
      "baseline": JSONValue(exactly: baseline), "restore_best_weights": .bool(restoresBestWeights),
      "start_from_epoch": .integer(startFromEpoch), "verbose": .bool(isVerbose),
    ]) { $1 }
  }

  /// The best so far, and how long ago it was.
  public var state: JSONValue {
    .object([
      ("best", JSONValue(exactly: best)), ("best_epoch", .integer(bestEpoch)),
      ("stopped_epoch", JSONValue(count: stoppedEpoch)), ("wait", .integer(wait)),
    ])
  }

  /// The weights of the best epoch, by their numbers in the model's order.
  public var stateTensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: (bestWeights ?? []).enumerated().map { ("\($0.offset)", $0.element) })
  }

  /// Takes back what `state` and `stateTensors` gave.
  public func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    let members = try CallbackState(
      state, of: Self.typeName, names: ["best", "best_epoch", "stopped_epoch", "wait"])
    let weights = (0..<tensors.count).compactMap { tensors["\($0)"] }
    guard weights.count == tensors.count else {
      throw RecurraError(
        .badFile, operation: "EarlyStopping state", expected: "tensors numbered from 0",
        got: tensors.keys.sorted().prefix(12).map(\.excerpt).joined(separator: ", "))
    }
    let (best, bestEpoch) = (try members.optionalNumber("best"), try members.count("best_epoch"))
    let (stoppedEpoch, wait) = (try members.optionalCount("stopped_epoch"), try members.count("wait"))
    (self.best, self.bestEpoch, self.stoppedEpoch, self.wait) = (best, bestEpoch, stoppedEpoch, wait)
    bestWeights = weights.isEmpty ? nil : weights
  }

  /// Begins to watch anew, unless the run goes on.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    try monitor.validate(among: trainer.logNames, Self.typeName)
    guard !trainer.isResuming else { return try requireWeights(of: trainer) }
    (wait, best, bestWeights, bestEpoch, stoppedEpoch) = (0, nil, nil, 0, nil)
  }

  /// Compares the epoch with the best so far.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    guard let current = logs[monitor.name], epoch >= startFromEpoch else { return }
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

  /// Refuses best weights that are those of another model, before anything is trained.
  private func requireWeights(of trainer: Trainer) throws(RecurraError) {
    guard let bestWeights else { return }
    let own = trainer.model.parameters.map { "\($0.dtype) \($0.shape)" }
    let given = bestWeights.map { "\($0.dtype) \($0.shape)" }
    guard own == given else {
      throw RecurraError(
        .badFile, operation: "EarlyStopping state", expected: "best weights of the model, \(own.count) tensors",
        got: own.count == given.count ? "other shapes" : "\(given.count)")
    }
  }
}
