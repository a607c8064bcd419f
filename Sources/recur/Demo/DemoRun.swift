internal import ArgumentParser
internal import Recurra

/// The recurrent layers that the demonstration compares.
enum DemoCell: String, CaseIterable {
  case rnn
  case lstm
  case gru
  case bilstm
  /// Two BiLSTMs, joined after every layer.
  case joined = "bilstm-joined"
  /// Two LSTMs each way, joined on top.
  case stacks = "bilstm-stacks"

  /// Those of the lesson's table.
  static let usual: [DemoCell] = [.rnn, .lstm, .gru, .bilstm]
  /// Both forms of a deep BiLSTM, beside the flat one.
  static let deep: [DemoCell] = [.bilstm, .joined, .stacks]

  /// Reads a list with commas.
  static func list(_ text: String) throws -> [DemoCell] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let cell = DemoCell(rawValue: String(name)) else {
        let known = allCases.map(\.rawValue).joined(separator: ",")
        throw ValidationError("Expected cells among \(known), got \(name.isEmpty ? "none" : name).")
      }
      return cell
    }
  }

  var title: String {
    switch self {
    case .rnn: "SimpleRNN"
    case .lstm: "LSTM"
    case .gru: "GRU"
    case .bilstm: "BiLSTM"
    case .joined: "BiLSTM, joined twice"
    case .stacks: "BiLSTM, two stacks"
    }
  }

  /// The lesson's program around this cell.
  func model(seed: UInt64) -> Sequential {
    Sequential(seed: seed) {
      Embedding(inputDim: SyllableWords.vocabulary, outputDim: 60, maskZero: true)
      switch self {
      case .rnn: SimpleRNN(units: 100)
      case .lstm: LSTM(units: 100)
      case .gru: GRU(units: 100)
      case .bilstm: Bidirectional(LSTM(units: 100))
      case .joined:
        Bidirectional(LSTM(units: 100, returnSequences: true))
        Bidirectional(LSTM(units: 100))
      case .stacks: Bidirectional([LSTM(units: 100), LSTM(units: 100)])
      }
      Dense(units: 10, activation: .relu)
      Dense(units: SyllableWords.classes, activation: .softmax)
    }
  }
}

/// Measures the epochs of a run.
final class Stopwatch: Callback {
  private let clock = ContinuousClock()
  private var epochStart = ContinuousClock.now
  private var batchEnd = ContinuousClock.now
  private var batches = 0
  private var training = Duration.zero
  private var total = Duration.zero
  private var epochs = 0

  func onEpochBegin(_ epoch: Int, _ trainer: Trainer) {
    epochStart = clock.now
    batchEnd = epochStart
  }

  func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) {
    let now = clock.now
    training += now - batchEnd
    batchEnd = now
    batches += 1
  }

  func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    total += clock.now - epochStart
    epochs += 1
  }

  /// Validation included.
  var secondsPerEpoch: Double { total / .seconds(max(epochs, 1)) }
  /// Training alone.
  var batchesPerSecond: Double { Double(batches) / max(training / .seconds(1), 1e-9) }
}

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
    return text(head, rows)
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
    return text(["word", "syllables", "probability", "dictionary"], rows)
  }

  /// A table whose first column is flush left and whose others are flush right.
  private static func text(_ head: [String], _ rows: [[String]]) -> String {
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    let lines = ([head, widths.map { String(repeating: "─", count: $0) }] + rows).map { row in
      row.indices.map { $0 == 0 ? left(row[0], widths[0]) : right(row[$0], widths[$0]) }.joined(separator: "  ")
    }
    return lines.joined(separator: "\n") + "\n\n"
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
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
