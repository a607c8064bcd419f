/// Colours for the numbers of a range.
struct ColorScale {
  let range: ClosedRange<Double>
  /// From the lower end of the range to the upper one.
  let colors: [String]

  /// An odd number, so that the middle of a range has a colour of its own.
  private static let count = 41

  /// White for 0, which lets nothing through, to dark blue for 1.
  static let shares = ColorScale(0...1, [(255, 255, 255), (107, 174, 214), (8, 48, 107)])

  /// Orange below 0, white for 0, blue above it; both ends are dark, and stay apart for colour-blind eyes.
  static func signed(_ limit: Double) -> ColorScale {
    ColorScale(
      -limit...limit, [(127, 59, 8), (230, 140, 50), (255, 255, 255), (90, 160, 210), (8, 48, 107)])
  }

  /// The colour of a number, as an index; those outside the range have the colours of its ends, and what is no number
  /// that of the lower one.
  func level(of value: Double) -> Int {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    guard !share.isNaN else { return 0 }
    return Int((min(max(share, 0), 1) * Double(colors.count - 1)).rounded())
  }

  /// Goes evenly from colour to colour.
  private init(_ range: ClosedRange<Double>, _ stops: [(red: Double, green: Double, blue: Double)]) {
    self.range = range
    colors = (0..<Self.count).map { index in
      let position = Double(index) / Double(Self.count - 1) * Double(stops.count - 1)
      let (lower, upper) = (stops[Int(position)], stops[min(Int(position) + 1, stops.count - 1)])
      let part = position - Double(Int(position))
      return "#"
        + [(lower.red, upper.red), (lower.green, upper.green), (lower.blue, upper.blue)].map { from, to in
          let digits = String(Int((from + part * (to - from)).rounded()), radix: 16)
          return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
  }
}
