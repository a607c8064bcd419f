internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// Draws curves of functions, or what a training run did.
struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws activation functions, or the history of training runs, as SVG.",
    discussion: """
      recur plot sigmoid tanh draws functions; recur plot history.json draws one chart for each metric, with the \
      training and the validation values.
      """)

  @Argument(
    help: ArgumentHelp(
      "Names of functions (\(Plot.functions.keys.sorted().joined(separator: ", "))), or history files.",
      valueName: "what"),
    completion: .file(extensions: ["json"]))
  var subjects: [String]

  @Option(
    name: [.short, .long], help: "The SVG file to write; standard output when not given, or -.", completion: .file())
  var output: String?

  @Option(help: "The heading of the first chart.")
  var title: String?

  @Option(parsing: .unconditional, help: "Where functions start.")
  var from = -5.0

  @Option(parsing: .unconditional, help: "Where functions end; this value itself is left out.")
  var to = 5.0

  @Option(parsing: .unconditional, help: "The distance between the points of functions.")
  var step = 0.1

  @Flag(help: "Makes the horizontal axis logarithmic.")
  var logX = false

  @Flag(help: "Makes the vertical axis logarithmic.")
  var logY = false

  private static let functions: [String: Activation] = Dictionary(
    uniqueKeysWithValues: Activation.allCases.filter(\.isElementwise).map { ($0.rawValue, $0) })

  func validate() throws {
    if subjects.isEmpty { throw ValidationError("Expected a function or a history file, got none.") }
    guard from.isFinite, to.isFinite, step.isFinite, step > 0, to > from, (to - from) / step <= 1e6 else {
      throw ValidationError("Expected --from < --to and up to a million steps, got \(from), \(to) and \(step).")
    }
  }

  func run() throws {
    let functions = subjects.compactMap { name in Self.functions[name].map { (name, $0) } }
    var charts = functions.count == subjects.count ? [curves(functions)] : try histories()
    if let title { charts[0].title = title }
    for index in charts.indices {
      charts[index].hasLogarithmicX = logX
      charts[index].hasLogarithmicY = logY
    }
    let text = Chart.svg(charts)
    try OutputTarget.write(to: output ?? "-") { (path, system) throws(RecurraError) in
      try AtomicFile.write(Array(text.utf8), to: path, system: system)
    }
  }

  private func curves(_ functions: [(name: String, activation: Activation)]) -> Chart {
    let x = Tensor.arange(from, to, step: step, dtype: .float64)
    let series = functions.enumerated().map { index, function in
      // A value times this is filtered to between nothing and all of it: the curve of every gate.
      let y = function.activation == .sigmoid ? 1 / (1 + (-x).exp()) : function.activation(x)
      let points = zip(x.scalars(as: Double.self), y.scalars(as: Double.self)).map { (x: $0, y: $1) }
      return Chart.Series(name: function.name, points: points, color: index)
    }
    let title = functions.count == 1 ? functions[0].activation.formula : "Activation functions"
    return Chart(title: title, horizontalLabel: "x", verticalLabel: "y", series: series)
  }

  private func histories() throws -> [Chart] {
    var roles = FileRoles()
    for path in subjects { try roles.reads("the history", path) }
    try roles.writes("--output", output)
    var files: [(name: String, metrics: [String: [Double]])] = []
    for path in subjects { files.append((path, try history(path))) }
    let known = Set(files.flatMap(\.metrics.keys))
    // A validation metric is drawn with its training metric, if there is one.
    let names = known.filter { !$0.hasPrefix("val_") || !known.contains(String($0.dropFirst(4))) }.sorted()
    return names.map { metric in
      var series: [Chart.Series] = []
      for (index, file) in files.enumerated() {
        let prefix = files.count == 1 ? "" : "\(Self.shortName(file.name)) "
        for (name, label, style) in [
          (metric, "training", Chart.Series.Style.line), ("val_\(metric)", "validation", .dashed),
        ] {
          guard let values = file.metrics[name] else { continue }
          let points = values.enumerated().map { (x: Double($0 + 1), y: $1) }
          // One run's two lines have a colour each; of several runs each has one colour.
          let color = files.count == 1 && style == .dashed ? 1 : index
          series.append(Chart.Series(name: prefix + label, points: points, style: style, color: color))
        }
      }
      return Chart(
        title: metric.replacing("_", with: " "), horizontalLabel: "epoch",
        verticalLabel: metric.replacing("_", with: " "), series: series, countsAlongX: true)
    }
  }

  private func history(_ path: String) throws -> [String: [Double]] {
    do {
      return try HistoryFile.read(path)
    } catch let error as RecurraError where error.kind == .noInput && !path.utf8.contains(UInt8(ascii: "/")) {
      let names = Self.functions.keys.sorted().joined(separator: ", ")
      throw RecurraError(
        .noInput, operation: error.operation, expected: "a history file, or functions alone: \(names)", got: error.got)
    }
  }

  /// The last part of a path, without its ".json".
  private static func shortName(_ path: String) -> String {
    let name = path.utf8.split(separator: UInt8(ascii: "/")).last.flatMap(String.init) ?? path
    return name.hasSuffix(".json") ? String(name.dropLast(5)) : name
  }
}

extension Activation {
  fileprivate var formula: String {
    switch self {
    case .sigmoid: "sigmoid(x) = 1 / (1 + exp(−x))"
    case .tanh: "tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))"
    case .relu: "relu(x) = max(x, 0)"
    case .hardSigmoid: "hard_sigmoid(x) = min(max(x/6 + 1/2, 0), 1)"
    case .softsign: "softsign(x) = x / (1 + |x|)"
    case .elu: "elu(x) = x where x > 0, exp(x) − 1 elsewhere"
    case .softplus: "softplus(x) = log(1 + exp(x))"
    case .silu: "silu(x) = x / (1 + exp(−x))"
    default: "\(rawValue)(x)"
    }
  }
}
