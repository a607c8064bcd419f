package import RecurraLayers
internal import RecurraTensor

/// Numbers in JSON that come back to the bit: those that are not finite, which JSON has no word for, stand as texts.
extension JSONValue {
  /// A number, or null.
  package init(exactly number: Double?) {
    guard let number else {
      self = .null
      return
    }
    self = number.isFinite ? .number(number) : .string(number.isNaN ? "nan" : number < 0 ? "-inf" : "inf")
  }

  /// A whole number, or null.
  init(count: Int?) { self = count.map { .integer($0) } ?? .null }

  /// The number that `init(exactly:)` was given; nil for anything else.
  package var exactNumber: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    case .string("inf"): .infinity
    case .string("-inf"): -.infinity
    case .string("nan"): .nan
    default: nil
    }
  }
}

extension LayerArguments {
  /// Reads a number that may be infinite; nil when it is left out or null.
  func optionalNumber(_ name: String) throws(RecurraError) -> Double? {
    guard let value = value(name) else { return nil }
    guard let number = value.exactNumber else { throw failure(name, expected: "a number", got: value) }
    return number
  }

  /// Reads a number that may be infinite.
  func anyNumber(_ name: String, default fallback: Double) throws(RecurraError) -> Double {
    try optionalNumber(name) ?? fallback
  }

  /// Reads which direction of a monitored number is better.
  func mode() throws(RecurraError) -> MonitorMode {
    let text = try string("mode", default: MonitorMode.auto.rawValue)
    guard let mode = MonitorMode(rawValue: text) else {
      throw failure("mode", expected: "auto, min or max", got: .string(text))
    }
    return mode
  }
}
