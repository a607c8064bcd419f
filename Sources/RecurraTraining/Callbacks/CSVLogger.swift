internal import Glibc
public import RecurraTensor

/// Writes the numbers of every epoch to a file of comma-separated values, line by line as epochs end.
///
/// The columns are "epoch" and the names of the first epoch's logs in alphabetical order; a number that a later epoch lacks
/// is NA. Lines end in carriage return and line feed, as Keras writes them.
public final class CSVLogger: Callback {
  private let path: String
  private let separator: String
  private let appends: Bool
  private var descriptor: Int32 = -1
  private var names: [String]?
  private var needsHeader = true

  /// Makes the callback; nothing is written before training begins.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - separator: what stands between two values.
  ///   - append: whether to go on with a file that is there instead of writing it anew.
  public init(_ path: String, separator: String = ",", append: Bool = false) {
    self.path = path
    self.separator = separator
    appends = append
  }

  deinit { close() }

  /// Opens the file.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    close()
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appends ? O_APPEND : O_TRUNC), 0o644)
    guard descriptor >= 0 else { throw failure(.cannotCreate, "a file to write", errno) }
    names = nil
    needsHeader = !appends || lseek(descriptor, 0, SEEK_END) == 0
  }

  /// Writes the epoch's line.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) throws(RecurraError) {
    var text = ""
    let columns: [String]
    if let names {
      columns = names
    } else {
      let own = logs.names.sorted()
      // Room for validation in a run that may get some later, when the file is appended to.
      columns = own.contains { $0.hasPrefix("val_") } ? own : own + own.map { "val_" + $0 }
      names = columns
      if needsHeader { text += (["epoch"] + columns).map(quoted).joined(separator: separator) + "\r\n" }
    }
    let values = columns.map { name in logs[name].map { $0.isNaN ? "nan" : "\($0)" } ?? "NA" }
    text += (["\(epoch)"] + values).joined(separator: separator) + "\r\n"
    let code = writeAll(text, to: descriptor)
    if code != 0 { throw failure(.inputOutput, "to write a line", code) }
  }

  /// Closes the file.
  public func onTrainEnd(_ logs: Logs, _ trainer: Trainer) { close() }

  private func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  private func quoted(_ text: String) -> String {
    guard text.contains(separator) || text.contains("\"") || text.contains("\n") else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  private func failure(_ kind: RecurraError.Kind, _ expected: String, _ code: Int32) -> RecurraError {
    let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    return RecurraError(kind, operation: "CSVLogger \(path)", expected: expected, got: reason)
  }
}
