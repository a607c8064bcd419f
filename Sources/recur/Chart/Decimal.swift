/// A whole number times a power of ten: what stands beside a tick, without the rounding or the limits of `Double`.
struct Decimal {
  let digits: Int
  let exponent: Int

  /// Tells whether the number has at most seven digits before its point and six behind it.
  var isShort: Bool { exponent >= -6 && (digits == 0 || String(digits.magnitude).count + exponent <= 7) }

  /// The number in plain digits, or as digits times a power of ten.
  func text(isPlain: Bool) -> String { isPlain ? plain : digits == 0 ? "0" : scientific }

  private var sign: String { digits < 0 ? "−" : "" }

  private var plain: String {
    let text = String(digits.magnitude)
    guard exponent < 0 else {
      return sign + text + String(repeating: "0", count: digits == 0 ? 0 : exponent)
    }
    let padded = String(repeating: "0", count: max(0, 1 - exponent - text.count)) + text
    return "\(sign)\(padded.dropLast(-exponent)).\(padded.suffix(-exponent))"
  }

  private var scientific: String {
    let text = String(digits.magnitude)
    let kept = String(text.prefix(1)) + String(text.dropFirst().reversed().drop { $0 == "0" }.reversed())
    let power = exponent + text.count - 1
    let factor = kept == "1" ? "" : kept.count == 1 ? "\(kept)·" : "\(kept.prefix(1)).\(kept.dropFirst())·"
    return "\(sign)\(factor)10\(Self.raised(power))"
  }

  private static func raised(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return String(String(exponent).map { $0 == "-" ? "⁻" : digits[$0.wholeNumberValue ?? 0] })
  }
}
