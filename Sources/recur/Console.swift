internal import Glibc
internal import Recurra

/// The two streams of the tool: data on standard output, everything else on standard error.
enum Console {
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
