internal import Recurra

/// What came of all beginnings.
struct SpeakerReport {
  let results: [SpeakerTrial.Result]

  var text: String { "\(beginnings)\(summary)\n\(confusions)" }

  /// The accuracies from the lowest to the highest.
  private var accuracies: [Double] { results.map(\.accuracy).sorted() }

  /// The middle accuracy; of an even number of them the mean of both.
  var median: Double {
    let (sorted, middle) = (accuracies, results.count / 2)
    return results.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  private var beginnings: String {
    let rows = results.map { result in
      [
        "\(result.seed)", DemoVowels.percent(result.accuracy), Console.decimal(result.loss, 4),
        Console.decimal(result.seconds, 1),
      ]
    }
    return TextTable(head: ["seed", "test accuracy", "training loss", "seconds"], rows: rows).text
  }

  private var summary: String {
    "test accuracy: median \(DemoVowels.percent(median)), lowest \(DemoVowels.percent(accuracies.first ?? 0))\n"
  }

  /// Who was taken for whom, of all beginnings together.
  private var confusions: String {
    let counts = results.map(\.matrix.counts)
    let speakers = 0..<Utterances.speakers
    let rows = speakers.map { speaker in
      let row = speakers.map { other in counts.reduce(0) { $0 + Int($1[speaker][other]) } }
      return ["speaker \(speaker + 1)"] + row.map { $0 == 0 ? "·" : "\($0)" }
    }
    return TextTable(head: ["taken for"] + speakers.map { "\($0 + 1)" }, rows: rows).text
  }
}
