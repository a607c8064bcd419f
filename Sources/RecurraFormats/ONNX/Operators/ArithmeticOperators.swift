internal import Glibc
internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Arithmetic element by element, with shapes that broadcast.
  static let arithmetic: [Entry] = [
    binary("Add", { $0 + $1 }) { $0 &+ $1 },
    binary("Sub", { $0 - $1 }) { $0 &- $1 },
    binary("Mul", { $0 * $1 }) { $0 &* $1 },
    Entry("Div", inputs: 2...2, divide),
    Entry("Pow", inputs: 2...2, power),
    Entry("Mod", since: 10) { (node) throws(RecurraError) in
      let isC = try node.flag("fmod")
      return { (call) throws(RecurraError) in try remainder(call, isC) }
    },
    folding("Sum", { $0 + $1 }) { $0 &+ $1 },
    Entry("Mean", inputs: 1...(1 << 16)) { (call) throws(RecurraError) in
      let sum = try fold(call, { $0 + $1 }, { _, a, b in a &+ b })
      guard case .floats(let tensor, let format) = sum else {
        throw call.failure(expected: "floating numbers", got: sum.format.rawValue)
      }
      return [.floats(tensor / Double(call.inputs.count), format)]
    },
    folding("Max", { Tensor.maximum($0, $1) }, isOrdered: true) { $0 > $1 ? $0 : $1 },
    folding("Min", { Tensor.minimum($0, $1) }, isOrdered: true) { $0 < $1 ? $0 : $1 },
    shift,
    Entry("BitwiseAnd", since: 18, inputs: 2...2) { (call) throws(RecurraError) in try bits(call) { $0 & $1 } },
    Entry("BitwiseOr", since: 18, inputs: 2...2) { (call) throws(RecurraError) in try bits(call) { $0 | $1 } },
    Entry("BitwiseXor", since: 18, inputs: 2...2) { (call) throws(RecurraError) in try bits(call) { $0 ^ $1 } },
    Entry("BitwiseNot", since: 18, inputs: 1...1) { (call) throws(RecurraError) in
      [.integers(try call.array(0).mapped { ~$0 })]
    },
  ]

  typealias Floats = @Sendable (Tensor, Tensor) -> Tensor
  typealias Whole = @Sendable (Int64, Int64) -> Int64

  /// Applies a function to two inputs of one type.
  static func combine(
    _ call: OperatorCall, _ a: ONNXValue, _ b: ONNXValue, _ floats: Floats,
    _ whole: (_ array: IntegerArray, _ left: Int64, _ right: Int64) -> Int64
  ) throws(RecurraError) -> ONNXValue {
    let shape = try call.broadcast(a.shape, b.shape, format: a.format)
    switch (a, b) {
    case (.floats(let x, let format), .floats(let y, _)) where x.dtype == y.dtype:
      return .floats(floats(x, y), format)
    case (.integers(let x), .integers(let y)) where x.format == y.format:
      return .integers(x.combined(with: y, shape) { whole(x, $0, $1) })
    default:
      throw call.failure(expected: "inputs of one type", got: "\(a.format.rawValue) and \(b.format.rawValue)")
    }
  }

  private static func binary(_ name: String, _ floats: @escaping Floats, _ whole: @escaping Whole) -> Entry {
    Entry(name, inputs: 2...2) { (call) throws(RecurraError) in
      [try combine(call, call.value(0), call.value(1), floats) { whole($1, $2) }]
    }
  }

  private static func fold(
    _ call: OperatorCall, _ floats: Floats, _ whole: (_ array: IntegerArray, Int64, Int64) -> Int64
  ) throws(RecurraError) -> ONNXValue {
    var result = try call.value(0)
    for index in call.inputs.indices.dropFirst() {
      result = try combine(call, result, call.value(index), floats, whole)
    }
    return result
  }

  /// Combines any number of inputs from left to right.
  private static func folding(
    _ name: String, _ floats: @escaping Floats, isOrdered: Bool = false, _ whole: @escaping Whole
  ) -> Entry {
    Entry(name, inputs: 1...(1 << 16)) { (call) throws(RecurraError) in
      let result = try fold(call, floats) { array, a, b in
        // An order of uint64 is that of the numbers, not of the bits.
        guard isOrdered, array.format == .uint64, (a < 0) != (b < 0) else { return whole(a, b) }
        return whole(0, 1) == 1 ? (a < 0 ? a : b) : (a < 0 ? b : a)
      }
      return [result]
    }
  }

  private static func divide(_ call: OperatorCall) throws(RecurraError) -> [ONNXValue] {
    if case .integers(let divisors) = try call.value(1), divisors.elements.contains(0) {
      throw call.failure(expected: "whole numbers that are not 0 to divide by", got: "0")
    }
    let quotient = try combine(call, call.value(0), call.value(1), { $0 / $1 }) { array, a, b in
      if array.format == .uint64 { return Int64(bitPattern: UInt64(bitPattern: a) / UInt64(bitPattern: b)) }
      return a.dividedReportingOverflow(by: b).partialValue
    }
    return [quotient]
  }

  private static func remainder(_ call: OperatorCall, _ isC: Bool) throws(RecurraError) -> [ONNXValue] {
    if case .integers(let divisors) = try call.value(1), divisors.elements.contains(0) {
      throw call.failure(expected: "whole numbers that are not 0 to divide by", got: "0")
    }
    @Sendable func floats(_ a: Tensor, _ b: Tensor) -> Tensor {
      let shape = Broadcasting.shape([a.shape, b.shape]) ?? a.shape
      let (x, y) = (a.stretched(to: shape), b.stretched(to: shape))
      let (p, q) = (ONNXValue.floats(x).doubles, ONNXValue.floats(y).doubles)
      let result = p.indices.map { index in
        let rest = fmod(p[index], q[index])
        return isC || rest == 0 || (rest < 0) == (q[index] < 0) ? rest : rest + q[index]
      }
      return Tensor(result, shape: shape).converted(to: a.dtype)
    }
    let rest = try combine(call, call.value(0), call.value(1), floats) { array, a, b in
      if array.format == .uint64 { return Int64(bitPattern: UInt64(bitPattern: a) % UInt64(bitPattern: b)) }
      let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
      return isC || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
    }
    return [rest]
  }

  private static func power(_ call: OperatorCall) throws(RecurraError) -> [ONNXValue] {
    let (base, exponent) = (try call.value(0), try call.value(1))
    let shape = try call.broadcast(base.shape, exponent.shape, format: base.format)
    switch (base, exponent) {
    case (.floats(let x, let format), _):
      // A constant exponent has no gradient to go through, and 2 and ½ are much faster by themselves.
      if exponent.count == 1, exponent.rank <= x.rank, let number = exponent.doubles.first {
        if number == 2 { return [.floats(x * x, format)] }
        if number == 0.5 { return [.floats(x.sqrt(), format)] }
        if number == 1 { return [base] }
        return [.floats(x.power(number), format)]
      }
      let y: Tensor
      switch exponent {
      case .floats(let tensor, _): y = tensor.converted(to: x.dtype)
      case .integers(let array): y = array.floats(x.dtype)
      }
      return [.floats(x.power(y), format)]
    case (.integers(let x), .integers(let y)):
      return [.integers(x.combined(with: y, shape) { whole($0, to: $1) })]
    case (.integers(let x), .floats(let y, _)):
      let (p, q) = (x.stretched(to: shape).floats(.float64), y.converted(to: .float64).stretched(to: shape))
      let powers = p.power(q.detached).scalars(as: Double.self)
      let elements = powers.map { IntegerArray.wrapped(Int64(saturating: $0), to: x.format) }
      return [.integers(IntegerArray(elements, shape: shape, format: x.format))]
    }
  }

  /// A power by repeated squares; a negative exponent leaves the whole part.
  private static func whole(_ base: Int64, to exponent: Int64) -> Int64 {
    guard exponent >= 0 else { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
    var (result, square, rest) = (Int64(1), base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* square }
      square = square &* square
      rest >>= 1
    }
    return result
  }

  private static let shift = Entry("BitShift", since: 11) { (node) throws(RecurraError) in
    let direction = try node.text("direction", default: "")
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw node.failure(expected: "direction LEFT or RIGHT", got: direction.excerpt)
    }
    return { (call) throws(RecurraError) in
      try bits(call) { value, count in
        guard count >= 0, count < 64 else { return 0 }
        return direction == "LEFT" ? value << count : Int64(bitPattern: UInt64(bitPattern: value) >> UInt64(count))
      }
    }
  }

  private static func bits(_ call: OperatorCall, _ body: (Int64, Int64) -> Int64) throws(RecurraError) -> [ONNXValue] {
    let (a, b) = (try call.array(0), try call.array(1))
    return [.integers(a.combined(with: b, try call.broadcast(a.shape, b.shape, format: a.format), body))]
  }
}

extension Int64 {
  /// The whole part of a number, or the nearest that fits; 0 for NaN.
  init(saturating number: Double) {
    guard number == number else {
      self = 0
      return
    }
    self = number >= 0x1p63 ? .max : number <= -0x1p63 ? .min : Int64(number)
  }
}
