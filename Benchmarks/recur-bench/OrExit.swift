internal import ArgumentParser

/// Does what cannot fail with the inputs that a benchmark makes; if it does, the program ends with the error.
func orExit<Result>(_ body: () throws -> Result) -> Result {
  do { return try body() } catch { RecurBench.exit(withError: error) }
}
