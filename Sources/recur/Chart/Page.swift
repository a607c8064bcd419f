/// One HTML document that needs nothing else: pictures inside, text in English and Chinese, one of them shown at a
/// time.
struct Page {
  /// What stands on a page, from top to bottom.
  enum Part {
    case heading(English, Chinese)
    case paragraph(English, Chinese)
    /// An SVG document.
    case picture(String)
    case table(head: [String], rows: [[String]])
  }

  typealias English = String
  typealias Chinese = String

  let title: (english: String, chinese: String)
  var parts: [Part] = []

  private static let style = """
    body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2937; background: #ffffff;
      font: 16px/1.6 \(Canvas.fonts) }
    h1 { font-size: 1.7rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
    svg { max-width: 100%; height: auto }
    table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .2rem .9rem; text-align: right }
    th { border-bottom: 1px solid #9ca3af } th:first-child, td:first-child { text-align: left }
    label { margin-right: 1rem; cursor: pointer }
    #chinese:checked ~ main [lang=en], #english:checked ~ main [lang=zh] { display: none }
    """

  var document: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <title>\(Canvas.escaped(title.english)) · \(Canvas.escaped(title.chinese))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <input type="radio" name="language" id="english" checked><label for="english">English</label>
    <input type="radio" name="language" id="chinese"><label for="chinese" lang="zh">中文</label>
    <main>
    \(Self.both("h1", title.english, title.chinese))
    \(parts.map(Self.html).joined(separator: "\n"))
    </main>
    </body>
    </html>

    """
  }

  private static func html(_ part: Part) -> String {
    switch part {
    case .heading(let english, let chinese): both("h2", english, chinese)
    case .paragraph(let english, let chinese): both("p", english, chinese)
    case .picture(let svg): "<figure>\n\(svg)</figure>"
    case .table(let head, let rows):
      "<table>\n<tr>\(cells("th", head))</tr>\n\(rows.map { "<tr>\(cells("td", $0))</tr>\n" }.joined())</table>"
    }
  }

  private static func both(_ element: String, _ english: String, _ chinese: String) -> String {
    "<\(element) lang=\"en\">\(Canvas.escaped(english))</\(element)>\n"
      + "<\(element) lang=\"zh\">\(Canvas.escaped(chinese))</\(element)>"
  }

  private static func cells(_ element: String, _ texts: [String]) -> String {
    texts.map { "<\(element)>\(Canvas.escaped($0))</\(element)>" }.joined()
  }
}
