extension StringProtocol {
  /// Enough of a text from outside to recognise it in a message: in quotes, on one line, without what could upset a terminal.
  package var excerpt: String {
    let shown = String(unicodeScalars.prefix(40).map(Character.init)).debugDescription
    return unicodeScalars.count > 40 ? "\(shown)…" : shown
  }
}
