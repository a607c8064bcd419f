internal import ArgumentParser

/// A text as the symbols that a person counts in it.
struct GateText {
  /// More would not fit on a screen.
  private static let symbolLimit = 48
  /// Longer than any emoji; without a bound, marks upon marks would make one symbol of a whole book.
  private static let scalarLimit = 16

  let symbols: [String]

  init(_ text: String) throws(ValidationError) {
    // Two code points for the end of a line are one symbol, and another one than the model knows.
    let symbols = text.map { $0 == "\r\n" ? "\n" : String($0) }
    guard !symbols.isEmpty else { throw ValidationError("Expected a word or a sentence, got none.") }
    guard symbols.count <= Self.symbolLimit else {
      throw ValidationError("Expected at most \(Self.symbolLimit) symbols, got \(symbols.count).")
    }
    for (index, symbol) in symbols.enumerated() where symbol != "\n" {
      guard let first = symbol.unicodeScalars.first, Self.isShown(first) else {
        throw ValidationError("Expected symbols that can be shown, got \(Self.codes(symbol)) as symbol \(index + 1).")
      }
      guard symbol.unicodeScalars.count <= Self.scalarLimit else {
        throw ValidationError(
          "Expected symbols of at most \(Self.scalarLimit) code points, got \(symbol.unicodeScalars.count) in symbol "
            + "\(index + 1).")
      }
    }
    self.symbols = symbols
  }

  /// A symbol as it can be seen: white space has a sign of its own.
  static func shown(_ symbol: String) -> String {
    symbol == "\n" ? "⏎" : symbol.allSatisfy(\.isWhitespace) ? "␣" : symbol
  }

  /// Tells whether something can be seen of a symbol that begins so; bytes that are not UTF-8 are private use here.
  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: false
    default: !scalar.properties.isNoncharacterCodePoint
    }
  }

  private static func codes(_ symbol: String) -> String {
    symbol.unicodeScalars.prefix(4).map { scalar in
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }.joined(separator: " ")
  }
}
