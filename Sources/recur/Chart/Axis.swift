import Glibc

/// The range of an axis and the round numbers along it.
struct Axis {
  struct Tick {
    let value: Double
    /// Empty for a line without a number.
    let label: String
    let isMinor: Bool
  }

  let ticks: [Tick]
  private let lower: Double
  private let upper: Double
  private let isLogarithmic: Bool

  /// Makes an axis that shows all of some finite values, positive ones on a logarithmic axis.
  ///
  /// - Parameter margin: The room left beyond the values at each end, as a share of their range.
  init(_ values: [Double], isLogarithmic: Bool, isWhole: Bool, tickCount: Int, margin: Double) {
    let scaled = isLogarithmic ? values.map(log10) : values
    var lower = scaled.min() ?? 0
    var upper = scaled.max() ?? 1
    if upper - lower <= 1e-9 * max(abs(lower), abs(upper)) {
      // Equal values need a range around them all the same.
      let room = isLogarithmic || isWhole || lower == 0 ? 1 : abs(lower) / 10
      (lower, upper) = (lower - room, upper + room)
    }
    let room = margin * (upper - lower)
    self.lower = lower - room
    self.upper = upper + room
    self.isLogarithmic = isLogarithmic
    ticks =
      isLogarithmic
      ? Self.decades(self.lower, self.upper) : Self.steps(self.lower, self.upper, tickCount, isWhole: isWhole)
  }

  /// Where a value lies between the ends of the axis, 0 to 1.
  func share(of value: Double) -> Double {
    ((isLogarithmic ? log10(value) : value) - lower) / (upper - lower)
  }

  private static func steps(_ lower: Double, _ upper: Double, _ count: Int, isWhole: Bool) -> [Tick] {
    let rough = (upper - lower) / Double(count)
    let power = pow(10, floor(log10(rough)))
    // Of 1, 2 and 5 times a power of ten, the one that gives about as many ticks as wanted.
    let factor: Double = rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10
    let step = isWhole ? max(1, factor * power) : factor * power
    let decimals = max(0, -Int(floor(log10(step) + 1e-9)))
    return (Int(ceil(lower / step))...max(Int(floor(upper / step)), Int(ceil(lower / step)))).map { index in
      Tick(value: Double(index) * step, label: label(Double(index) * step, decimals: decimals), isMinor: false)
    }
  }

  private static func decades(_ lower: Double, _ upper: Double) -> [Tick] {
    let exponents = Int(floor(lower))...Int(ceil(upper))
    let stride = max(1, (exponents.count + 7) / 8)
    let isShort = upper - lower < 1.5
    return exponents.flatMap { exponent -> [Tick] in
      (1...9).compactMap { digit -> Tick? in
        let value = Double(digit) * pow(10, Double(exponent))
        guard (lower...upper).contains(log10(value)), stride == 1 || digit == 1 else { return nil }
        let isLabelled =
          digit == 1 ? exponent % stride == 0 : isShort && (digit == 2 || digit == 5 || upper - lower < 0.5)
        return Tick(value: value, label: isLabelled ? label(digit, exponent) : "", isMinor: digit != 1)
      }
    }
  }

  private static func label(_ digit: Int, _ exponent: Int) -> String {
    if abs(exponent) <= 4 {
      return label(Double(digit) * pow(10, Double(exponent)), decimals: max(0, -exponent))
    }
    let raised = String(exponent).map { character -> Character in
      character == "-" ? "⁻" : Array("⁰¹²³⁴⁵⁶⁷⁸⁹")[character.wholeNumberValue ?? 0]
    }
    return (digit == 1 ? "" : "\(digit)·") + "10" + String(raised)
  }

  /// A number in decimal digits; by powers of ten where those would be many.
  static func label(_ value: Double, decimals: Int) -> String {
    guard abs(value) < 1e7, decimals <= 6 else { return "\(Float(value))".replacing("-", with: "−") }
    return Console.decimal(value, decimals).replacing("-", with: "−")
  }
}
