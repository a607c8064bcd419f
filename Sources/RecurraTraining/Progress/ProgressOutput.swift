internal import Glibc

/// Where progress is written, and what is known about that place.
public struct ProgressOutput: Sendable {
  /// Writes a text at once.
  public let write: @Sendable (String) -> Void
  /// Tells whether a person watches, so that a line may be drawn over.
  let isTerminal: Bool
  /// Tells whether colours and bold type are wanted.
  let usesColor: Bool
  /// Seconds since some fixed moment.
  let now: @Sendable () -> Double

  /// Makes an output.
  ///
  /// - Parameters:
  ///   - isTerminal: whether a line may be drawn over; `Verbosity.auto` draws a bar only then.
  ///   - usesColor: whether escape sequences for colours may be written.
  ///   - write: writes a text at once.
  public init(isTerminal: Bool, usesColor: Bool, write: @escaping @Sendable (String) -> Void) {
    self.init(isTerminal: isTerminal, usesColor: usesColor, now: Self.monotonicSeconds, write: write)
  }

  package init(
    isTerminal: Bool, usesColor: Bool, now: @escaping @Sendable () -> Double,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.usesColor = usesColor
    self.now = now
    self.write = write
  }

  /// The standard output, in order with what `print` writes; without colours when `NO_COLOR` is set.
  public static var standardOutput: ProgressOutput {
    ProgressOutput(isTerminal: isatty(STDOUT_FILENO) == 1, usesColor: wantsColor) { text in
      print(text, terminator: "")
      // nil: every stream, since the standard one is a variable that Swift cannot share between threads.
      _ = fflush(nil)
    }
  }

  /// The standard error stream; without colours when `NO_COLOR` is set.
  public static var standardError: ProgressOutput {
    ProgressOutput(isTerminal: isatty(STDERR_FILENO) == 1, usesColor: wantsColor) { text in
      _ = writeAll(text, to: STDERR_FILENO)
    }
  }

  private static var wantsColor: Bool {
    guard let value = unsafe getenv("NO_COLOR") else { return true }
    return unsafe value.pointee == 0
  }

  private static let monotonicSeconds: @Sendable () -> Double = {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// Writes a whole text to a file descriptor; returns 0, or the error number.
func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
  var text = text
  return text.withUTF8 { bytes in
    var done = 0
    while done < bytes.count {
      let count = unsafe write(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      done += count
    }
    return 0
  }
}

/// A number with a fixed count of decimals, rounded from its exact binary value as C and Python do.
func fixedText(_ value: Double, decimals: Int) -> String { formatted("%.\(decimals)f", value) }

/// A number with one digit before the point and four after it.
func scientificText(_ value: Double) -> String { formatted("%.4e", value) }

/// A number as progress shows it: four decimals, or four digits behind the first one where that would show too few.
///
/// - Parameter size: what is compared with 1e-3 to choose between the two; the magnitude when left out.
func progressText(_ value: Double, size: Double? = nil) -> String {
  (size ?? value.magnitude) > 1e-3 ? fixedText(value, decimals: 4) : scientificText(value)
}

private func formatted(_ format: String, _ value: Double) -> String {
  // C writes the sign of a NaN, Python does not.
  if value.isNaN { return "nan" }
  return unsafe withVaList([value]) { arguments in
    unsafe String(unsafeUninitializedCapacity: 400) { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe Int(vsnprintf($0.baseAddress, 400, format, arguments)) }
    }
  }
}
