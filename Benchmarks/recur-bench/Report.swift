import Glibc

/// What the benchmark tells while it runs: figures on standard output, what is being timed on standard error.
enum Report {
  /// Prints a line of figures at once, also where a pipe would keep it back until the end.
  static func line(_ text: String) {
    print(text)
    // nil: every stream, since the standard one is a variable that Swift cannot share between threads.
    _ = fflush(nil)
  }

  /// A number of things in words: "1 thread", "2 threads".
  static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

  /// Says what is timed next, for some cases take minutes; on a terminal the figures themselves show it.
  static func timing(_ what: String) {
    if isatty(STDOUT_FILENO) == 0 { note("timing \(what)") }
  }

  /// Says something besides the figures.
  static func note(_ what: String) {
    let text = Array("recur-bench: \(what)\n".utf8)
    _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
