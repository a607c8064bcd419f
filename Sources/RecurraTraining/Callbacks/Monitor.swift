internal import RecurraLayers
internal import RecurraTensor

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
  let mode: MonitorMode
  let minDelta: Double
  private let isLargerBetter: Bool

  init(_ name: String, mode: MonitorMode, minDelta: Double) {
    self.name = name
    self.mode = mode
    isLargerBetter = mode == .auto ? name.contains("acc") || name.contains("auc") : mode == .max
    self.minDelta = minDelta.magnitude
  }

  /// Name and mode as settings of a callback.
  var configuration: [String: JSONValue] { ["monitor": .string(name), "mode": .string(mode.rawValue)] }

  /// Tells whether a number is better than a reference by more than the least change that counts.
  ///
  /// A NaN never is, and every number is better than a NaN.
  func isImprovement(_ value: Double, over reference: Double?) -> Bool {
    guard let reference, !reference.isNaN else { return !value.isNaN }
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
