internal import RecurraTensor

/// A number among an optimiser's settings, and the range it must lie in.
struct OptimizerSetting {
  enum Range {
    case finite, notNegative, notPositive, positive, unit, belowOne, betweenZeroAndOne
  }

  let name: String
  let value: Double
  let range: Range

  init(_ name: String, _ value: Double, _ range: Range) {
    self.name = name
    self.value = value
    self.range = range
  }

  /// Refuses a value outside the range.
  ///
  /// - Parameter operation: who asks, for the error.
  func validate(_ operation: @autoclosure () -> String) throws(RecurraError) {
    let isWithin: Bool
    let wanted: String
    switch range {
    case .finite: (isWithin, wanted) = (value.isFinite, "a finite \(name)")
    case .notNegative: (isWithin, wanted) = (value.isFinite && value >= 0, "a finite \(name) of 0 or more")
    case .notPositive: (isWithin, wanted) = (value.isFinite && value <= 0, "a finite \(name) of 0 or less")
    case .positive: (isWithin, wanted) = (value.isFinite && value > 0, "a finite \(name) above 0")
    case .unit: (isWithin, wanted) = (value >= 0 && value <= 1, "a \(name) from 0 to 1")
    case .belowOne: (isWithin, wanted) = (value >= 0 && value < 1, "a \(name) of 0 or more and below 1")
    case .betweenZeroAndOne: (isWithin, wanted) = (value > 0 && value < 1, "a \(name) above 0 and below 1")
    }
    guard isWithin else { throw RecurraError(.badArgument, operation: operation(), expected: wanted, got: "\(value)") }
  }
}
