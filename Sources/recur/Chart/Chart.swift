/// Lines or points over a pair of axes, drawn as SVG.
struct Chart {
  /// One line or cloud of points.
  struct Series {
    enum Style {
      case line
      /// For the second of two lines that belong together, so that they are told apart without colour too.
      case dashed
      case points
    }

    var name: String
    var points: [(x: Double, y: Double)]
    var style = Style.line
    /// Series of one number have one colour.
    var color: Int

    /// Few values are values and not a curve: each is shown.
    var showsPoints: Bool { style == .points || points.count <= 30 }
  }

  var title: String
  var horizontalLabel: String
  var verticalLabel: String
  var series: [Series]
  var hasLogarithmicX = false
  var hasLogarithmicY = false
  /// Ticks between whole numbers mean nothing where x counts, as epochs do.
  var countsAlongX = false

  /// Returns one SVG document with the charts side by side, at most `columns` in a row.
  static func svg(_ charts: [Chart], columns: Int = 2) -> String {
    let size = (width: 560.0, height: 400.0)
    let columns = min(columns, charts.count)
    let rows = (charts.count + columns - 1) / max(columns, 1)
    var canvas = Canvas(width: size.width * Double(columns), height: size.height * Double(rows))
    for (index, chart) in charts.enumerated() {
      canvas.open(
        "g", [("transform", canvas.move(size.width * Double(index % columns), size.height * Double(index / columns)))])
      chart.draw(on: &canvas, size.width, size.height)
      canvas.close("g")
    }
    return canvas.document
  }

  private func draw(on canvas: inout Canvas, _ width: Double, _ height: Double) {
    let visible = series.map { series in series.points.filter(isVisible) }
    let points = visible.flatMap { $0 }
    let vertical = Axis(points.map(\.y), isLogarithmic: hasLogarithmicY, isWhole: false, tickCount: 6, margin: 0.04)
    let horizontal = Axis(
      points.map(\.x), isLogarithmic: hasLogarithmicX, isWhole: countsAlongX, tickCount: 8, margin: 0.02)
    let labelWidth = vertical.ticks.map { Canvas.width(of: $0.label) }.max() ?? 0
    let left = 44 + labelWidth
    let right = width - 24
    let legend = legendPlaces(left, right)
    let frame = Frame(left: left, top: 48 + (legend.last.map { $0.y + 24 } ?? 0), right: right, bottom: height - 56)

    canvas.text(title, x: frame.left, y: 28, .title)
    for (series, place) in zip(series, legend) { drawKey(of: series, on: &canvas, place.x, 50 + place.y) }
    for tick in vertical.ticks {
      let y = frame.y(tick.share)
      canvas.line(frame.left, y, frame.right, y, tick.isMinor ? "minor" : "grid")
      if !tick.label.isEmpty { canvas.text(tick.label, x: frame.left - 8, y: y + 4, .tickAtRight) }
    }
    for tick in horizontal.ticks {
      let x = frame.x(tick.share)
      canvas.line(x, frame.top, x, frame.bottom, tick.isMinor ? "minor" : "grid")
      if !tick.label.isEmpty { canvas.text(tick.label, x: x, y: frame.bottom + 18, .tickBelow) }
    }
    canvas.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    canvas.line(frame.left, frame.top, frame.left, frame.bottom, "axis")
    canvas.text(horizontalLabel, x: (frame.left + frame.right) / 2, y: height - 16, .label)
    canvas.text(verticalLabel, x: 20, y: (frame.top + frame.bottom) / 2, .turnedLabel)
    if points.isEmpty {
      canvas.text("no value to show", x: (left + right) / 2, y: (frame.top + frame.bottom) / 2, .label)
    }

    for series in series {
      let runs = series.points.split(omittingEmptySubsequences: true) { !isVisible($0) }.map { run in
        run.map { (x: frame.x(horizontal.share(of: $0.x)), y: frame.y(vertical.share(of: $0.y))) }
      }
      if series.style != .points {
        for run in runs where run.count > 1 { canvas.polyline(run, series.color, isDashed: series.style == .dashed) }
      }
      // A value alone between gaps has no line to show it.
      for run in runs where series.showsPoints || run.count == 1 {
        for point in run { canvas.dot(point.x, point.y, series.color, isOpen: series.style == .dashed) }
      }
    }
  }

  /// Where the keys of the series stand, row by row, from the first one on; none for a single series.
  private func legendPlaces(_ left: Double, _ right: Double) -> [(x: Double, y: Double)] {
    guard series.count > 1 else { return [] }
    var places: [(x: Double, y: Double)] = []
    var (x, y) = (left, 0.0)
    for series in series {
      let width = 28 + Canvas.width(of: series.name)
      if x > left && x + width > right { (x, y) = (left, y + 18) }
      places.append((x, y))
      x += width + 16
    }
    return places
  }

  private func drawKey(of series: Series, on canvas: inout Canvas, _ x: Double, _ y: Double) {
    let isDashed = series.style == .dashed
    if series.style != .points { canvas.polyline([(x, y), (x + 22, y)], series.color, isDashed: isDashed) }
    if series.showsPoints { canvas.dot(x + 11, y, series.color, isOpen: isDashed) }
    canvas.text(series.name, x: x + 28, y: y + 4, .legend)
  }

  private func isVisible(_ point: (x: Double, y: Double)) -> Bool {
    point.x.isFinite && point.y.isFinite && (point.x > 0 || !hasLogarithmicX) && (point.y > 0 || !hasLogarithmicY)
  }
}

/// The rectangle between the axes.
private struct Frame {
  let left: Double
  let top: Double
  let right: Double
  let bottom: Double

  func x(_ share: Double) -> Double { left + share * (right - left) }
  func y(_ share: Double) -> Double { bottom - share * (bottom - top) }
}
