internal import Glibc

/// A variable that whoever starts the process may set; one that is set to nothing counts as unset.
package struct EnvironmentVariable<Value: Sendable>: Sendable {
  private let name: String
  private let expected: String
  private let parse: @Sendable (String) -> Value?

  /// Makes a variable whose text means what `parse` makes of it; nil is for text that means nothing.
  package init(_ name: String, expected: String, parse: @escaping @Sendable (String) -> Value?) {
    (self.name, self.expected, self.parse) = (name, expected, parse)
  }

  /// What the variable says; nil where it is not set.
  ///
  /// - Throws: `badArgument` where its text means nothing.
  package func value() throws(RecurraError) -> Value? {
    guard let bytes = getenv(name), bytes.pointee != 0 else { return nil }
    let text = String(cString: bytes)
    if let value = parse(text) { return value }
    throw RecurraError(.badArgument, operation: name, expected: expected, got: text.excerpt)
  }

  /// The same for whoever cannot throw: text that means nothing is said on standard error, and counts as unset.
  package func valueOrWarning() -> Value? {
    do throws(RecurraError) {
      return try value()
    } catch {
      let line = "Recurra: \(error.description), which is ignored\n"
      _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
      return nil
    }
  }
}
