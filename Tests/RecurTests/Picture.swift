import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What is drawn in an SVG document of the tool.
struct Picture {
  struct Text {
    let content: String
    let style: String
    let x: Double
    let y: Double
  }

  /// A filled rectangle; in a panel its place is that inside the panel.
  struct Cell {
    let x: Double
    let y: Double
    let color: String
  }

  private(set) var polylines: [[(x: Double, y: Double)]] = []
  private(set) var dots: [(x: Double, y: Double)] = []
  private(set) var texts: [Text] = []
  /// The cells of each group.
  private(set) var panels: [[Cell]] = []
  /// The cells outside groups.
  private(set) var cells: [Cell] = []

  /// Reads a document, which must be well-formed.
  init(_ document: String, at location: SourceLocation = #_sourceLocation) {
    let reader = Reader()
    let parser = XMLParser(data: Data(document.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "well-formed SVG", sourceLocation: location)
    self = reader.picture
  }

  private init() {}

  /// The numbers beside the vertical axis, each with its height.
  var verticalTicks: [Text] { texts.filter { $0.style == "tick right" } }

  private final class Reader: NSObject, XMLParserDelegate {
    var picture = Picture()
    private var open: (style: String, x: Double, y: Double)?
    private var content = ""
    private var isInPanel = false

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      func number(_ name: String) -> Double { attributes[name].flatMap(Double.init) ?? .nan }
      switch name {
      case "polyline":
        let points = (attributes["points"] ?? "").split(separator: " ").map { point in
          let numbers = point.split(separator: ",").map { Double($0) ?? .nan }
          return (x: numbers[0], y: numbers[1])
        }
        picture.polylines.append(points)
      case "circle": picture.dots.append((number("cx"), number("cy")))
      case "g":
        picture.panels.append([])
        isInPanel = true
      case "path":
        let cells = (attributes["d"] ?? "").split(separator: "M").map { outline in
          let place = outline.prefix { $0 != "h" }.split(separator: " ").map { Double($0) ?? .nan }
          return Cell(x: place[0], y: place[1], color: attributes["fill"] ?? "")
        }
        if isInPanel { picture.panels[picture.panels.count - 1] += cells } else { picture.cells += cells }
      case "text":
        content = ""
        open = (attributes["class"] ?? "", number("x"), number("y"))
      default: break
      }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { content += string }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      if name == "g" { isInPanel = false }
      guard name == "text", let open else { return }
      picture.texts.append(Text(content: content, style: open.style, x: open.x, y: open.y))
      self.open = nil
    }
  }
}
