internal import Glibc
internal import RecurraTensor

/// A row of a model's summary: a layer, or an input.
public struct SummaryRow: Sendable {
  /// What the model calls the layer or input.
  public let name: String
  /// The layer; nil for an input.
  public let layer: (any Layer)?
  /// The shapes of its outputs; nil before the model is built.
  public let shapes: [[Int?]]?
  /// What it reads, as Keras writes it: "lstm[0][0]".
  public let connections: [String]

  /// Puts a row together.
  public init(name: String, layer: (any Layer)?, shapes: [[Int?]]?, connections: [String] = []) {
    self.name = name
    self.layer = layer
    self.shapes = shapes
    self.connections = connections
  }

  /// The name and the class.
  fileprivate var title: String { "\(name.oneLine) (\(layer.map { type(of: $0).typeName } ?? "InputLayer"))" }

  fileprivate var shapeText: String {
    guard let shapes else { return "?" }
    let texts = shapes.map { "(" + $0.map { $0.map(String.init) ?? "None" }.joined(separator: ", ") + ")" }
    return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
  }

  fileprivate var countText: String {
    guard let layer else { return "0" }
    return layer.isBuilt ? grouped(layer.parameterCount) : "0 (unbuilt)"
  }

  fileprivate var trainableText: String {
    guard let layer, !layer.parameters.isEmpty else { return "-" }
    return layer.isTrainable ? "Y" : "N"
  }
}

extension Network {
  /// The rows of the summary: layers, of a graph its inputs too, those farthest from the outputs first.
  public var summaryRows: [SummaryRow] {
    let plan = graph.plan
    return plan.rows.map { row in
      switch row {
      case .input(let index):
        let shape = inputShapes?[index] ?? plan.inputs[index].shape
        return SummaryRow(name: inputNames[index], layer: nil, shapes: shape.map { [$0] })
      case .layer(let index):
        let calls = plan.calls(of: index)
        // Keras shows the shapes of the last call; of states that go along with a value it does not speak.
        let shapes = calls.last.flatMap { call in graph.state.value.map { $0.nodes[plan.inputs.count + call] } }
        return SummaryRow(
          name: layerNames[index], layer: layers[index],
          shapes: plan.passesStates ? shapes.map { Array($0.prefix(1)) } : shapes,
          connections: calls.flatMap { plan.calls[$0].inputs }.map { source in
            "\(plan.name(of: source))[\(plan.number(of: source))][\(source.output)]"
          })
      }
    }
  }

  /// Returns the table of layers, output shapes and parameter counts that Keras prints, to the byte; of a graph with
  /// what each layer is connected to.
  ///
  /// - Parameters:
  ///   - lineLength: columns of the table, at least 20, or 40 with `showsTrainable`; Keras' choice when left out: 88,
  ///     108 for a graph, or what the terminal has less 4.
  ///   - showsTrainable: adds a column with Y, N, or - for a layer without parameters.
  ///   - optimizerParameterCount: numbers an optimiser keeps, for the line and the total that Keras prints after
  ///     training.
  public func summary(
    lineLength: Int? = nil, showsTrainable: Bool = false, optimizerParameterCount: Int? = nil
  ) -> String {
    var columns = SummaryColumn.all(isChain: isChain)
    // Each of the table's columns takes 4 at least.
    let (usual, least) = isChain ? (88, showsTrainable ? 40 : 20) : (108, 60)
    let length = max(lineLength ?? min(usual + (showsTrainable ? 12 : 0), Terminal.columns - 4), least)
    if showsTrainable {
      columns = columns.map { SummaryColumn($0.title, $0.alignment, stop: $0.stop * 0.9) }
      columns.append(SummaryColumn("Trainable", .middle, stop: 1))
    }
    let rows = summaryRows.map { row in
      [row.title, row.shapeText, row.countText]
        + (isChain ? [] : [row.connections.isEmpty ? "-" : row.connections.joined(separator: ", ").oneLine])
        + (showsTrainable ? [row.trainableText] : [])
    }
    let table = SummaryTable(
      rows: [columns.map(\.title)] + rows, widths: SummaryColumn.widths(columns, length),
      alignments: columns.map(\.alignment))
    return "Model: \"\(name.oneLine)\"\n" + table.text + totals(optimizerParameterCount)
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
}

/// A column of the table.
private struct SummaryColumn {
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
private struct SummaryTable {
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
