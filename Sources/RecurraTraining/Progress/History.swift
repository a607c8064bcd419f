/// What a training run did: the numbers of every epoch, as Keras' `History`.
///
/// Encoded, it has a member for each property. A number that is NaN or infinite, for which JSON has no word, becomes
/// null, and null is read as NaN; so does the number that an epoch did not have, whose place is named in `gaps`.
public struct History: Sendable, Equatable {
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

  /// Why a run ended before its last epoch; more reasons may come.
  public struct Stop: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    private enum Reason: String {
      case requested
      case cancelled
    }

    /// A callback asked for it.
    public static let requested = Stop(reason: .requested)
    /// The task was cancelled.
    public static let cancelled = Stop(reason: .cancelled)

    private let reason: Reason

    /// The word that files hold.
    public var rawValue: String { reason.rawValue }
    /// The word that files hold.
    public var description: String { reason.rawValue }

    private init(reason: Reason) { self.reason = reason }

    /// Finds a reason by its word; nil when there is none.
    public init?(rawValue: String) {
      guard let reason = Reason(rawValue: rawValue) else { return nil }
      self.reason = reason
    }
  }

  /// The numbers by name, one for each epoch that had one: "accuracy", "loss", "val_accuracy", "val_loss", …
  public var history: [String: [Double]] { columns.mapValues { $0.compactMap { $0 } } }
  /// The same with nil for epochs without, so that every list has a place for every epoch.
  private(set) var columns: [String: [Double?]] = [:]
  /// The epochs, counted from 0.
  public private(set) var epoch: [Int] = []
  /// How the run was set up.
  public internal(set) var params: Parameters
  /// Why the run ended early; nil when it went to its end.
  public internal(set) var stop: Stop?

  /// The names in alphabetical order.
  public var names: [String] { columns.keys.sorted() }

  /// The numbers of a name, one for each epoch that had one.
  public subscript(name: String) -> [Double]? { columns[name]?.compactMap { $0 } }

  init(_ params: Parameters) { self.params = params }

  /// Puts numbers back that were saved; a list that is too short is that of a name which came later.
  mutating func restore(_ epoch: [Int], _ columns: [String: [Double?]]) {
    self.epoch = epoch
    self.columns = columns.mapValues { [Double?](repeating: nil, count: max(epoch.count - $0.count, 0)) + $0 }
  }

  mutating func append(_ epoch: Int, _ logs: Logs) {
    for name in columns.keys { columns[name]?.append(logs[name]) }
    for (name, value) in logs where columns[name] == nil {
      columns[name] = [Double?](repeating: nil, count: self.epoch.count) + [value]
    }
    self.epoch.append(epoch)
  }

  /// Compares what people see of it.
  public static func == (left: History, right: History) -> Bool {
    left.epoch == right.epoch && left.columns == right.columns && left.params == right.params && left.stop == right.stop
  }
}

extension History: Codable {
  private enum CodingKeys: CodingKey {
    case epoch, history, gaps, params, stop
  }

  /// Reads what `encode(to:)` wrote; a list that is too short is that of a name which came later.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    params = try container.decode(Parameters.self, forKey: .params)
    stop = try container.decodeIfPresent(Stop.self, forKey: .stop)
    let epochs = try container.decode([Int].self, forKey: .epoch)
    let numbers = try container.decode([String: [Double?]].self, forKey: .history)
    guard numbers.values.allSatisfy({ $0.count <= epochs.count }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .history, in: container, debugDescription: "more numbers than the \(epochs.count) epochs")
    }
    restore(epochs, numbers.mapValues { $0.map { $0 ?? .nan } })
    for (name, positions) in try container.decodeIfPresent([String: [Int]].self, forKey: .gaps) ?? [:] {
      for position in positions {
        guard epochs.indices.contains(position), columns[name] != nil else {
          throw DecodingError.dataCorruptedError(
            forKey: .gaps, in: container, debugDescription: "\(position) is no place in the list \(name)")
        }
        columns[name]?[position] = nil
      }
    }
  }

  /// Writes epochs, numbers, parameters and the reason of an early end.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(epoch, forKey: .epoch)
    try container.encode(columns.mapValues { $0.map { $0?.finite } }, forKey: .history)
    let gaps = columns.mapValues { values in values.indices.filter { values[$0] == nil } }.filter { !$1.isEmpty }
    if !gaps.isEmpty { try container.encode(gaps, forKey: .gaps) }
    try container.encode(params, forKey: .params)
    try container.encodeIfPresent(stop, forKey: .stop)
  }
}

extension History: CustomStringConvertible {
  /// The epochs of which lines are shown at each end of a long run.
  private static let shownEpochs = 10

  /// A table of the numbers, an epoch to a line, counted from 1 as the progress bar does; the middle of a long run is
  /// left out.
  public var description: String {
    let columns = names.map { name in (name: name, values: self[name] ?? []) }.filter { $0.values.count == epoch.count }
    var rows = [["epoch"] + columns.map(\.name)]
    for (position, number) in epoch.enumerated() {
      if epoch.count > 2 * Self.shownEpochs, position == Self.shownEpochs { rows.append(rows[0].map { _ in "…" }) }
      if epoch.count > 2 * Self.shownEpochs, position >= Self.shownEpochs, position < epoch.count - Self.shownEpochs {
        continue
      }
      rows.append(["\(number + 1)"] + columns.map { progressText($0.values[position]) })
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = rows.map { row in
      zip(row, widths).map { text, width in String(repeating: " ", count: width - text.count) + text }
        .joined(separator: "  ")
    }
    if let stop { lines.append("stopped: \(stop)") }
    return lines.joined(separator: "\n")
  }
}
