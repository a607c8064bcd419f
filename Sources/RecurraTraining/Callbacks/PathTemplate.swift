internal import RecurraTensor

/// A path with numbers to be put in: "{epoch:02d}" and "{val_loss:.2f}", or a name alone.
struct PathTemplate {
  private enum Part {
    case text(String)
    case number(name: String, format: String, source: String)
  }

  /// The path as it was given.
  let source: String
  private var parts: [Part] = []

  init(_ path: String) {
    source = path
    var rest = path[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      let inside = rest[rest.index(after: open)..<close]
      let halves = inside.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      parts.append(.text(String(rest[..<open])))
      let format = halves.count > 1 ? String(halves[1]) : ""
      parts.append(.number(name: String(halves[0]), format: format, source: "{\(inside)}"))
      rest = rest[rest.index(after: close)...]
    }
    parts.append(.text(String(rest)))
  }

  /// Refuses names that the logs will not have, and formats that are neither whole nor fixed-point numbers.
  func validate(among names: [String]) throws(RecurraError) {
    for case .number(let name, let format, let source) in parts {
      guard names.contains(name) else {
        throw RecurraError(
          .badArgument, operation: "ModelCheckpoint",
          expected: "names in braces among \(names.joined(separator: ", "))", got: source)
      }
      guard format.isEmpty || Self.digits(format) != nil else {
        throw RecurraError(
          .badArgument, operation: "ModelCheckpoint", expected: "a form such as {epoch:02d} or {\(name):.4f}",
          got: source)
      }
    }
  }

  /// The path with the numbers in their places.
  func text(_ numbers: Logs) -> String {
    parts.map { part in
      switch part {
      case .text(let text): return text
      case .number(let name, let format, let source):
        guard let value = numbers[name] else { return source }
        switch Self.digits(format) {
        case .width(let width)?:
          let digits = fixedText(value, decimals: 0)
          return String(repeating: "0", count: max(0, width - digits.count)) + digits
        case .decimals(let decimals)?: return fixedText(value, decimals: decimals)
        case nil: return value == value.rounded() ? fixedText(value, decimals: 0) : "\(value)"
        }
      }
    }.joined()
  }

  private enum Digits {
    case width(Int)
    case decimals(Int)
  }

  private static func digits(_ format: String) -> Digits? {
    if format.hasSuffix("d"), let width = Int("0" + format.dropLast()), width < 32 { return .width(width) }
    guard format.hasPrefix("."), format.hasSuffix("f"), let decimals = Int(format.dropFirst().dropLast()),
      (0..<32).contains(decimals)
    else { return nil }
    return .decimals(decimals)
  }
}
