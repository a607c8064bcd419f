internal import Recurra
internal import RecurraLayers

/// What training did, as a JSON file: {"epoch": […], "history": {"loss": […], …}, "params": {…}}.
enum HistoryFile {
  /// Reads the numbers by name, one for each epoch; files that hold nothing but the numbers are taken too.
  static func read(_ path: String) throws(RecurraError) -> [String: [Double]] {
    let file = try JSONValue(contentsOf: path)
    guard case .object(let members) = file["history"] ?? file, !members.isEmpty else {
      throw RecurraError(
        .badFile, operation: "read \(path)", expected: "an object of metrics, each a list of numbers", got: "none")
    }
    var metrics: [String: [Double]] = [:]
    for (name, value) in members {
      guard case .array(let elements) = value, !elements.isEmpty else {
        throw RecurraError(.badFile, operation: "read \(path)", expected: "numbers of \(name)", got: value.kind)
      }
      metrics[name] = try elements.map { (element) throws(RecurraError) -> Double in
        switch element {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default:
          throw RecurraError(.badFile, operation: "read \(path)", expected: "a number in \(name)", got: element.kind)
        }
      }
    }
    return metrics
  }
}
