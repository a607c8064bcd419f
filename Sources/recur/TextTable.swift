/// A table for a terminal.
struct TextTable {
  let head: [String]
  var rows: [[String]] = []
  /// The columns that are flush left; all others are flush right.
  var leftColumns: Set<Int> = [0]

  /// The lines, and an empty one behind them.
  var text: String {
    let widths = head.indices.map { column in ([head] + rows).map { Self.width(of: $0[column]) }.max() ?? 0 }
    let lines = ([head, widths.map { String(repeating: "─", count: $0) }] + rows).map { row in
      row.indices.map { column in
        let room = String(repeating: " ", count: widths[column] - Self.width(of: row[column]))
        let isLast = column == row.count - 1
        return leftColumns.contains(column) ? row[column] + (isLast ? "" : room) : room + row[column]
      }.joined(separator: "  ")
    }
    return lines.joined(separator: "\n") + "\n\n"
  }

  /// The columns of a terminal that a text takes: two for a Chinese character or an emoji.
  static func width(of text: String) -> Int {
    text.reduce(0) { width, character in
      guard let scalar = character.unicodeScalars.first else { return width }
      switch scalar.value {
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        return width + 2
      default:
        let isEmoji = scalar.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}")
        return width + (isEmoji ? 2 : 1)
      }
    }
  }
}
