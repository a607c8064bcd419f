/// What a training run did: the numbers of every epoch, as Keras' `History`.
public struct History: Sendable, Equatable, Codable {
  /// How the run was set up.
  public struct Parameters: Sendable, Equatable, Codable {
    /// How much was shown.
    public var verbose: Verbosity
    /// The epoch the run was to end before.
    public var epochs: Int
    /// Batches in an epoch.
    public var steps: Int
    /// What shuffling and dropout followed from.
    public var seed: UInt64
  }

  /// Why a run ended before its last epoch.
  public enum Stop: String, Sendable, Codable {
    /// A callback asked for it.
    case requested
    /// The task was cancelled.
    case cancelled
  }

  /// The numbers by name, one for each epoch: "accuracy", "loss", "val_accuracy", "val_loss", …
  public private(set) var history: [String: [Double]] = [:]
  /// The epochs, counted from 0.
  public private(set) var epoch: [Int] = []
  /// How the run was set up.
  public internal(set) var params: Parameters
  /// Why the run ended early; nil when it went to its end.
  public internal(set) var stop: Stop?

  /// The names in alphabetical order.
  public var names: [String] { history.keys.sorted() }

  /// The numbers of a name, one for each epoch.
  public subscript(name: String) -> [Double]? { history[name] }

  init(_ params: Parameters) { self.params = params }

  /// Puts numbers back that were saved.
  mutating func restore(_ epoch: [Int], _ history: [String: [Double]]) { (self.epoch, self.history) = (epoch, history) }

  mutating func append(_ epoch: Int, _ logs: Logs) {
    self.epoch.append(epoch)
    for (name, value) in logs { history[name, default: []].append(value) }
  }
}
