/// Arithmetic element by element. Shapes broadcast as in NumPy; mixed element types are refused. Each operation is one
/// pass.
extension Tensor {
  /// Adds element by element; int32 wraps around.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    let shapes = (left.shape, right.shape)
    return combined(left, right, Functions.Add.self).derived(from: [left, right]) { upstream, needed in
      [needed[0] ? upstream.reduced(to: shapes.0) : nil, needed[1] ? upstream.reduced(to: shapes.1) : nil]
    }
  }

  /// Subtracts element by element; int32 wraps around.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    let shapes = (left.shape, right.shape)
    return combined(left, right, Functions.Subtract.self).derived(from: [left, right]) { upstream, needed in
      [needed[0] ? upstream.reduced(to: shapes.0) : nil, needed[1] ? (-upstream).reduced(to: shapes.1) : nil]
    }
  }

  /// Multiplies element by element; int32 wraps around.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = (left.detached, right.detached)
    return combined(a, b, Functions.Multiply.self).derived(from: [left, right]) { upstream, needed in
      [
        needed[0] ? (upstream * b).reduced(to: a.shape) : nil,
        needed[1] ? (upstream * a).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Divides element by element; what is divided by 0 is infinite or NaN.
  ///
  /// - Precondition: operands of one floating type, shapes that broadcast.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = (left.detached, right.detached)
    return combined(a, b, Functions.Divide.self).derived(from: [left, right]) { upstream, needed in
      [
        needed[0] ? (upstream / b).reduced(to: a.shape) : nil,
        needed[1] ? (-(upstream * a) / (b * b)).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Changes every sign; int32 wraps around.
  public static prefix func - (operand: Tensor) -> Tensor {
    operand.dtype == .int32 ? operand.matching(0) - operand : operand.unary(Functions.Negate.self) { up, _, _ in -up }
  }

  /// Adds a number to every element.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func + (left: Tensor, right: Double) -> Tensor {
    combined(left.detached, right, Functions.Add.self).derived(from: [left]) { upstream, _ in [upstream] }
  }
  /// Adds a number to every element.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func + (left: Double, right: Tensor) -> Tensor { right + left }

  /// Subtracts a number from every element.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func - (left: Tensor, right: Double) -> Tensor {
    combined(left.detached, right, Functions.Subtract.self).derived(from: [left]) { upstream, _ in [upstream] }
  }
  /// Subtracts every element from a number.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func - (left: Double, right: Tensor) -> Tensor {
    combined(left, right.detached, Functions.Subtract.self).derived(from: [right]) { upstream, _ in [-upstream] }
  }

  /// Multiplies every element by a number.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func * (left: Tensor, right: Double) -> Tensor {
    combined(left.detached, right, Functions.Multiply.self).derived(from: [left]) { upstream, _ in [upstream * right] }
  }
  /// Multiplies every element by a number.
  ///
  /// - Precondition: a whole number within int32 beside an int32 tensor.
  public static func * (left: Double, right: Tensor) -> Tensor { right * left }

  /// Divides every element by a number.
  ///
  /// - Precondition: a floating tensor.
  public static func / (left: Tensor, right: Double) -> Tensor { left / left.matching(right) }
  /// Divides a number by every element.
  ///
  /// - Precondition: a floating tensor.
  public static func / (left: Double, right: Tensor) -> Tensor { right.matching(left) / right }

  /// A number in this tensor's type, ready to be broadcast.
  package func matching(_ value: Double) -> Tensor { .full([], value, dtype: dtype) }

  /// Raises every element to the power of the other's; the gradient with respect to the exponent is 0 where the base is
  /// 0.
  ///
  /// - Precondition: operands of one floating type, shapes that broadcast.
  public func power(_ exponent: Tensor) -> Tensor {
    let (a, b) = (detached, exponent.detached)
    let value = Tensor.combined(a, b, Functions.Power.self)
    return value.derived(from: [self, exponent]) { upstream, needed in
      let zero = a.matching(0)
      let positive = a.isGreater(than: zero)
      let logarithm = Tensor.select(positive, a, a.matching(1)).log()
      // x⁰ is constant; its derivative by the formula would be 0 · ∞ at x = 0.
      let slope = Tensor.select(b.isEqual(to: zero), zero, b * a.power(b - 1))
      return [
        needed[0] ? (upstream * slope).reduced(to: a.shape) : nil,
        needed[1] ? (upstream * value * logarithm).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Raises every element to a power.
  ///
  /// - Precondition: a floating tensor.
  public func power(_ exponent: Double) -> Tensor { power(matching(exponent)) }

  /// The square of every element; int32 wraps around.
  public var squared: Tensor { self * self }

  /// Computes eˣ of every element.
  ///
  /// - Precondition: a floating tensor.
  public func exp() -> Tensor {
    check(dtype.isFloating, "exp", expected: "a floating tensor", got: "\(dtype)")
    let dense = detached.contiguous
    func map<S: FloatingScalar>(_ type: S.Type) -> Tensor {
      Tensor(like: dense, of: S.self) { output in
        dense.withPointer(of: S.self) { input in Kernels.exponential(input, output, dense.count) }
      }
    }
    let y = dtype == .float32 ? map(Float.self) : map(Double.self)
    return y.derived(from: [self]) { upstream, _ in [upstream * y] }
  }

  /// Computes the natural logarithm of every element; −∞ at 0 and NaN below.
  ///
  /// - Precondition: a floating tensor.
  public func log() -> Tensor { unary(Functions.Logarithm.self) { up, x, _ in up / x } }

  /// Computes the square root of every element; NaN below 0.
  ///
  /// - Precondition: a floating tensor.
  public func sqrt() -> Tensor { unary(Functions.SquareRoot.self) { up, _, y in up / (y * 2) } }

  /// Computes the absolute value of every element; its gradient at 0 is 0.
  ///
  /// - Precondition: a floating tensor.
  public func abs() -> Tensor { unary(Functions.Absolute.self) { up, x, _ in up * x.mapped(Functions.Sign.self) } }

  /// Takes the larger of each pair; NaN if either is. Equal elements share the gradient.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public static func maximum(_ left: Tensor, _ right: Tensor) -> Tensor {
    extremum(combined(left.detached, right.detached, Functions.Maximum.self), left, right)
  }

  /// Takes the smaller of each pair; NaN if either is. Equal elements share the gradient.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public static func minimum(_ left: Tensor, _ right: Tensor) -> Tensor {
    extremum(combined(left.detached, right.detached, Functions.Minimum.self), left, right)
  }

  private static func extremum(_ value: Tensor, _ left: Tensor, _ right: Tensor) -> Tensor {
    let (a, b) = (left.detached, right.detached)
    return value.derived(from: [left, right]) { upstream, needed in
      let first = a.isEqual(to: value).converted(to: upstream.dtype)
      let second = b.isEqual(to: value).converted(to: upstream.dtype)
      let share = upstream / (first + second)
      return [
        needed[0] ? (share * first).reduced(to: a.shape) : nil,
        needed[1] ? (share * second).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Limits every element to `range`; the gradient is 0 outside and 1 inside and at the ends.
  public func clipped(to range: ClosedRange<Double>) -> Tensor {
    let x = detached
    let (low, high) = (x.matching(range.lowerBound), x.matching(range.upperBound))
    let value = Tensor.combined(Tensor.combined(low, x, Functions.Maximum.self), high, Functions.Minimum.self)
    return value.derived(from: [self]) { upstream, _ in
      [Tensor.select(x.isEqual(to: value), upstream, upstream.matching(0))]
    }
  }

  /// Applies a function and records its gradient, given the upstream gradient, the argument and the value.
  func unary<F: UnaryFunction>(
    _ function: F.Type, gradient: @escaping @Sendable (_ upstream: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor
  ) -> Tensor {
    let x = detached
    let y = x.mapped(F.self)
    return y.derived(from: [self]) { upstream, _ in [gradient(upstream, x, y)] }
  }
}
