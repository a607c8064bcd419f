internal import Glibc
internal import Recurra

/// The two streams of the tool: data on standard output, everything else on standard error.
enum Console {
  /// Gives standard streams that are closed a place where nothing can be read or written.
  ///
  /// Otherwise the next file that is opened would take the number of one, and what is meant for the stream would end up
  /// in it.
  static func occupyClosedStreams() {
    for (descriptor, mode) in [(0, O_WRONLY), (1, O_RDONLY), (2, O_RDONLY)] as [(Int32, Int32)] {
      if fcntl(descriptor, F_GETFD) == -1 { _ = unsafe open("/dev/null", mode) }
    }
  }

  /// Writes a line for people.
  static func error(_ line: String) { try? write(line + "\n", to: 2, "standard error") }

  /// Writes data; a reader that has gone away is an error like a full disk.
  static func output(_ text: String) throws(RecurraError) { try write(text, to: 1, "standard output") }

  /// A number in decimal digits, rounded to `decimals` of them.
  static func decimal(_ value: Double, _ decimals: Int) -> String {
    let scaled = (abs(value) * pow(10, Double(decimals))).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let digits = String(Int(scaled))
    guard decimals > 0 else { return sign + digits }
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// Writes a warning for people.
  static func warning(_ text: String) { error("recur: warning: \(text.escaped)") }

  private static func write(_ text: String, to descriptor: Int32, _ name: String) throws(RecurraError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw RecurraError(
          .inputOutput, operation: "write to \(name)", expected: "room for \(bytes.count) bytes",
          got: unsafe String(cString: strerror(errno)))
      }
      bytes = bytes.dropFirst(count)
    }
  }
}

extension String {
  /// The text on one line, of a length that can be read, and without what could upset a terminal.
  var escaped: String {
    let limit = 1_000
    let isCut = !unicodeScalars.dropFirst(limit).isEmpty
    return unicodeScalars.prefix(limit).map { Self.escaped($0) }.joined() + (isCut ? "…" : "")
  }

  /// The text with its lines, without what could upset a terminal.
  var printable: String { unicodeScalars.map { $0 == "\n" ? "\n" : Self.escaped($0) }.joined() }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
    default: String(scalar)
    }
  }
}
