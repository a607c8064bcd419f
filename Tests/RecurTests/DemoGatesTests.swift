import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// The numbers and pictures of the demonstration of gates.
@Suite struct DemoGatesTests {
  private let tool: Tool
  private static let lessons = ["小猫爱吃鱼", "the cat sat"]
  private static let actions = ["keep", "fuse", "clear", "replace"]

  init() throws { tool = try Tool() }

  /// Reads a text; nothing may be said on standard error, as training would.
  private func read(_ text: String, _ options: String...) throws -> (output: String, results: JSONValue) {
    let output = try tool.output(["demo", "gates", text, "--output", "made"] + options)
    return (output, try JSONValue(parsing: Array(tool.bytes("made/results.json"))))
  }

  private func numbers(_ value: JSONValue?) -> [[Double]] {
    guard case .array(let rows)? = value else { return [] }
    return rows.map { row in
      guard case .array(let items) = row else { return [] }
      return items.compactMap { if case .number(let number) = $0 { number } else { nil } }
    }
  }

  private func strings(_ value: JSONValue?) -> [String] {
    guard case .array(let items)? = value else { return [] }
    return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  @Test("Gates, memory and guesses are those of the saved model, and of plain loops in Double", arguments: lessons)
  func results(text: String) throws {
    let (output, results) = try read(text)
    let reader = try GateModel()
    let ids = try reader.ids(text)
    let trace = try reader.model.traces(Tensor(ids.map { Int32($0) }, shape: [1, ids.count]))[0]
    let steps = reader.naive(ids)
    #expect(strings(results["symbols"]) == text.map { String($0) })
    func expect(_ found: JSONValue?, _ traced: Tensor?, _ wanted: (GateModel.Step) -> [Double]) {
      let found = numbers(found)
      #expect(found.count == text.count && found.allSatisfy { $0.count == 64 })
      #expect(found.joined().map { Float($0) } == traced?.scalars(as: Float.self))
      for (found, wanted) in zip(found.joined(), steps.flatMap(wanted)) { #expect(abs(found - wanted) < 1e-5) }
    }
    for name in ["input", "forget", "candidate", "output"] {
      expect(results["gates"]?[name], trace[name]) { $0.gates[name] ?? [] }
    }
    expect(results["memory"], trace.memory) { $0.memory }
    expect(results["hidden"], trace.hidden) { $0.hidden }
    guard case .array(let guesses)? = results["guesses"] else { return #expect(Bool(false), "guesses") }
    for (guesses, step) in zip(guesses, steps) {
      guard case .array(let guesses) = guesses else { continue }
      #expect(guesses.count == 3)
      let best = step.probabilities.indices.sorted { step.probabilities[$0] > step.probabilities[$1] }
      for (guess, id) in zip(guesses, best) {
        #expect(guess["symbol"] == reader.vocabulary.word(id).map(JSONValue.string))
        guard case .number(let probability)? = guess["probability"] else { continue }
        #expect(abs(probability - step.probabilities[id]) < 1e-5)
      }
    }
    // Each line says first and last what the results say too.
    let lines = output.split(separator: "\n").dropFirst(3).prefix(text.count).map { $0.split(separator: " ") }
    for (line, (symbol, step)) in zip(lines, zip(text, steps)) {
      #expect(line[0] == (symbol == " " ? "␣" : "\(symbol)"))
      let best = step.probabilities.max() ?? 0
      #expect(abs((Double(line[line.count - 3]) ?? .nan) - 100 * best) < 0.51, "\(line)")
    }
  }

  @Test("Corners are those of a naive count, by a threshold of one's own too", arguments: lessons, [0.5, 0.9])
  func corners(text: String, threshold: Double) throws {
    let (output, results) = try read(text, "--threshold", "\(threshold)")
    let steps = try GateModel().naive(GateModel().ids(text))
    guard case .array(let rows)? = results["actions"] else { return #expect(Bool(false), "actions") }
    let table = output.split(separator: "\n").dropFirst(3).map { $0.split(separator: " ") }
    for (row, (line, step)) in zip(rows, zip(table, steps)) {
      let found = strings(row)
      var counts = [Int](repeating: 0, count: 4)
      for (unit, (enter, keep)) in zip(step.gates["input"] ?? [], step.gates["forget"] ?? []).enumerated() {
        let corner = keep >= threshold ? (enter >= threshold ? 1 : 0) : (enter >= threshold ? 3 : 2)
        counts[corner] += 1
        let isClear = abs(enter - threshold) > 1e-5 && abs(keep - threshold) > 1e-5
        #expect(found[unit] == Self.actions[corner] || !isClear)
      }
      for (index, count) in counts.enumerated() {
        #expect(abs((Double(line[1 + 2 * index]) ?? .nan) - 100 * Double(count) / 64) < 0.51, "\(line)")
      }
      for (index, name) in ["input", "forget", "output"].enumerated() {
        let mean = (step.gates[name] ?? []).reduce(0, +) / 64
        #expect(abs((Double(line[9 + index]) ?? .nan) - mean) < 0.0051, "\(line)")
      }
    }
  }

  @Test("Every cell of every heat map has the colour of its number", arguments: lessons)
  func heatMaps(text: String) throws {
    let results = try read(text).results
    let picture = Picture(tool.text("made/gates.svg"))
    #expect(picture.panels.count == 6)
    let gates = ["input", "forget", "output", "candidate"].map { numbers(results["gates"]?[$0]) }
    let values = gates + [numbers(results["memory"]), numbers(results["hidden"])]
    let largest = max(1, (10 * (values[4].joined().map(abs).max() ?? 0)).rounded(.up) / 10)
    for (index, (panel, values)) in zip(picture.panels, values).enumerated() {
      let (lower, upper) = index < 3 ? (0, 1) : index == 4 ? (-largest, largest) : (-1, 1)
      let key = panel.filter { $0.y > 310 }.sorted { $0.x < $1.x }.map(\.color)
      #expect(key.count == 41 && Set(key).count == 41)
      let columns = Self.columns(panel)
      #expect(columns.map(\.count) == text.map { _ in 64 })
      for (cells, values) in zip(columns, values) {
        for (cell, value) in zip(cells, values) {
          #expect(cell == key[Int(((value - lower) / (upper - lower) * 40).rounded())])
        }
      }
    }
    let titles = picture.texts.filter { $0.style == "title" }.map { $0.content.prefix { $0 != "," } }
    #expect(titles == ["i", "f", "o", "C̃", "C", "h"])
    // Each symbol stands above its column.
    let places = Set(picture.panels[0].filter { $0.y < 310 }.map(\.x)).sorted()
    let labels = picture.texts.filter { $0.style == "symbol" }
    #expect(labels.count == 6 * text.count)
    for (label, (symbol, place)) in zip(labels, zip(text, places)) {
      #expect(label.content == (symbol == " " ? "␣" : "\(symbol)") && (place + 5...place + 25).contains(label.x))
    }
  }

  @Test("The picture of actions has a colour of the legend for each unit, and counts them", arguments: lessons)
  func actionPicture(text: String) throws {
    let results = try read(text).results
    let picture = Picture(tool.text("made/actions.svg"))
    guard case .array(let rows)? = results["actions"] else { return #expect(Bool(false), "actions") }
    let wanted = rows.map { strings($0) }
    #expect(picture.panels.count == 2 && picture.cells.count == 4)
    let legend = picture.texts.suffix(4).map(\.content)
    #expect(legend == ["keep 保留 (0,1)", "fuse 融合 (1,1)", "clear 清除 (0,0)", "replace 替换 (1,0)"])
    let names = legend.map { String($0.prefix { $0 != " " }) }
    let colors = Dictionary(uniqueKeysWithValues: zip(names, picture.cells.map(\.color)))
    #expect(Self.columns(picture.panels[0]) == wanted.map { $0.map { colors[$0] ?? "" } })
    for (column, actions) in zip(Self.columns(picture.panels[1]), wanted) {
      #expect(column == names.flatMap { name in actions.filter { $0 == name }.map { colors[$0] ?? "" } })
    }
  }

  /// The colours of a map's cells, without those of its key: [column][row].
  private static func columns(_ panel: [Picture.Cell]) -> [[String]] {
    let columns = Dictionary(grouping: panel.filter { $0.y < 310 }, by: \.x).sorted { $0.key < $1.key }
    return columns.map { $0.value.sorted { $0.y < $1.y }.map(\.color) }
  }

  @Test("The page is whole, in English and Chinese, and loads nothing", arguments: lessons)
  func page(text: String) throws {
    let output = try read(text).output
    let page = tool.text("made/gates.html")
    for line in output.split(separator: "\n").dropFirst(3).prefix(text.count) {
      let words = line.split(separator: " ")
      let shares = stride(from: 1, to: 9, by: 2).map { "\(words[$0]) %" }
      let cells = [String(words[0])] + shares + words[9..<12].map(String.init)
      #expect(page.contains("<tr>\(cells.map { "<td>\($0)</td>" }.joined())</tr>"), "\(cells)")
      #expect(page.contains("<tr><td>\(words[0])</td><td>\(words[14])  \(words[12]) %</td><td>"), "\(line)")
    }
    for word in ["lang=\"zh\"", "lang=\"en\"", "“\(text)”", "keep 保留", "唐诗三百首", "Tom Sawyer"] {
      #expect(page.contains(word), "\(word)")
    }
    #expect(page.components(separatedBy: "<svg").count == 3)
    for outside in ["http:", "https:", "src=", "@import", "<script"] {
      #expect(!page.replacing("http://www.w3.org/2000/svg", with: "").contains(outside), "\(outside)")
    }
  }
}
