public import RecurraLayers
public import RecurraTensor

/// How far a training run has come: all that is needed, beside the weights, to go on as if there had been no break.
///
/// `Trainer.state` takes it, `Trainer.restore(_:)` puts it back, and `Trainer.save(to:)` writes it with the weights.
public struct TrainingState: Sendable {
  /// What a callback of the run remembers.
  public struct CallbackState: Sendable {
    /// The callback's `typeName`.
    public let name: String
    /// The arguments it was made with.
    public let configuration: JSONValue
    /// What it remembers, but for tensors.
    public let state: JSONValue
    /// The tensors it remembers, by name.
    public let tensors: [String: Tensor]
    /// Tells whether it holds functions or a path, so that no file can make it again.
    let isGivenAgain: Bool
  }

  /// What orders of rows and dropout follow from.
  public internal(set) var seed: UInt64 = 0
  /// The number of epochs that are complete.
  public internal(set) var epoch = 0
  /// The number of batches done of the epoch under way.
  public internal(set) var batch = 0
  /// The number of updates of the weights.
  public internal(set) var step = 0
  /// What the batches of the epoch under way add up to; nil between epochs.
  public internal(set) var metrics: BatchMetrics?
  /// The numbers of all complete epochs.
  public internal(set) var history: History
  /// The optimiser's numbers and moments by name, as Keras names them.
  public internal(set) var optimizer: [String: Tensor] = [:]
  /// What each callback of the run remembers, in their order.
  public internal(set) var callbacks: [CallbackState] = []
  /// The run that is under way or was the last; nil before the first.
  var run: RunRecord?

  init() { history = History(.init(verbose: .silent, epochs: 0, steps: 0, seed: 0)) }

  /// The order in which the epoch under way goes through `count` rows: a function of seed and epoch alone.
  public func order(ofRows count: Int) -> [Int] {
    // Streams keep the order of rows and the numbers of dropout apart from each other.
    RandomSource(seed: seed).stream(0).stream(epoch).permutation(count)
  }

  /// Tells whether an epoch has begun and is not complete.
  var isEpochUnderWay: Bool { metrics != nil }
}

/// What a run of `fit` was begun with, and whether it is done.
struct RunRecord: Sendable, Equatable {
  /// The epoch it began with.
  var firstEpoch: Int
  /// Data and options as texts, by name: a run goes on only with the same.
  var options: RunOptions
  /// The fingerprint of the weights that it began with.
  var firstWeights: String
  /// Tells whether a callback asked for the end.
  var isStopped = false
  /// Tells whether it came to its end.
  var isComplete = false
}

/// Data and options of a run as texts by name, to be compared and named when they differ.
struct RunOptions: Sendable, Equatable {
  private(set) var values: [(name: String, text: String)] = []

  subscript(name: String) -> String? {
    get { values.first { $0.name == name }?.text }
    set {
      values.removeAll { $0.name == name }
      if let newValue { values.append((name, newValue)) }
    }
  }

  /// The first thing that both name and that differs.
  func difference(from other: RunOptions) -> (name: String, own: String, other: String)? {
    for (name, text) in values {
      if let there = other[name], there != text { return (name, text, there) }
    }
    return nil
  }

  static func == (left: RunOptions, right: RunOptions) -> Bool {
    left.values.elementsEqual(right.values) { $0.name == $1.name && $0.text == $1.text }
  }
}
