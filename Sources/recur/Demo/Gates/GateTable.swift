internal import Recurra

/// A reading as text: what can be seen without a browser.
struct GateTable {
  let reading: GateReading

  var text: String {
    var table = TextTable(
      head: ["symbol"] + MemoryAction.allCases.map(\.description) + ["mean i", "mean f", "mean o", "", "next"],
      leftColumns: [0, 9])
    for (step, symbol) in reading.symbols.enumerated() {
      let shares = MemoryAction.allCases.map { Self.percent(reading.share(of: $0, at: step)) }
      let means = ["input", "forget", "output"].map { Console.decimal(reading.mean(of: $0, at: step), 2) }
      let guess = reading.guesses[step].first
      table.rows.append(
        [GateText.shown(symbol) + (reading.isKnown[step] ? "" : " ?")] + shares + means
          + [Self.percent(guess?.probability ?? 0), guess?.text ?? ""])
    }
    let count = reading.symbols.count
    let head = """
      \(reading.text): \(count) symbol\(count == 1 ? "" : "s"), read by an LSTM of \
      \(reading.units) units


      """
    return head + table.text + key + unknown
  }

  private var key: String {
    """
    keep, fuse, clear, replace: the share of units whose gates (i, f) are (0, 1), (1, 1), (0, 0) or (1, 0).
    A gate counts as 1 from \(reading.threshold) on. next: the likeliest symbol behind this one, and its probability.

    """
  }

  private var unknown: String {
    let symbols = reading.unknown
    guard !symbols.isEmpty else { return "" }
    return """
      ?: the model does not know \(symbols.map(GateText.shown).joined(separator: ", ")).
      It takes each for any rare symbol, as all that come up fewer than three times in what it has read.

      """
  }

  private static func percent(_ share: Double) -> String { Console.decimal(100 * share, 0) + " %" }
}

extension GateReading.Guess {
  /// The symbol as it can be seen.
  var text: String { symbol.map(GateText.shown) ?? "(rare)" }
}
