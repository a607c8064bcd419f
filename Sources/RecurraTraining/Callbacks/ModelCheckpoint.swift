internal import RecurraLayers
public import RecurraTensor

/// Saves the model while it is trained, after every epoch or after every so many batches.
///
/// The file is whole or not there at any moment. Its path may hold numbers of the logs in braces, in Python's notation:
/// `"words-{epoch:02d}-{val_loss:.2f}.safetensors"`; epochs and batches count from 1 there.
public final class ModelCheckpoint: Callback {
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
  /// The path of the last file that was written.
  public private(set) var lastPath: String?

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

  /// Begins to watch anew.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    // A batch has no validation to look at.
    let names = frequency == .epoch ? trainer.logNames : trainer.logNames.filter { !$0.hasPrefix("val_") }
    if savesBestOnly { try monitor.validate(among: names, "ModelCheckpoint") }
    try path.validate(among: names + (frequency == .epoch ? ["epoch"] : ["epoch", "batch"]))
    if case .batches(let count) = frequency, count < 1 {
      throw RecurraError(
        .badArgument, operation: "ModelCheckpoint", expected: "a frequency of 1 batch or more", got: "\(count)")
    }
    (epoch, batches, best, lastPath) = (0, 0, threshold, nil)
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
    lastPath = file
    say("finished saving model to \(file)")
  }
}

/// A path with numbers to be put in: "{epoch:02d}" and "{val_loss:.2f}", or a name alone.
struct PathTemplate {
  private enum Part {
    case text(String)
    case number(name: String, format: String, source: String)
  }

  private var parts: [Part] = []

  init(_ path: String) {
    var rest = path[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      let inside = rest[rest.index(after: open)..<close]
      let halves = inside.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      parts.append(.text(String(rest[..<open])))
      let format = halves.count > 1 ? String(halves[1]) : ""
      parts.append(.number(name: String(halves[0]), format: format, source: "{\(inside)}"))
      rest = rest[rest.index(after: close)...]
    }
    parts.append(.text(String(rest)))
  }

  /// Refuses names that the logs will not have, and formats that are neither whole nor fixed-point numbers.
  func validate(among names: [String]) throws(RecurraError) {
    for case .number(let name, let format, let source) in parts {
      guard names.contains(name) else {
        throw RecurraError(
          .badArgument, operation: "ModelCheckpoint",
          expected: "names in braces among \(names.joined(separator: ", "))", got: source)
      }
      guard format.isEmpty || Self.digits(format) != nil else {
        throw RecurraError(
          .badArgument, operation: "ModelCheckpoint", expected: "a form such as {epoch:02d} or {\(name):.4f}",
          got: source)
      }
    }
  }

  /// The path with the numbers in their places.
  func text(_ numbers: Logs) -> String {
    parts.map { part in
      switch part {
      case .text(let text): return text
      case .number(let name, let format, let source):
        guard let value = numbers[name] else { return source }
        switch Self.digits(format) {
        case .width(let width)?:
          let digits = fixedText(value, decimals: 0)
          return String(repeating: "0", count: max(0, width - digits.count)) + digits
        case .decimals(let decimals)?: return fixedText(value, decimals: decimals)
        case nil: return value == value.rounded() ? fixedText(value, decimals: 0) : "\(value)"
        }
      }
    }.joined()
  }

  private enum Digits {
    case width(Int)
    case decimals(Int)
  }

  private static func digits(_ format: String) -> Digits? {
    if format.hasSuffix("d"), let width = Int("0" + format.dropLast()), width < 32 { return .width(width) }
    guard format.hasPrefix("."), format.hasSuffix("f"), let decimals = Int(format.dropFirst().dropLast()),
      (0..<32).contains(decimals)
    else { return nil }
    return .decimals(decimals)
  }
}
