/// A column of the table.
struct SummaryColumn {
  enum Alignment {
    case left, middle, right
  }

  let title: String
  let alignment: Alignment
  /// Where it ends, as a share of the whole.
  let stop: Double

  init(_ title: String, _ alignment: Alignment, stop: Double) {
    (self.title, self.alignment, self.stop) = (title, alignment, stop)
  }

  /// Keras' columns; one more for a graph that is no chain.
  static func all(isChain: Bool) -> [SummaryColumn] {
    let stops = isChain ? [0.45, 0.8, 1] : [0.3, 0.56, 0.74, 1]
    let columns = [
      SummaryColumn("Layer (type)", .left, stop: stops[0]), SummaryColumn("Output Shape", .left, stop: stops[1]),
      SummaryColumn("Param #", .right, stop: stops[2]),
    ]
    return isChain ? columns : columns + [SummaryColumn("Connected to", .left, stop: stops[3])]
  }

  /// The columns' widths with one space on each side, as Keras chooses and its table then shrinks them.
  static func widths(_ columns: [SummaryColumn], _ length: Int) -> [Int] {
    var widths: [Int] = []
    for column in columns { widths.append(Int(column.stop * Double(length)) - widths.reduce(0, +)) }
    widths = widths.map { $0 + 2 }
    // The borders take a column each; what is too much is taken from all columns alike.
    var excess = widths.reduce(0, +) + widths.count + 1 - length
    for index in widths.indices {
      let share = (Double(excess) / Double(widths.count - index)).rounded(.toNearestOrEven)
      widths[index] -= min(widths[index], Int(share))
      excess -= Int(share)
    }
    return widths
  }
}

/// A table in box-drawing characters.
struct SummaryTable {
  let rows: [[String]]
  let widths: [Int]
  let alignments: [SummaryColumn.Alignment]

  /// The lines of the table, each ended.
  var text: String {
    var lines = [rule("┏", "━", "┳", "┓")]
    for (index, row) in rows.enumerated() {
      lines += cells(row, border: index == 0 ? "┃" : "│")
      if index == 0 {
        lines.append(rule("┡", "━", "╇", "┩"))
      } else if index < rows.count - 1 {
        lines.append(rule("├", "─", "┼", "┤"))
      }
    }
    lines.append(rule("└", "─", "┴", "┘"))
    return lines.joined(separator: "\n") + "\n"
  }

  private func rule(_ left: String, _ line: String, _ crossing: String, _ right: String) -> String {
    left + widths.map { String(repeating: line, count: $0) }.joined(separator: crossing) + right
  }

  /// One row of the table; a text too long for its column goes on in the next line.
  private func cells(_ row: [String], border: String) -> [String] {
    let columns = zip(row, widths).map { wrapped($0, width: $1 - 2) }
    return (0..<(columns.map(\.count).max() ?? 0)).map { line in
      let parts = columns.enumerated().map { index, lines in
        " " + aligned(line < lines.count ? lines[line] : "", width: widths[index] - 2, column: index) + " "
      }
      return border + parts.joined(separator: border) + border
    }
  }

  private func aligned(_ text: String, width: Int, column: Int) -> String {
    let space = max(width - text.count, 0)
    let before =
      switch alignments[column] {
      case .left: 0
      case .middle: space / 2
      case .right: space
      }
    return String(repeating: " ", count: before) + text + String(repeating: " ", count: space - before)
  }

  /// Breaks a text between words; a word longer than the line ends in an ellipsis.
  private func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { $0.count > width ? $0.prefix(max(width - 1, 0)) + "…" : $0 }
  }
}
