internal import Glibc

/// The range of an axis and the round numbers along it.
struct Axis {
  struct Tick {
    /// Where the tick lies between the ends of the axis, 0 to 1.
    let share: Double
    /// Empty for a line without a number.
    let label: String
    let isMinor: Bool
  }

  let ticks: [Tick]
  private let scale: Scale
  private let lower: Double
  private let upper: Double

  /// Makes an axis that shows all of some finite values, positive ones on a logarithmic axis.
  ///
  /// - Parameter margin: The room left beyond the values at each end, as a share of their range.
  init(_ values: [Double], isLogarithmic: Bool, isWhole: Bool, tickCount: Int, margin: Double) {
    scale = isLogarithmic ? .logarithmic : .linear(exponent: Self.exponent(of: values))
    let scaled = values.map(scale.scaled)
    var lower = scaled.min() ?? 0
    var upper = scaled.max() ?? 1
    if upper - lower <= 1e-9 * max(abs(lower), abs(upper)) {
      // Equal values need a range around them all the same.
      let room = isLogarithmic || isWhole || lower == 0 ? 1 : abs(lower) / 10
      (lower, upper) = (lower - room, upper + room)
    }
    let room = margin * (upper - lower)
    (lower, upper) = (lower - room, upper + room)
    self.lower = lower
    self.upper = upper
    switch scale {
    case .logarithmic: ticks = Self.decades(lower, upper)
    case .linear(let exponent): ticks = Self.steps(lower, upper, exponent, tickCount, isWhole: isWhole)
    }
  }

  /// Where a value lies between the ends of the axis, 0 to 1.
  func share(of value: Double) -> Double { (scale.scaled(value) - lower) / (upper - lower) }

  /// What the ends of an axis are kept in.
  private enum Scale {
    /// Units of two to a power, because the range of values near the largest ones is infinite in any other unit.
    case linear(exponent: Int)
    /// Decimal logarithms.
    case logarithmic

    func scaled(_ value: Double) -> Double {
      switch self {
      case .linear(let exponent): exponent == 0 ? value : scalbn(value, Int32(-exponent))
      case .logarithmic: log10(value)
      }
    }
  }

  /// The power of two that brings very large and very small values near 1; 0 for all others.
  private static func exponent(of values: [Double]) -> Int {
    guard let largest = values.map(\.magnitude).max(), largest > 0 else { return 0 }
    return (-300...300).contains(largest.exponent) ? 0 : Int(largest.exponent)
  }

  private static func steps(
    _ lower: Double, _ upper: Double, _ exponent: Int, _ count: Int, isWhole: Bool
  ) -> [Tick] {
    let unit = Double(exponent) * log10(2)
    let rough = log10((upper - lower) / Double(count)) + unit
    // Of 1, 2 and 5 times a power of ten, the one that gives about as many ticks as wanted.
    var power = Int(floor(rough))
    let rest = pow(10, rough - floor(rough))
    var factor = rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10
    if factor == 10 { (factor, power) = (1, power + 1) }
    if isWhole, power < 0 { (factor, power) = (1, 0) }
    let step = Double(factor) * pow(10, Double(power) - unit)
    let first = Int(ceil(lower / step))
    let numbers = (first...max(Int(floor(upper / step)), first)).map { Decimal(digits: $0 * factor, exponent: power) }
    let isPlain = numbers.allSatisfy(\.isShort)
    return numbers.map { number in
      let place = Double(number.digits) / Double(factor) * step
      return Tick(share: (place - lower) / (upper - lower), label: number.text(isPlain: isPlain), isMinor: false)
    }
  }

  private static func decades(_ lower: Double, _ upper: Double) -> [Tick] {
    let exponents = Int(floor(lower))...Int(ceil(upper))
    let stride = max(1, (exponents.count + 7) / 8)
    let isShort = upper - lower < 1.5
    return exponents.flatMap { exponent -> [Tick] in
      (1...9).compactMap { digit -> Tick? in
        let place = log10(Double(digit)) + Double(exponent)
        let isNumbered = exponent % stride == 0
        guard (lower...upper).contains(place), stride == 1 || digit == 1, stride <= 5 || isNumbered else { return nil }
        let isLabelled =
          digit == 1 ? isNumbered : isShort && (digit == 2 || digit == 5 || upper - lower < 0.5)
        let number = Decimal(digits: digit, exponent: exponent)
        return Tick(
          share: (place - lower) / (upper - lower),
          label: isLabelled ? number.text(isPlain: (-4...4).contains(exponent)) : "", isMinor: digit != 1)
      }
    }
  }
}
