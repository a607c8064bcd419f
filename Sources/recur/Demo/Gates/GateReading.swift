internal import Recurra
internal import RecurraLayers

/// What goes on in a character model while it reads a text; all lists have one element for each symbol.
struct GateReading {
  /// What the model holds for the next symbol.
  struct Guess {
    /// nil for all those that the model does not know.
    let symbol: String?
    let probability: Double

    fileprivate var json: JSONValue {
      .object([
        ("symbol", symbol.map(JSONValue.string) ?? .null), ("probability", .measured(probability)),
      ])
    }
  }

  private static let guessCount = 3

  let symbols: [String]
  /// Tells which symbols the model knows; to it, all others are one and the same.
  let isKnown: [Bool]
  let threshold: Double
  /// i, f, C̃ and o by their names, one number for each unit.
  let gates: [(name: String, values: [[Double]])]
  /// C.
  let memory: [[Double]]
  /// h.
  let hidden: [[Double]]
  let actions: [[MemoryAction]]
  /// The likeliest first.
  let guesses: [[Guess]]

  /// What was read, on one line.
  var text: String { symbols.map { $0 == "\n" ? GateText.shown($0) : $0 }.joined() }

  var units: Int { hidden.first?.count ?? 0 }

  init(_ text: GateText, by reader: CharacterModel, threshold: Double) throws(RecurraError) {
    let vocabulary = reader.vocabulary
    let ids = try vocabulary.ids(text.symbols.map { CharacterTexts.lowered($0) })
    let x = Tensor(ids.map { Int32($0) }, shape: [1, ids.count])
    let trace = try reader.model.traces(x)[0]
    symbols = text.symbols
    isKnown = ids.map { $0 != vocabulary.unknownID }
    self.threshold = threshold
    gates = zip(trace.gateNames, trace.gates).map { ($0, Self.rows($1)) }
    memory = trace.memory.map(Self.rows) ?? []
    hidden = Self.rows(trace.hidden)
    actions = try trace.actions(threshold: threshold)[0]
    guesses = try Self.rows(reader.model.predict(x)).map { probabilities in
      let best = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }.prefix(Self.guessCount)
      return best.map { Guess(symbol: vocabulary.word($0), probability: probabilities[$0]) }
    }
  }

  /// The symbols that the model does not know, each once.
  var unknown: [String] {
    var seen: Set<String> = []
    return zip(symbols, isKnown).compactMap { !$1 && seen.insert($0).inserted ? $0 : nil }
  }

  func values(of gate: String) -> [[Double]] { gates.first { $0.name == gate }?.values ?? [] }

  /// The share of units that do something with their memory at a symbol.
  func share(of action: MemoryAction, at step: Int) -> Double {
    Double(actions[step].count { $0 == action }) / Double(max(units, 1))
  }

  /// The mean of a gate over the units at a symbol.
  func mean(of gate: String, at step: Int) -> Double { values(of: gate)[step].reduce(0, +) / Double(max(units, 1)) }

  /// All numbers.
  var json: JSONValue {
    func table(_ rows: [[Double]]) -> JSONValue { .array(rows.map { .array($0.map(JSONValue.measured)) }) }
    return .object([
      ("symbols", .array(symbols.map(JSONValue.string))),
      ("known", .array(isKnown.map(JSONValue.bool))),
      ("units", .integer(units)),
      ("threshold", .number(threshold)),
      ("gates", .object(gates.map { ($0.name, table($0.values)) })),
      ("memory", table(memory)),
      ("hidden", table(hidden)),
      ("actions", .array(actions.map { .array($0.map { .string($0.description) }) })),
      ("guesses", .array(guesses.map { .array($0.map(\.json)) })),
    ])
  }

  /// The rows of a tensor [1, T, H].
  private static func rows(_ tensor: Tensor) -> [[Double]] {
    let (values, width) = (tensor.converted(to: .float64).scalars(as: Double.self), tensor.shape[2])
    return (0..<tensor.shape[1]).map { Array(values[$0 * width..<($0 + 1) * width]) }
  }
}
