internal import Recurra

/// What came of training one cell.
struct DemoRun {
  let cell: DemoCell
  let model: Sequential
  let history: History
  let secondsPerEpoch: Double
  let sequencesPerSecond: Double

  /// The share of held-out words that are right after the last epoch; nil when there was none.
  var accuracy: Double? { history["val_accuracy"]?.last }

  /// The numbers of every epoch.
  var historyText: String {
    history.names.map { name in
      Self.left(name, 14) + (history[name] ?? []).map { Console.decimal($0, 4) }.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// One line for each run.
  static func table(_ runs: [DemoRun]) -> String {
    let head = ["cell", "parameters", "validation accuracy", "seconds per epoch", "sequences per second"]
    let rows = runs.map { run in
      [
        run.cell.title, grouped(run.model.parameterCount), Console.decimal(100 * (run.accuracy ?? 0), 2) + " %",
        Console.decimal(run.secondsPerEpoch, 2), grouped(Int(run.sequencesPerSecond.rounded())),
      ]
    }
    return TextTable(head: head, rows: rows).text
  }

  /// One line for each word: what a model says and what the dictionary says.
  static func answers(_ words: [String], _ probabilities: Tensor) -> String {
    let classes = probabilities.shape[1]
    let values = probabilities.scalars(as: Float.self)
    let rows = words.enumerated().map { index, word -> [String] in
      let row = values[index * classes..<(index + 1) * classes]
      let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
      return [
        word, "\(best - row.startIndex + 1)", Console.decimal(100 * Double(row[best]), 1) + " %",
        SyllableWords.find(word).map { "\($0.syllables)" } ?? "not in it",
      ]
    }
    return TextTable(head: ["word", "syllables", "probability", "dictionary"], rows: rows).text
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// A number with commas between thousands.
  private static func grouped(_ number: Int) -> String {
    var groups: [Substring] = []
    var digits = Substring(String(number))
    while digits.count > 3 {
      groups.insert(digits.suffix(3), at: 0)
      digits = digits.dropLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }
}
