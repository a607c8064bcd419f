internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Comparisons, logic and choices.
  static let comparison: [Entry] = [
    relation("Equal", { $0.isEqual(to: $1) }) { _, a, b in a == b },
    relation("Less", { $0.isLess(than: $1) }) { array, a, b in array.isLess(a, b) },
    relation("Greater", { $0.isGreater(than: $1) }) { array, a, b in array.isLess(b, a) },
    relation("LessOrEqual", since: 12, { either($0.isLess(than: $1), $0.isEqual(to: $1)) }) { array, a, b in
      !array.isLess(b, a)
    },
    relation("GreaterOrEqual", since: 12, { either($0.isGreater(than: $1), $0.isEqual(to: $1)) }) { array, a, b in
      !array.isLess(a, b)
    },
    logic("And") { $0 & $1 },
    logic("Or") { $0 | $1 },
    logic("Xor") { $0 ^ $1 },
    Entry("Not", inputs: 1...1) { (call) throws(RecurraError) in
      [.integers(try call.array(0).mapped(.bool) { $0 == 0 ? 1 : 0 })]
    },
    Entry("Where", since: 9, inputs: 3...3, choose),
    Entry("IsNaN", since: 9, inputs: 1...1) { (call) throws(RecurraError) in
      let x = try call.tensor(0).detached
      return [.truths(x.isNotEqual(to: x))]
    },
    Entry("IsInf", since: 10) { (node) throws(RecurraError) in
      let (low, high) = (
        try node.flag("detect_negative", default: true), try node.flag("detect_positive", default: true)
      )
      return { (call) throws(RecurraError) in
        let x = ONNXValue.floats(try call.tensor(0))
        return [.truths(x.doubles.map { $0.isInfinite && ($0 < 0 ? low : high) }, shape: x.shape)]
      }
    },
  ]

  private static func either(_ a: Tensor, _ b: Tensor) -> Tensor { a + b }

  private static func relation(
    _ name: String, since: Int = 1, _ floats: @escaping Floats,
    _ whole: @escaping @Sendable (IntegerArray, Int64, Int64) -> Bool
  ) -> Entry {
    Entry(name, since: since, inputs: 2...2) { (call) throws(RecurraError) in
      let (a, b) = (try call.value(0), try call.value(1))
      let shape = try call.broadcast(a.shape, b.shape, format: .bool)
      switch (a, b) {
      case (.floats(let x, _), .floats(let y, _)) where x.dtype == y.dtype:
        return [.truths(floats(x.detached, y.detached))]
      case (.integers(let x), .integers(let y)) where x.format == y.format:
        return [.integers(x.combined(with: y, shape, as: .bool) { whole(x, $0, $1) ? 1 : 0 })]
      default:
        throw call.failure(expected: "inputs of one type", got: "\(a.format.rawValue) and \(b.format.rawValue)")
      }
    }
  }

  private static func logic(_ name: String, _ body: @escaping Whole) -> Entry {
    Entry(name, inputs: 2...2) { (call) throws(RecurraError) in
      let (a, b) = (try call.array(0), try call.array(1))
      let shape = try call.broadcast(a.shape, b.shape, format: .bool)
      return [.integers(a.combined(with: b, shape, as: .bool, body))]
    }
  }

  private static func choose(_ call: OperatorCall) throws(RecurraError) -> [ONNXValue] {
    let (condition, yes, no) = (try call.array(0), try call.value(1), try call.value(2))
    let shape = try call.broadcast(condition.shape, yes.shape, no.shape, format: yes.format)
    switch (yes, no) {
    case (.floats(let x, let format), .floats(let y, _)) where x.dtype == y.dtype:
      guard let flags = condition.mapped(nil, { $0 == 0 ? 0 : 1 }).tensor else { return [] }
      return [.floats(Tensor.select(flags, x, y), format)]
    case (.integers(let x), .integers(let y)) where x.format == y.format:
      let flags = condition.stretched(to: shape).elements
      let (a, b) = (x.stretched(to: shape).elements, y.stretched(to: shape).elements)
      let elements = flags.indices.map { flags[$0] != 0 ? a[$0] : b[$0] }
      return [.integers(IntegerArray(elements, shape: shape, format: x.format))]
    default:
      throw call.failure(expected: "choices of one type", got: "\(yes.format.rawValue) and \(no.format.rawValue)")
    }
  }
}
