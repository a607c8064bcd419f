/// Collects the elements of an SVG document.
struct Canvas {
  enum TextStyle: String {
    case title
    case label
    case turnedLabel = "label turned"
    case legend
    case tickAtRight = "tick right"
    case tickBelow = "tick below"
  }

  private let width: Double
  private let height: Double
  private var body = ""

  /// Colours that stay apart for colour-blind eyes (Okabe and Ito), on white.
  private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]

  /// Those of the usual systems, Chinese ones too, for those who write a page or a picture.
  static let fonts = """
    "Helvetica Neue", Arial, "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", \
    "WenQuanYi Micro Hei", "Noto Color Emoji", sans-serif
    """

  private static let style = """
    text { font-family: \(fonts); font-size: 12px; fill: #4b5563 }
    .title { font-size: 16px; font-weight: 600; fill: #111827 }
    .label { font-size: 12.5px; fill: #374151; text-anchor: middle }
    .legend { fill: #374151 }
    .right { text-anchor: end }
    .below { text-anchor: middle }
    .tick { font-variant-numeric: tabular-nums }
    .grid { stroke: #e5e7eb }
    .minor { stroke: #f3f4f6 }
    .axis { stroke: #9ca3af }
    .symbol { font-size: 13px; fill: #111827; text-anchor: middle }
    .cells { shape-rendering: crispEdges }
    .frame { fill: none; stroke: #9ca3af; shape-rendering: crispEdges }
    polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
    """

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// The whole document.
  var document: String {
    let size = "\(Self.number(width)) \(Self.number(height))"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" width="\(Self.number(width))" \
      height="\(Self.number(height))" role="img">
      <style>
      \(Self.style)
      </style>
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(body)</svg>

      """
  }

  func move(_ x: Double, _ y: Double) -> String { "translate(\(Self.number(x)) \(Self.number(y)))" }

  mutating func open(_ element: String, _ attributes: [(name: String, value: String)]) {
    body += "<\(element)\(Self.text(attributes))>\n"
  }

  mutating func close(_ element: String) { body += "</\(element)>\n" }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    let places = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)].map { ($0.0, Self.number($0.1)) }
    body += "<line\(Self.text(places + [("class", style)]))/>\n"
  }

  mutating func polyline(_ points: [(x: Double, y: Double)], _ color: Int, isDashed: Bool) {
    let places = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")
    let attributes =
      [("points", places), ("stroke", Self.color(color))] + (isDashed ? [("stroke-dasharray", "6 4")] : [])
    body += "<polyline\(Self.text(attributes))/>\n"
  }

  mutating func dot(_ x: Double, _ y: Double, _ color: Int, isOpen: Bool) {
    let attributes = [
      ("cx", Self.number(x)), ("cy", Self.number(y)), ("r", "3"), ("fill", isOpen ? "#ffffff" : Self.color(color)),
      ("stroke", Self.color(color)), ("stroke-width", "1.5"),
    ]
    body += "<circle\(Self.text(attributes))/>\n"
  }

  /// Rectangles of one size and colour, one element for all of them.
  mutating func cells(_ places: [(x: Double, y: Double)], width: Double, height: Double, _ color: String) {
    guard !places.isEmpty else { return }
    let (width, height) = (Self.number(width), Self.number(height))
    let outline = places.map { "M\(Self.number($0.x)) \(Self.number($0.y))h\(width)v\(height)h-\(width)z" }.joined()
    body += "<path\(Self.text([("class", "cells"), ("fill", color), ("d", outline)]))/>\n"
  }

  mutating func frame(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    let places = [("x", x), ("y", y), ("width", width), ("height", height)].map { ($0.0, Self.number($0.1)) }
    body += "<rect\(Self.text(places + [("class", "frame")]))/>\n"
  }

  mutating func text(_ text: String, x: Double, y: Double, _ style: TextStyle) {
    var attributes = [("x", Self.number(x)), ("y", Self.number(y)), ("class", style.rawValue)]
    if style == .turnedLabel { attributes.append(("transform", "rotate(-90 \(Self.number(x)) \(Self.number(y)))")) }
    body += "<text\(Self.text(attributes))>\(Self.escaped(text))</text>\n"
  }

  /// A symbol of a text above its column.
  mutating func symbol(_ symbol: String, x: Double, y: Double) {
    var attributes = [("x", Self.number(x)), ("y", Self.number(y)), ("class", "symbol")]
    // Without a font that has it, an emoji joined of several comes apart and would cover its neighbours.
    if symbol.unicodeScalars.count > 2 { attributes += [("textLength", "16"), ("lengthAdjust", "spacingAndGlyphs")] }
    body += "<text\(Self.text(attributes))>\(Self.escaped(symbol))</text>\n"
  }

  /// About how wide a text of 12 pixels is: fonts differ, so it errs to the wide side.
  static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2E80 ? 12.5 : $1 == "." || $1 == " " ? 4 : 7.4) }
  }

  private static func color(_ index: Int) -> String { colors[index % colors.count] }

  private static func text(_ attributes: [(name: String, value: String)]) -> String {
    attributes.map { " \($0.name)=\"\(escaped($0.value))\"" }.joined()
  }

  /// A coordinate to a hundredth of a pixel.
  private static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }

  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      // XML has no way to write these at all.
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += " "
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
