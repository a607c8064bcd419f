internal import Glibc
public import RecurraLayers
public import RecurraTensor

/// Writes the numbers of every epoch to a file of comma-separated values, line by line as epochs end.
///
/// The columns are "epoch" and the names of the first epoch's logs in alphabetical order; a number that a later epoch
/// lacks is NA. Lines end in carriage return and line feed, as Keras writes them. A run that goes on from a saved state
/// first cuts off the lines that were written behind it, so that none is there twice. No path gets into a saved state:
/// who continues a run from a file gives the callback again.
public final class CSVLogger: Callback {
  /// Keras' name of the class.
  public static let typeName = "CSVLogger"

  private let path: String
  private let separator: String
  private let appends: Bool
  private var descriptor: Int32 = -1
  private var names: [String]?
  private var needsHeader = true
  /// The bytes of the file; nil before it was opened, and for a pipe or device.
  private var length: Int?

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

  /// The settings in Keras' names, without the path.
  public var configuration: [String: JSONValue] {
    ["separator": .string(separator), "append": .bool(appends)]
  }

  /// The columns, and the bytes of the file so far.
  public var state: JSONValue {
    // A state that outlasts a loss of power must find the lines it counts.
    if descriptor >= 0 { _ = fsync(descriptor) }
    return .object([
      ("columns", names.map { .array($0.map { .string($0) }) } ?? .null), ("length", JSONValue(count: length)),
      ("needs_header", .bool(needsHeader)),
    ])
  }

  /// Takes back what `state` gave.
  public func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    let members = try CallbackState(
      state, tensors, of: Self.typeName, names: ["columns", "length", "needs_header"])
    let (columns, length) = (try members.optionalTexts("columns"), try members.optionalCount("length"))
    needsHeader = try members.bool("needs_header")
    (names, self.length) = (columns, length)
  }

  /// Opens the file; where the run goes on, at the end of the last line that its state knows.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {
    close()
    let goesOn = trainer.isResuming && length != nil
    let mode = goesOn ? 0 : appends ? O_APPEND : O_TRUNC
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0o644)
    guard descriptor >= 0 else { throw failure(.cannotCreate, "a file to write", errno) }
    if goesOn {
      try cut()
    } else {
      let end = Int(lseek(descriptor, 0, SEEK_END))
      length = isPlainFile ? end : nil
      guard !trainer.isResuming else { return }
      names = nil
      needsHeader = !appends || end == 0
    }
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
    length = length.map { $0 + text.utf8.count }
  }

  /// Closes the file.
  public func onTrainEnd(_ logs: Logs, _ trainer: Trainer) { close() }

  /// Takes away what was written behind the state that the run goes on from.
  private func cut() throws(RecurraError) {
    guard let length else { return }
    let end = Int(lseek(descriptor, 0, SEEK_END))
    guard end >= length else {
      throw RecurraError(
        .badFile, operation: "CSVLogger \(path)", expected: "the \(length) bytes that the run had written",
        got: end < 0 ? "no plain file" : "\(end)")
    }
    if ftruncate(descriptor, off_t(length)) != 0 { throw failure(.inputOutput, "to cut the file", errno) }
    _ = lseek(descriptor, off_t(length), SEEK_SET)
  }

  private var isPlainFile: Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  private func quoted(_ text: String) -> String {
    // Bytes, because a carriage return and a line feed are one character in Swift.
    let isSpecial = text.utf8.contains { [UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains($0) }
    guard isSpecial || text.contains(separator) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  private func failure(_ kind: RecurraError.Kind, _ expected: String, _ code: Int32) -> RecurraError {
    let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    return RecurraError(kind, operation: "CSVLogger \(path)", expected: expected, got: reason)
  }
}
