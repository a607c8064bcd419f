internal import Glibc
internal import RecurraTensor

extension Sequential {
  /// Returns the table of layers, output shapes and parameter counts that Keras prints, to the byte.
  ///
  /// - Parameters:
  ///   - lineLength: columns of the table, at least 20, or 40 with `showsTrainable`; Keras' choice when left out: 88,
  ///     or what the terminal has less 4.
  ///   - showsTrainable: adds a column with Y, N, or - for a layer without parameters.
  ///   - optimizerParameterCount: numbers an optimiser keeps, for the line and the total that Keras prints after
  ///     training.
  public func summary(
    lineLength: Int? = nil, showsTrainable: Bool = false, optimizerParameterCount: Int? = nil
  ) -> String {
    var header = ["Layer (type)", "Output Shape", "Param #"]
    if showsTrainable { header.append("Trainable") }
    var rows = [header]
    for (index, layer) in layers.enumerated() {
      let count = layer.isBuilt ? grouped(layer.parameterCount) : "0 (unbuilt)"
      var row = ["\(layerNames[index].oneLine) (\(type(of: layer).typeName))", shapeText(index), count]
      if showsTrainable { row.append(layer.parameters.isEmpty ? "-" : layer.isTrainable ? "Y" : "N") }
      rows.append(row)
    }
    // Each of the table's columns takes 4 at least.
    let length = max(lineLength ?? min(showsTrainable ? 100 : 88, Terminal.columns - 4), showsTrainable ? 40 : 20)
    let table = SummaryTable(rows: rows, widths: columnWidths(length, showsTrainable))
    return "Model: \"\(name.oneLine)\"\n" + table.text + totals(optimizerParameterCount)
  }

  private func shapeText(_ index: Int) -> String {
    guard let shapes = outputShapes else { return "?" }
    return "(" + shapes[index].map { $0.map(String.init) ?? "None" }.joined(separator: ", ") + ")"
  }

  private func totals(_ optimizerParameterCount: Int?) -> String {
    let bytesPerNumber = (dtype ?? .float32).byteCount
    func line(_ title: String, _ count: Int) -> String {
      " \(title): \(grouped(count)) (\(memoryText(count * bytesPerNumber)))\n"
    }
    let trainable = parameters.filter(\.isTrainable).reduce(0) { $0 + $1.count }
    let total = parameterCount
    var text = line("Total params", total + (optimizerParameterCount ?? 0))
    text += line("Trainable params", trainable) + line("Non-trainable params", total - trainable)
    if let optimizerParameterCount { text += line("Optimizer params", optimizerParameterCount) }
    return text
  }

  /// The columns' widths with one space on each side, as Keras chooses and its table then shrinks them.
  private func columnWidths(_ length: Int, _ showsTrainable: Bool) -> [Int] {
    let stops = showsTrainable ? [0.45 * 0.9, 0.8 * 0.9, 0.9, 1] : [0.45, 0.8, 1]
    var widths: [Int] = []
    for stop in stops { widths.append(Int(stop * Double(length)) - widths.reduce(0, +)) }
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
private struct SummaryTable {
  let rows: [[String]]
  let widths: [Int]

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
    // Shapes and names stand left, counts right, the trainable mark in the middle.
    let before = [0, 0, space, space / 2][column]
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

/// Writes a count with a comma after every three digits.
private func grouped(_ count: Int) -> String {
  var text = ""
  for (index, digit) in String(count).reversed().enumerated() {
    if index > 0, index % 3 == 0 { text = "," + text }
    text = String(digit) + text
  }
  return text
}

/// Writes a number of bytes in the largest unit that leaves at least 1, with two decimals.
private func memoryText(_ bytes: Int) -> String {
  var size = Double(bytes)
  var units = ["B", "KB", "MB", "GB", "TB", "PB"][...]
  while size >= 1_024, units.count > 1 {
    size /= 1_024
    units.removeFirst()
  }
  let hundredths = Int((size * 100).rounded(.toNearestOrEven))
  let decimals = hundredths % 100
  return "\(hundredths / 100).\(decimals < 10 ? "0" : "")\(decimals) \(units.first ?? "")"
}

/// What is known about the terminal.
private enum Terminal {
  /// Its columns: the environment's COLUMNS, else the terminal of standard output, else 80.
  static var columns: Int {
    if let text = unsafe getenv("COLUMNS"), let columns = Int(unsafe String(cString: text)), columns > 0 {
      return columns
    }
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
