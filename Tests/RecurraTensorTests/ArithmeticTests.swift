import Glibc
import RecurraTensor
import TestSupport
import Testing

@Suite struct ArithmeticTests {
  typealias Binary = (
    name: String, op: @Sendable (Tensor, Tensor) -> Tensor, naive: @Sendable (Double, Double) -> Double
  )

  /// Pairs of shapes: equal, broadcast on either side and on both, numbers without axes, empty.
  static let shapes: [([Int], [Int])] = [
    ([3, 4], [3, 4]), ([3, 4], [4]), ([4], [3, 4]), ([3, 1], [1, 4]), ([2, 3, 4], [3, 1]), ([2, 1, 3], [5, 1]),
    ([], [3, 4]), ([2, 3], []), ([], []), ([1], [5]), ([0, 3], [1, 3]), ([2, 0], [1]), ([1, 1, 1], [1]),
    ([2, 3, 1, 5], [3, 4, 5]),
  ]

  static let floating: [Binary] = [
    ("+", { $0 + $1 }, { $0 + $1 }), ("-", { $0 - $1 }, { $0 - $1 }), ("*", { $0 * $1 }, { $0 * $1 }),
    ("/", { $0 / $1 }, { $0 / $1 }), ("power", { $0.power($1) }, { pow($0, $1) }),
    ("maximum", { Tensor.maximum($0, $1) }, { max($0, $1) }), ("minimum", { Tensor.minimum($0, $1) }, { min($0, $1) }),
  ]

  @Test("The negative of a zero is the other zero, in both types; integers have one")
  func negation() {
    for dtype in [DType.float32, .float64] {
      let found = (-Tensor([0, -0.0, 2, .infinity]).converted(to: dtype)).doubles
      #expect(found == [0, 0, -2, -.infinity] && found[0].sign == .minus && found[1].sign == .plus)
    }
    #expect((-Tensor([Int32(0), 3])).scalars(as: Int32.self) == [0, -3])
  }

  @Test("Binary operations agree with loops for every layout and every broadcast", arguments: Self.shapes)
  func binary(left: [Int], right: [Int]) {
    for operation in Self.floating {
      for (first, second) in Form.allCases.flatMap({ a in Form.allCases.map { (a, $0) } }) {
        let (a, b) = (first.make(left, seed: 1, in: 0.3...2), second.make(right, seed: 2, in: 0.3...2))
        let wanted = NaiveArray.combined(NaiveArray(a), NaiveArray(b), operation.naive).tensor()
        expectClose(operation.op(a, b), wanted, relative: 1e-15, "\(operation.name) \(first) \(second)")
      }
    }
  }

  @Test("Integers stay integers, exact where a float is not", arguments: Self.shapes)
  func integers(left: [Int], right: [Int]) {
    for form in Form.allCases {
      let (a, b) = (form.make(left, in: -40_000...40_000, dtype: .int32), form.make(right, in: -9...9, dtype: .int32))
      for operation in Self.floating where operation.name != "/" && operation.name != "power" {
        let wanted = NaiveArray.combined(NaiveArray(a), NaiveArray(b), operation.naive)
        expectIdentical(operation.op(a, b), wanted.tensor(.int32), "\(operation.name) \(form)")
      }
      expectIdentical(-a, NaiveArray(a).mapped { -$0 }.tensor(.int32))
      expectIdentical(3 - a * 2, NaiveArray(a).mapped { 3 - $0 * 2 }.tensor(.int32))
    }
    let large = Tensor([Int32.max, Int32.min + 1])
    #expect((large - 1).scalars(as: Int32.self) == [Int32.max - 1, Int32.min])
  }

  @Test("Numbers on either side act as tensors without axes", arguments: Form.allCases)
  func numbers(form: Form) {
    for dtype in [DType.float32, .float64] {
      let x = form.make([3, 5], in: 0.5...2, dtype: dtype)
      let naive = NaiveArray(x)
      let bound = dtype == .float32 ? Tolerance.float32 : 1e-15
      expectClose(x + 1.5, naive.mapped { $0 + 1.5 }.tensor(dtype), relative: bound)
      expectClose(1.5 + x, naive.mapped { $0 + 1.5 }.tensor(dtype), relative: bound)
      expectClose(x - 0.25, naive.mapped { $0 - 0.25 }.tensor(dtype), relative: bound)
      expectClose(0.25 - x, naive.mapped { 0.25 - $0 }.tensor(dtype), relative: bound)
      expectClose(x * 3, naive.mapped { $0 * 3 }.tensor(dtype), relative: bound)
      expectClose(3 * x, naive.mapped { $0 * 3 }.tensor(dtype), relative: bound)
      expectClose(x / 3, naive.mapped { $0 / 3 }.tensor(dtype), relative: bound)
      expectClose(3 / x, naive.mapped { 3 / $0 }.tensor(dtype), relative: bound)
      expectClose(x.power(2.5), naive.mapped { pow($0, 2.5) }.tensor(dtype), relative: bound)
      #expect((x * 3).dtype == dtype)
    }
  }

  typealias Unary = (name: String, op: @Sendable (Tensor) -> Tensor, naive: @Sendable (Double) -> Double)
  static let unary: [Unary] = [
    ("exp", { $0.exp() }, { exp($0) }), ("log", { $0.log() }, { log($0) }),
    ("sqrt", { $0.sqrt() }, { $0.squareRoot() }),
    ("abs", { $0.abs() }, { abs($0) }), ("-", { -$0 }, { -$0 }), ("squared", { $0.squared }, { $0 * $0 }),
    ("clipped", { $0.clipped(to: -0.5...0.75) }, { min(max($0, -0.5), 0.75) }),
  ]

  @Test(
    "Functions of one argument agree with loops for every layout", arguments: [[3, 4], [7], [], [0, 3], [2, 1, 5]])
  func unary(shape: [Int]) {
    for form in Form.allCases {
      for function in Self.unary {
        let range = ["log", "sqrt"].contains(function.name) ? 0.1...3.0 : -2...2
        for dtype in [DType.float32, .float64] {
          let x = form.make(shape, in: range, dtype: dtype)
          expectClose(
            function.op(x), NaiveArray(x).mapped(function.naive).tensor(dtype),
            relative: dtype == .float32 ? Tolerance.float32 : 1e-15, "\(function.name) \(form) \(dtype)")
        }
      }
    }
  }

  @Test("NaN wins in maximum and minimum, from either side, and passes through clip")
  func notANumber() {
    let (nan, infinity) = (Double.nan, Double.infinity)
    let a = Tensor([nan, 1, nan, -infinity, infinity])
    let b = Tensor([2, nan, nan, 3, 3])
    expectIdentical(Tensor.maximum(a, b), Tensor([nan, nan, nan, 3, infinity]))
    expectIdentical(Tensor.minimum(a, b), Tensor([nan, nan, nan, -infinity, 3]))
    expectIdentical(a.clipped(to: -1...2), Tensor([nan, 1, nan, -1, 2]))
    expectIdentical(a.relu(), Tensor([nan, 1, nan, 0, infinity]))
    expectIdentical(Tensor([0.0, -1, 1]) / 0, Tensor([nan, -infinity, infinity]))
    expectIdentical(Tensor([0.0, -1, infinity]).log(), Tensor([-infinity, nan, infinity]))
    expectIdentical(Tensor([-infinity, 0, 1000]).exp(), Tensor([0, 1, infinity]))
    expectIdentical(Tensor([-1.0, 0]).sqrt(), Tensor([nan, 0]))
  }

  @Test("Gradients of binary operations hold for every broadcast", arguments: Self.shapes)
  func binaryGradients(left: [Int], right: [Int]) {
    guard !left.contains(0), !right.contains(0) else { return }
    let a = Tensor.varied(left, seed: 3, in: 0.5...2)
    // Apart from a by more than the step, so that no pair changes its order.
    let b = Tensor.varied(right, seed: 4, in: 2.1...3)
    for operation in Self.floating {
      expectGradients(of: { operation.op($0[0], $0[1]) }, at: [a, b], operation.name)
      expectGradients(of: { operation.op($0[1], $0[0]) }, at: [a, b], "\(operation.name), exchanged")
    }
  }

  @Test("Gradients of functions of one argument and of numbers hold")
  func unaryGradients() {
    let x = Tensor([-1.7, -0.9, -0.3, 0.2, 0.6, 1.4]).reshaped([2, 3])
    let positive = x.abs() + 0.1
    for function in Self.unary {
      let point = ["log", "sqrt"].contains(function.name) ? positive : x
      expectGradients(of: { function.op($0[0]) }, at: [point], function.name)
      expectGradients(of: { function.op($0[0].transposed()) }, at: [point], "\(function.name) of a view")
    }
    let numbers: [(Tensor) -> Tensor] = [
      { $0 + 2 }, { 2 + $0 }, { $0 - 2 }, { 2 - $0 }, { $0 * 2 }, { 2 * $0 }, { $0 / 2 }, { 2 / $0 }, { $0.power(3) },
    ]
    for (number, function) in numbers.enumerated() {
      expectGradients(of: { function($0[0]) }, at: [x], "number \(number)")
    }
    expectGradients(of: { $0[0].converted(to: .float64) * 3 }, at: [x])
  }

  @Test("Kinks have the gradients the comments promise")
  func kinks() {
    func expectGradient(_ x: [Double], _ wanted: [Double], _ function: (Tensor) -> Tensor) {
      let tracked = Tensor(x).tracked
      expectIdentical(function(tracked).sum().gradients(withRespectTo: [tracked])[0], Tensor(wanted))
    }
    expectGradient([0, -2], [0, -3]) { $0.abs() * 3 }
    expectGradient([-1, 2, 3], [1, 1, 0]) { $0.clipped(to: -1...2) }
    expectGradient([1, 2], [0.5, 0]) { Tensor.maximum($0, Tensor([1.0, 5])) }
    expectGradient([1, 2], [1, 1]) { Tensor.minimum($0, $0) }
    expectGradient([0, 2], [0, 9 * log(3.0)]) { Tensor([0.0, 3]).power($0) }
    expectGradient([0, 2], [1, 1]) { $0.power(1) }
    expectGradient([0, 2], [0, 0]) { $0.power(0) }
    expectGradient([0, 1], [0, 1]) { $0.relu() }
  }
}
