internal import RecurraTensor

extension Network {
  /// Adds a layer's name to an error, since a model may have several of a class, and a remedy to one about data.
  func naming<Result>(
    _ name: String, remedy: @autoclosure () -> String? = nil, _ body: () throws(RecurraError) -> Result
  ) throws(RecurraError) -> Result {
    do { return try body() } catch {
      let shown = name.unicodeScalars.dropFirst(60).isEmpty ? name : name.excerpt
      let remedy = error.kind == .badData ? remedy().map { " (\($0))" } ?? "" : ""
      throw RecurraError(
        error.kind, operation: "\(shown) (\(error.operation))", expected: error.expected + remedy, got: error.got)
    }
  }
}
