internal import Glibc
internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Functions of one number.
  static let elementwise: [Entry] = [
    plain("Exp") { $0.exp() },
    plain("Log") { $0.log() },
    plain("Sqrt") { $0.sqrt() },
    plain("Reciprocal") { 1 / $0 },
    Entry("Neg", inputs: 1...1) { (call) throws(RecurraError) in
      try unary(call, { -$0 }) { 0 &- $0 }
    },
    Entry("Abs", inputs: 1...1) { (call) throws(RecurraError) in
      if case .integers(let array) = try call.value(0), array.format == .uint64 { return [.integers(array)] }
      return try unary(call, { $0.abs() }) { $0 < 0 ? 0 &- $0 : $0 }
    },
    Entry("Sign", since: 9, inputs: 1...1) { (call) throws(RecurraError) in
      try unary(call, { constantSlope($0, 0) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 } }) { $0.signum() }
    },
    step("Ceil") { $0.rounded(.up) },
    step("Floor") { $0.rounded(.down) },
    step("Round", since: 11) { $0.rounded(.toNearestOrEven) },
    smooth("Erf", since: 9, { 1 - erfc($0) }) { x, _ in 2 / Double.pi.squareRoot() * exp(-x * x) },
    smooth("Sin", { sin($0) }) { x, _ in cos(x) },
    smooth("Cos", { cos($0) }) { x, _ in -sin(x) },
    smooth("Tan", { tan($0) }) { _, y in 1 + y * y },
    smooth("Asin", { asin($0) }) { x, _ in 1 / (1 - x * x).squareRoot() },
    smooth("Acos", { acos($0) }) { x, _ in -1 / (1 - x * x).squareRoot() },
    smooth("Atan", { atan($0) }) { x, _ in 1 / (1 + x * x) },
    smooth("Sinh", since: 9, { sinh($0) }) { x, _ in cosh(x) },
    smooth("Cosh", since: 9, { cosh($0) }) { x, _ in sinh(x) },
    smooth("Asinh", since: 9, { asinh($0) }) { x, _ in 1 / (x * x + 1).squareRoot() },
    smooth("Acosh", since: 9, { acosh($0) }) { x, _ in 1 / (x * x - 1).squareRoot() },
    smooth("Atanh", since: 9, { atanh($0) }) { x, _ in 1 / (1 - x * x) },
    Entry("Clip", clip),
  ]

  /// Applies a function to floating numbers.
  static func plain(_ name: String, since: Int = 1, _ body: @escaping @Sendable (Tensor) -> Tensor) -> Entry {
    Entry(name, since: since, inputs: 1...1) { (call) throws(RecurraError) in
      guard case .floats(let tensor, let format) = try call.value(0) else {
        throw call.failure(expected: "floating numbers", got: try call.value(0).format.rawValue)
      }
      return [.floats(body(tensor), format)]
    }
  }

  private static func unary(
    _ call: OperatorCall, _ floats: (Tensor) -> Tensor, _ whole: (Int64) -> Int64
  ) throws(RecurraError) -> [ONNXValue] {
    switch try call.value(0) {
    case .floats(let tensor, let format): return [.floats(floats(tensor), format)]
    case .integers(let array): return [.integers(array.mapped(nil, whole))]
    }
  }

  /// A function of steps: its gradient is 0 wherever there is one.
  private static func step(_ name: String, since: Int = 1, _ body: @escaping @Sendable (Double) -> Double) -> Entry {
    plain(name, since: since) { constantSlope($0, 0, body) }
  }

  private static func constantSlope(_ x: Tensor, _ slope: Double, _ body: (Double) -> Double) -> Tensor {
    x.detached.mapped(body).derived(from: [x]) { upstream, _ in [upstream * slope] }
  }

  /// A function that is computed in double precision, and its slope of argument and value.
  private static func smooth(
    _ name: String, since: Int = 7, _ body: @escaping @Sendable (Double) -> Double,
    _ slope: @escaping @Sendable (_ x: Double, _ y: Double) -> Double
  ) -> Entry {
    plain(name, since: since) { x in
      let dense = x.detached
      return dense.mapped(body).derived(from: [x]) { upstream, _ in
        [upstream * dense.mapped { slope($0, body($0)) }]
      }
    }
  }

  private static func clip(_ node: ONNXNode) throws(RecurraError) -> OperatorBody {
    let (low, high) = (try node.number("min"), try node.number("max"))
    return { (call) throws(RecurraError) in
      let isOld = call.node.version < 11
      func bound(_ index: Int, _ attribute: Double?) throws(RecurraError) -> Double? {
        if isOld { return attribute }
        return try call.optional(index) == nil ? nil : call.scalar(index)
      }
      let (low, high) = (try bound(1, low), try bound(2, high))
      switch try call.value(0) {
      case .floats(let x, let format):
        var x = x
        if let low, let high, low <= high { return [.floats(x.clipped(to: low...high), format)] }
        if let low { x = .maximum(x, Tensor(low, dtype: x.dtype)) }
        if let high { x = .minimum(x, Tensor(high, dtype: x.dtype)) }
        return [.floats(x, format)]
      case .integers(let array):
        let least = low.map { Int64(saturating: $0) }
        let most = high.map { Int64(saturating: $0) }
        return [
          .integers(
            array.mapped { element in
              var element = element
              if let least, array.isLess(element, least) { element = least }
              if let most, array.isLess(most, element) { element = most }
              return element
            })
        ]
      }
    }
  }
}

extension Tensor {
  /// A function of every element, computed in double precision; without a history.
  func mapped(_ body: (Double) -> Double) -> Tensor {
    if dtype == .float64 { return Tensor(scalars(as: Double.self).map(body), shape: shape) }
    return Tensor(scalars(as: Float.self).map { Float(body(Double($0))) }, shape: shape)
  }
}
