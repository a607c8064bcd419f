internal import Recurra

/// What the demonstration of memory measures: which cell still knows a cue after how many words.
struct MemoryStudy {
  /// Accuracies, one for each seed.
  typealias Accuracies = [Double]

  let distances: [Int]
  let cells: [DemoCell]
  let seeds: [UInt64]
  /// The distance at which everything but the accuracies is shown.
  let shown: Int

  /// By cell, then by distance.
  private(set) var accuracies: [DemoCell: [Int: Accuracies]] = [:]
  /// ‖∂h_T/∂h_(T−k)‖ for k = 0, 1 … at the shown distance, of the trained models of the first seed.
  private(set) var gradients: [DemoCell: [Double]] = [:]
  /// The same before training.
  private(set) var firstGradients: [DemoCell: [Double]] = [:]
  /// Where the cue stands behind the question.
  private(set) var cueIsLast: [DemoCell: Accuracies] = [:]
  /// An LSTM whose forget gates begin as Keras', at the shown distance.
  private(set) var plainBias: Accuracies = []
  /// A SimpleRNN where all words between cue and question are the same, and near to the cues, at the shown distance.
  private(set) var alikeWords: Accuracies = []

  init(distances: [Int], cells: [DemoCell] = DemoCell.usual, seeds: [UInt64], shown: Int) {
    self.distances = distances
    self.cells = cells
    self.seeds = seeds
    self.shown = shown
  }

  /// Trains all models; `report` hears of each.
  mutating func run(_ report: (_ what: String, _ accuracy: Double) -> Void) throws {
    for cell in cells {
      for distance in distances {
        let task = MemoryTask(distance: distance)
        for seed in seeds {
          let result = try MemoryTrial(cell: cell, task: task, seed: seed).run()
          report("\(cell.title), \(distance) words between, seed \(seed)", result.accuracy)
          accuracies[cell, default: [:]][distance, default: []].append(result.accuracy)
          if distance == shown, seed == seeds.first { try measure(result.model, cell, task, seed) }
        }
      }
    }
    for cell in cells where cell == .lstm || cell == .bilstm {
      for seed in seeds {
        let task = MemoryTask(distance: 10, cueIsLast: true)
        let accuracy = try MemoryTrial(cell: cell, task: task, seed: seed).run().accuracy
        report("\(cell.title), cue behind the question, seed \(seed)", accuracy)
        cueIsLast[cell, default: []].append(accuracy)
      }
    }
    for seed in seeds where cells.contains(.lstm) {
      let task = MemoryTask(distance: shown)
      let accuracy = try MemoryTrial(cell: .lstm, task: task, seed: seed, hasPlainBias: true).run().accuracy
      report("LSTM with forget gates that begin at 1, seed \(seed)", accuracy)
      plainBias.append(accuracy)
    }
    for seed in seeds where cells.contains(.rnn) {
      let task = MemoryTask(distance: shown, wordsAreAlike: true)
      let accuracy = try MemoryTrial(cell: .rnn, task: task, seed: seed).run().accuracy
      report("SimpleRNN, all words between alike, seed \(seed)", accuracy)
      alikeWords.append(accuracy)
    }
  }

  private mutating func measure(
    _ model: Sequential, _ cell: DemoCell, _ task: MemoryTask, _ seed: UInt64
  ) throws {
    let sentence = task.sentences(1, seed: 2 * seed + 1).words
    gradients[cell] = try model.stateGradientNorms(sentence)[0]
    let fresh = MemoryTrial(cell: cell, task: task, seed: seed).model()
    firstGradients[cell] = try fresh.stateGradientNorms(sentence)[0]
  }

  /// Everything that was measured.
  var json: JSONValue {
    func list(_ numbers: [Double]) -> JSONValue { .array(numbers.map(JSONValue.number)) }
    func byCell(_ value: (DemoCell) -> JSONValue?) -> JSONValue {
      .object(cells.compactMap { cell in value(cell).map { (cell.rawValue, $0) } })
    }
    return .object([
      ("chance", .number(MemoryTask.chance)),
      (
        "accuracy",
        byCell { cell in
          .object(distances.map { (String($0), list(accuracies[cell]?[$0] ?? [])) })
        }
      ),
      ("gradients", byCell { gradients[$0].map(list) }),
      ("gradients_before_training", byCell { firstGradients[$0].map(list) }),
      ("cue_behind_the_question", byCell { cueIsLast[$0].map(list) }),
      ("lstm_with_plain_forget_bias", list(plainBias)),
      ("rnn_with_words_alike", list(alikeWords)),
    ])
  }
}
