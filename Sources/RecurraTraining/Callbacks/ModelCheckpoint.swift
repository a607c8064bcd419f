public import RecurraLayers
public import RecurraTensor

/// Saves the model while it is trained, after every epoch or after every so many batches.
///
/// The file is whole or not there at any moment. Its path may hold numbers of the logs in braces, in Python's notation:
/// `"words-{epoch:02d}-{val_loss:.2f}.safetensors"`; epochs and batches count from 1 there.
///
/// No path gets into a saved state: who continues a run from a file gives the callback again, and it knows its best.
public final class ModelCheckpoint: Callback {
  /// Keras' name of the class.
  public static let typeName = "ModelCheckpoint"

  /// When the model is saved.
  public enum Frequency: Sendable, Equatable {
    /// After every epoch.
    case epoch
    /// After so many batches, counted on from epoch to epoch.
    case batches(Int)
  }

  private let path: PathTemplate
  private let monitor: Monitor
  private let savesBestOnly: Bool
  private let frequency: Frequency
  private let threshold: Double?
  private let isVerbose: Bool
  private var epoch = 0
  private var batches = 0
  /// The best value so far of the monitored number; nil before the first.
  public private(set) var best: Double?
  /// The numbers that the path of the last file was made with.
  private var lastNumbers: Logs?
  /// The path of the last file that was written; in a run that goes on, the one that the callback's own path makes of
  /// it.
  public var lastPath: String? { lastNumbers.map(path.text) }

  /// Makes the callback.
  ///
  /// - Parameters:
  ///   - path: the file, with numbers of the logs in braces.
  ///   - monitor: the name in the logs to watch, for `saveBestOnly`.
  ///   - saveBestOnly: whether to save only when that number is better than ever before.
  ///   - mode: whether smaller or larger is better.
  ///   - frequency: when to save.
  ///   - initialValueThreshold: what has to be beaten for the first file.
  ///   - verbose: whether to say what is saved.
  public init(
    _ path: String, monitor: String = "val_loss", saveBestOnly: Bool = false, mode: MonitorMode = .auto,
    frequency: Frequency = .epoch, initialValueThreshold: Double? = nil, verbose: Bool = false
  ) {
    self.path = PathTemplate(path)
    self.monitor = Monitor(monitor, mode: mode, minDelta: 0)
    savesBestOnly = saveBestOnly
    self.frequency = frequency
    threshold = initialValueThreshold
    best = initialValueThreshold
    isVerbose = verbose
  }

  /// The settings in Keras' names, without the path.
  public var configuration: [String: JSONValue] {
    let frequency: JSONValue
    switch self.frequency {
    case .epoch: frequency = .string("epoch")
    case .batches(let count): frequency = .integer(count)
    }
    return monitor.configuration.merging([
      "save_best_only": .bool(savesBestOnly), "save_freq": frequency,
      "initial_value_threshold": JSONValue(exactly: threshold), "verbose": .bool(isVerbose),
    ]) { $1 }
  }

  /// The best so far, the batches since the last file, and the numbers of its path.
  public var state: JSONValue {
    .object([
      ("batches", .integer(batches)), ("best", JSONValue(exactly: best)), ("epoch", .integer(epoch)),
      ("last", lastNumbers.map { .object($0.map { ($0, JSONValue(exactly: $1)) }) } ?? .null),
    ])
  }

  /// Takes back what `state` gave.
  public func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    let members = try CallbackState(
      state, tensors, of: Self.typeName, names: ["batches", "best", "epoch", "last"])
    let (batches, best) = (try members.count("batches"), try members.optionalNumber("best"))
    let (epoch, last) = (try members.count("epoch"), try members.optionalLogs("last"))
    (self.batches, self.best, self.epoch, lastNumbers) = (batches, best, epoch, last)
  }

  /// Begins to watch anew, unless the run goes on.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    // Behind a batch there is no validation to look at, and no callback has added anything.
    let names = frequency == .epoch ? trainer.logNames : (["loss"] + trainer.metricNames).sorted()
    if savesBestOnly { try monitor.validate(among: names, Self.typeName) }
    try path.validate(among: names + (frequency == .epoch ? ["epoch"] : ["epoch", "batch"]))
    if case .batches(let count) = frequency, count < 1 {
      throw RecurraError(
        .badArgument, operation: Self.typeName, expected: "a frequency of 1 batch or more", got: "\(count)")
    }
    if !trainer.isResuming { (epoch, batches, best, lastNumbers) = (0, 0, threshold, nil) }
  }

  /// Notes the epoch.
  public func onEpochBegin(_ epoch: Int, _ trainer: Trainer) { self.epoch = epoch }

  /// Saves the model when enough batches have passed.
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError) {
    guard case .batches(let count) = frequency else { return }
    batches += 1
    guard batches >= count else { return }
    batches = 0
    var numbers = logs
    numbers["batch"] = Double(batch + 1)
    try save(trainer, numbers)
  }

  /// Saves the model at the end of an epoch.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) throws(RecurraError) {
    if frequency == .epoch { try save(trainer, logs) }
  }

  private func save(_ trainer: Trainer, _ logs: Logs) throws(RecurraError) {
    var numbers = logs
    numbers["epoch"] = Double(epoch + 1)
    let file = path.text(numbers)
    func say(_ text: String) { if isVerbose { trainer.output.write("\nEpoch \(epoch + 1): \(text)\n") } }
    if savesBestOnly {
      let former = best.map { fixedText($0, decimals: 5) } ?? "None"
      guard let current = logs[monitor.name], current.isFinite, monitor.isImprovement(current, over: best) else {
        say("\(monitor.name) did not improve from \(former)")
        return
      }
      say("\(monitor.name) improved from \(former) to \(fixedText(current, decimals: 5)), saving model to \(file)")
      best = current
    } else {
      say("saving model to \(file)")
    }
    try trainer.model.save(to: file)
    lastNumbers = numbers
    say("finished saving model to \(file)")
  }
}
