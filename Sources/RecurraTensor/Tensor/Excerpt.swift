extension StringProtocol {
  /// Enough of a text from outside to recognise it in a message: in quotes, on one line, without what could upset a
  /// terminal.
  package var excerpt: String {
    let limit = 60
    let shown = unicodeScalars.prefix(limit).map { scalar in
      scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : scalar.printable
    }
    return "\"\(shown.joined())\"" + (unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
  }

  /// The text as part of a message: on one line, of a length that can be read, without what could upset a terminal.
  package var oneLine: String {
    let (head, tail) = (700, 300)
    if utf8.count <= head + tail, utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return String(self) }
    let scalars = Array(unicodeScalars)
    func shown(_ scalars: some Collection<Unicode.Scalar>) -> String { scalars.map(\.printable).joined() }
    guard scalars.count > head + tail else { return shown(scalars) }
    return shown(scalars.prefix(head)) + "…" + shown(scalars.suffix(tail))
  }
}

extension Unicode.Scalar {
  /// The character, or an escape where it moves the cursor, cannot be seen, or turns what follows.
  fileprivate var printable: String {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: break
    default: return String(Character(self))
    }
    switch self {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    case "\0": return "\\0"
    // How paths carry bytes that are not UTF-8.
    case "\u{10FF80}"..."\u{10FFFF}": return "\\x\(String(value & 0xFF, radix: 16, uppercase: true))"
    default: return "\\u{\(String(value, radix: 16, uppercase: true))}"
    }
  }
}
