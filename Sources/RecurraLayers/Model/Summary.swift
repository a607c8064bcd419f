internal import Glibc
internal import RecurraTensor

extension Network {
  /// The rows of the summary: layers, of a graph its inputs too, those farthest from the outputs first.
  public var summaryRows: [SummaryRow] {
    let plan = graph.plan
    return plan.rows.map { row in
      switch row {
      case .input(let index):
        let shape = inputShapes?[index] ?? plan.inputs[index].shape
        return SummaryRow(name: graph.plan.inputs[index].name, layer: nil, shapes: shape.map { [$0] })
      case .layer(let index):
        let calls = plan.callsOfLayers[index]
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
    let isChain = isChain
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

/// Writes a count with a comma after every three digits.
func grouped(_ count: Int) -> String {
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
