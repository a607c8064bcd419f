/// A picture of numbers over time: a column for each symbol, a row for each unit.
struct HeatMap {
  /// What the colours stand for.
  enum Key {
    case scale(ColorScale)
    /// A name for each colour; those of all maps stand below them.
    case names([(name: String, color: String)])
  }

  let title: String
  let columns: [String]
  /// Numbers of colours: [column][row].
  let levels: [[Int]]
  let key: Key
  /// What stands at the left, and how far down, 0 to 1.
  let rowLabels: [(share: Double, text: String)]

  /// A map of the numbers [column][row] themselves.
  init(title: String, columns: [String], values: [[Double]], scale: ColorScale) {
    let rows = values.first?.count ?? 0
    self.init(
      title: title, columns: columns, levels: values.map { $0.map(scale.level) }, key: .scale(scale),
      rowLabels: Self.unitLabels(rows))
  }

  init(title: String, columns: [String], levels: [[Int]], key: Key, rowLabels: [(share: Double, text: String)]) {
    self.title = title
    self.columns = columns
    self.levels = levels
    self.key = key
    self.rowLabels = rowLabels
  }

  /// The numbers of the first unit, the last one and some between.
  static func unitLabels(_ count: Int) -> [(share: Double, text: String)] {
    ([1] + (1...4).map { $0 * count / 4 }.filter { $0 > 1 }).map { unit in
      ((Double(unit) - 0.5) / Double(count), "\(unit)")
    }
  }

  private var colors: [String] {
    switch key {
    case .scale(let scale): scale.colors
    case .names(let names): names.map(\.color)
    }
  }

  private var names: [(name: String, color: String)] {
    if case .names(let names) = key { names } else { [] }
  }

  /// Returns one SVG document with the maps, which are of one size and kind, side by side.
  static func svg(_ maps: [HeatMap]) -> String {
    let rows = maps.map { $0.levels.first?.count ?? 0 }.max() ?? 0
    let names = maps.first?.names ?? []
    let layout = Layout(
      columns: maps.map(\.columns.count).max() ?? 0, rows: rows, maps: maps.count, hasScales: names.isEmpty)
    let positions = layout.legendPositions(names.map(\.name))
    let height = layout.height + (positions.last.map { $0.y + 30 } ?? 0)
    var canvas = Canvas(width: layout.width, height: height)
    for (index, map) in maps.enumerated() {
      let position = layout.position(index)
      canvas.open("g", [("transform", canvas.move(position.x, position.y))])
      map.draw(on: &canvas, layout)
      canvas.close("g")
    }
    for (entry, position) in zip(names, positions) {
      let y = layout.height + position.y
      canvas.cells([(position.x, y)], width: 14, height: 14, entry.color)
      canvas.text(entry.name, x: position.x + 20, y: y + 11.5, .legend)
    }
    return canvas.document
  }

  private func draw(on canvas: inout Canvas, _ layout: Layout) {
    canvas.text(title, x: layout.left, y: 22, .title)
    for (column, label) in columns.enumerated() {
      canvas.symbol(label, x: layout.x(column) + layout.cellWidth / 2, y: layout.top - 6)
    }
    for label in rowLabels {
      let y = layout.top + label.share * layout.plotHeight
      canvas.text(label.text, x: layout.left - 6, y: y + 4, .tickAtRight)
    }
    for (level, color) in colors.enumerated() {
      let positions = levels.enumerated().flatMap { column, rows in
        rows.enumerated().filter { $0.element == level }.map { (layout.x(column), layout.y($0.offset)) }
      }
      // One pixel between columns tells the symbols apart.
      canvas.cells(positions, width: layout.cellWidth - 1, height: layout.cellHeight, color)
    }
    canvas.frame(
      layout.left - 1, layout.top - 1, layout.cellWidth * Double(columns.count) + 1, layout.plotHeight + 2)
    if case .scale(let scale) = key { drawScale(scale, on: &canvas, layout) }
  }

  private func drawScale(_ scale: ColorScale, on canvas: inout Canvas, _ layout: Layout) {
    let (y, width) = (layout.top + layout.plotHeight + 12, 3.0)
    for (index, color) in scale.colors.enumerated() {
      canvas.cells([(layout.left + width * Double(index), y)], width: width, height: 9, color)
    }
    let whole = width * Double(scale.colors.count)
    canvas.frame(layout.left - 1, y - 1, whole + 2, 11)
    let (lower, upper) = (scale.range.lowerBound, scale.range.upperBound)
    for (share, value) in [(0, lower), (0.5, (lower + upper) / 2), (1, upper)] {
      canvas.text(Self.number(value), x: layout.left + share * whole, y: y + 24, .tickBelow)
    }
  }

  private static func number(_ value: Double) -> String {
    let text = Console.decimal(value, value == value.rounded() ? 0 : 1)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}

/// Where everything stands.
private struct Layout {
  /// Room for the numbers at the left.
  let left = 44.0
  let top = 54.0
  let cellWidth: Double
  let cellHeight: Double
  let plotHeight: Double
  private let panelWidth: Double
  private let panelHeight: Double
  private let perRow: Int
  private let maps: Int

  init(columns: Int, rows: Int, maps: Int, hasScales: Bool) {
    cellWidth = min(max((242 / Double(max(columns, 1))).rounded(.down), 17), 44)
    cellHeight = min(max((256 / Double(max(rows, 1))).rounded(.down), 2), 12)
    plotHeight = cellHeight * Double(rows)
    panelWidth = left + max(200, cellWidth * Double(columns)) + 14
    panelHeight = top + plotHeight + (hasScales ? 52 : 18)
    perRow = max(1, min(3, maps, Int(960 / panelWidth)))
    self.maps = maps
  }

  var width: Double { panelWidth * Double(perRow) }
  var height: Double { panelHeight * Double((maps + perRow - 1) / perRow) }

  func position(_ index: Int) -> (x: Double, y: Double) {
    (panelWidth * Double(index % perRow), panelHeight * Double(index / perRow))
  }

  func x(_ column: Int) -> Double { left + cellWidth * Double(column) }
  func y(_ row: Int) -> Double { top + cellHeight * Double(row) }

  /// Where names stand below the maps: in one row, or in two where that is too wide.
  func legendPositions(_ names: [String]) -> [(x: Double, y: Double)] {
    let needed = 38 + (names.map(Canvas.width).max() ?? 0)
    let inRow = left + needed * Double(names.count) <= width ? names.count : (names.count + 1) / 2
    return names.indices.map { index in
      (left + needed * Double(index % max(inRow, 1)), 22 * Double(index / max(inRow, 1)))
    }
  }
}
