/// A function of two numbers, applied element by element with broadcasting.
protocol BinaryFunction {
  static var name: String { get }
  static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S
  /// Wraps around where a result does not fit: what numbers from outside add up to must not end the process.
  static func apply(_ left: Int32, _ right: Int32) -> Int32
}

/// A function of two numbers that needs fractions.
protocol FloatingBinaryFunction {
  static var name: String { get }
  static func apply<S: FloatingScalar>(_ left: S, _ right: S) -> S
}

/// A function of one number.
protocol UnaryFunction {
  static var name: String { get }
  static func apply<S: FloatingScalar>(_ x: S) -> S
}

extension Tensor {
  /// Applies a function to every element.
  func mapped<F: UnaryFunction>(_ function: F.Type) -> Tensor {
    check(dtype.isFloating, F.name, expected: "a floating tensor", got: "\(dtype)")
    return dtype == .float32 ? mapped { (x: Float) in F.apply(x) } : mapped { (x: Double) in F.apply(x) }
  }

  @inline(__always)
  private func mapped<S: TensorScalar>(_ function: (S) -> S) -> Tensor {
    let dense = contiguous
    return Tensor(like: dense, of: S.self) { output in
      dense.withPointer(of: S.self) { input in for i in 0..<dense.count { output[i] = function(input[i]) } }
    }
  }

  static func combined<F: BinaryFunction>(_ left: Tensor, _ right: Tensor, _ function: F.Type) -> Tensor {
    checkTypes(left, right, F.name)
    switch left.dtype.representation {
    case .float32: return pairwise(left, right, F.name) { (a: Float, b: Float) in F.apply(a, b) }
    case .float64: return pairwise(left, right, F.name) { (a: Double, b: Double) in F.apply(a, b) }
    case .int32: return pairwise(left, right, F.name) { (a: Int32, b: Int32) in F.apply(a, b) }
    }
  }

  static func combined<F: FloatingBinaryFunction>(_ left: Tensor, _ right: Tensor, _ function: F.Type) -> Tensor {
    checkTypes(left, right, F.name)
    check(left.dtype.isFloating, F.name, expected: "floating tensors", got: "\(left.dtype)")
    return left.dtype == .float32
      ? pairwise(left, right, F.name) { (a: Float, b: Float) in F.apply(a, b) }
      : pairwise(left, right, F.name) { (a: Double, b: Double) in F.apply(a, b) }
  }

  static func combined<F: BinaryFunction>(_ left: Tensor, _ right: Double, _ function: F.Type) -> Tensor {
    switch left.dtype.representation {
    case .float32:
      let right = Float(right)
      return left.mapped { (x: Float) in F.apply(x, right) }
    case .float64: return left.mapped { (x: Double) in F.apply(x, right) }
    case .int32:
      let right = whole(right, F.name)
      return left.mapped { (x: Int32) in F.apply(x, right) }
    }
  }

  static func combined<F: BinaryFunction>(_ left: Double, _ right: Tensor, _ function: F.Type) -> Tensor {
    switch right.dtype.representation {
    case .float32:
      let left = Float(left)
      return right.mapped { (x: Float) in F.apply(left, x) }
    case .float64: return right.mapped { (x: Double) in F.apply(left, x) }
    case .int32:
      let left = whole(left, F.name)
      return right.mapped { (x: Int32) in F.apply(left, x) }
    }
  }

  /// A number that meets the elements of an int32 tensor; half of one would be lost without a word.
  private static func whole(_ number: Double, _ name: String) -> Int32 {
    let exact = Int32(exactly: number)
    check(exact != nil, name, expected: "a whole number within int32 beside an int32 tensor", got: "\(number)")
    return exact ?? 0
  }

  private static func checkTypes(_ left: Tensor, _ right: Tensor, _ name: String) {
    check(
      left.dtype == right.dtype, name, expected: "operands of one type", got: "\(left.dtype) and \(right.dtype)")
  }

  /// Applies `function` to each pair of elements; runs along the last axis are dense loops wherever the strides allow.
  @inline(__always)
  static func pairwise<S: TensorScalar, R: TensorScalar>(
    _ left: Tensor, _ right: Tensor, _ name: String, _ function: (S, S) -> R
  ) -> Tensor {
    if left.shape == right.shape, left.isContiguous, right.isContiguous {
      return Tensor(like: left, of: R.self) { output in
        left.withPointer(of: S.self) { a in
          right.withPointer(of: S.self) { b in for i in 0..<left.count { output[i] = function(a[i], b[i]) } }
        }
      }
    }
    let shape = left.shape == right.shape ? left.shape : Shape.broadcast(left.shape, right.shape, name)
    return Tensor(shape, of: R.self) { output in
      left.withPointer(of: S.self) { first in
        right.withPointer(of: S.self) { second in
          walk(shape, left.layout, right.layout) { position, count, offsets, steps in
            let target = output + position
            let a = first + offsets.first
            let b = second + offsets.second
            switch (steps.first, steps.second) {
            case (1, 1): for i in 0..<count { target[i] = function(a[i], b[i]) }
            case (1, 0): for i in 0..<count { target[i] = function(a[i], b[0]) }
            case (0, 1): for i in 0..<count { target[i] = function(a[0], b[i]) }
            default: for i in 0..<count { target[i] = function(a[i &* steps.first], b[i &* steps.second]) }
            }
          }
        }
      }
    }
  }

  /// Adds up the axes along which this tensor was stretched from `target`: the gradient of broadcasting.
  func reduced(to target: [Int]) -> Tensor {
    if shape == target { return self }
    let missing = rank - target.count
    let axes = shape.indices.filter { $0 < missing || target[$0 - missing] != shape[$0] }
    return sum(axes: axes, keepingDimensions: true).reshaped(target)
  }
}

enum Functions {
  enum Add: BinaryFunction {
    static let name = "+"
    static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S { left + right }
    static func apply(_ left: Int32, _ right: Int32) -> Int32 { left &+ right }
  }
  enum Subtract: BinaryFunction {
    static let name = "-"
    static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S { left - right }
    static func apply(_ left: Int32, _ right: Int32) -> Int32 { left &- right }
  }
  enum Multiply: BinaryFunction {
    static let name = "*"
    static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S { left * right }
    static func apply(_ left: Int32, _ right: Int32) -> Int32 { left &* right }
  }
  enum Divide: FloatingBinaryFunction {
    static let name = "/"
    static func apply<S: FloatingScalar>(_ left: S, _ right: S) -> S { left / right }
  }
  enum Power: FloatingBinaryFunction {
    static let name = "power"
    static func apply<S: FloatingScalar>(_ left: S, _ right: S) -> S { S.power(left, right) }
  }
  /// NaN wins over every number, on either side.
  enum Maximum: BinaryFunction {
    static let name = "maximum"
    static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S { left > right || left != left ? left : right }
    static func apply(_ left: Int32, _ right: Int32) -> Int32 { left > right ? left : right }
  }
  enum Minimum: BinaryFunction {
    static let name = "minimum"
    static func apply<S: TensorScalar>(_ left: S, _ right: S) -> S { left < right || left != left ? left : right }
    static func apply(_ left: Int32, _ right: Int32) -> Int32 { left < right ? left : right }
  }
  enum Negate: UnaryFunction {
    static let name = "-"
    static func apply<S: FloatingScalar>(_ x: S) -> S { -x }
  }
  enum Logarithm: UnaryFunction {
    static let name = "log"
    static func apply<S: FloatingScalar>(_ x: S) -> S { S.logarithm(x) }
  }
  enum SquareRoot: UnaryFunction {
    static let name = "sqrt"
    static func apply<S: FloatingScalar>(_ x: S) -> S { x.squareRoot() }
  }
  enum Absolute: UnaryFunction {
    static let name = "abs"
    static func apply<S: FloatingScalar>(_ x: S) -> S { x.magnitude }
  }
  enum Sign: UnaryFunction {
    static let name = "sign"
    static func apply<S: FloatingScalar>(_ x: S) -> S { x > 0 ? 1 : (x < 0 ? -1 : x) }
  }
}
