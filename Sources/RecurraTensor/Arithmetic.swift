/// Arithmetic element by element. Shapes broadcast as in NumPy; mixed element types are refused.
extension Tensor {
  /// Adds element by element.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    let shapes = (left.shape, right.shape)
    return combined(left, right, Functions.Add.self).derived(from: [left, right]) { upstream, needed in
      [needed[0] ? upstream.reduced(to: shapes.0) : nil, needed[1] ? upstream.reduced(to: shapes.1) : nil]
    }
  }

  /// Subtracts element by element.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    let shapes = (left.shape, right.shape)
    return combined(left, right, Functions.Subtract.self).derived(from: [left, right]) { upstream, needed in
      [needed[0] ? upstream.reduced(to: shapes.0) : nil, needed[1] ? (-upstream).reduced(to: shapes.1) : nil]
    }
  }

  /// Multiplies element by element.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = (left.detached, right.detached)
    return combined(a, b, Functions.Multiply.self).derived(from: [left, right]) { upstream, needed in
      [
        needed[0] ? (upstream * b).reduced(to: a.shape) : nil,
        needed[1] ? (upstream * a).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Divides element by element; floating tensors only.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = (left.detached, right.detached)
    return combined(a, b, Functions.Divide.self).derived(from: [left, right]) { upstream, needed in
      [
        needed[0] ? (upstream / b).reduced(to: a.shape) : nil,
        needed[1] ? (-(upstream * a) / (b * b)).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Changes every sign.
  public static prefix func - (operand: Tensor) -> Tensor {
    operand.dtype == .int32 ? operand.matching(0) - operand : operand.unary(Functions.Negate.self) { up, _, _ in -up }
  }

  /// Adds a number to every element.
  public static func + (left: Tensor, right: Double) -> Tensor { left + left.matching(right) }
  /// Adds a number to every element.
  public static func + (left: Double, right: Tensor) -> Tensor { right.matching(left) + right }
  /// Subtracts a number from every element.
  public static func - (left: Tensor, right: Double) -> Tensor { left - left.matching(right) }
  /// Subtracts every element from a number.
  public static func - (left: Double, right: Tensor) -> Tensor { right.matching(left) - right }
  /// Multiplies every element by a number.
  public static func * (left: Tensor, right: Double) -> Tensor { left * left.matching(right) }
  /// Multiplies every element by a number.
  public static func * (left: Double, right: Tensor) -> Tensor { right.matching(left) * right }
  /// Divides every element by a number.
  public static func / (left: Tensor, right: Double) -> Tensor { left / left.matching(right) }
  /// Divides a number by every element.
  public static func / (left: Double, right: Tensor) -> Tensor { right.matching(left) / right }

  /// A number in this tensor's type, ready to be broadcast.
  package func matching(_ value: Double) -> Tensor { .full([], value, dtype: dtype) }

  /// Raises every element to the power of the other's; the gradient with respect to the exponent is 0 where the base is 0.
  public func power(_ exponent: Tensor) -> Tensor {
    let (a, b) = (detached, exponent.detached)
    let value = Tensor.combined(a, b, Functions.Power.self)
    return value.derived(from: [self, exponent]) { upstream, needed in
      let positive = a.isGreater(than: a.matching(0))
      let logarithm = Tensor.select(positive, a, a.matching(1)).log()
      return [
        needed[0] ? (upstream * b * a.power(b - 1)).reduced(to: a.shape) : nil,
        needed[1] ? (upstream * value * logarithm).reduced(to: b.shape) : nil,
      ]
    }
  }

  /// Raises every element to a power.
  public func power(_ exponent: Double) -> Tensor { power(matching(exponent)) }

  /// The square of every element.
  public var squared: Tensor { self * self }

  /// eˣ of every element.
  public func exp() -> Tensor { unary(Functions.Exponential.self) { up, _, y in up * y } }

  /// Natural logarithm of every element.
  public func log() -> Tensor { unary(Functions.Logarithm.self) { up, x, _ in up / x } }

  /// Square root of every element.
  public func sqrt() -> Tensor { unary(Functions.SquareRoot.self) { up, _, y in up / (y * 2) } }

  /// Absolute value of every element; its gradient at 0 is 0.
  public func abs() -> Tensor { unary(Functions.Absolute.self) { up, x, _ in up * x.mapped(Functions.Sign.self) } }

  /// Takes the larger of each pair; NaN if either is. Equal elements share the gradient.
  public static func maximum(_ left: Tensor, _ right: Tensor) -> Tensor {
    extremum(combined(left.detached, right.detached, Functions.Maximum.self), left, right)
  }

  /// Takes the smaller of each pair; NaN if either is. Equal elements share the gradient.
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

/// Comparisons give int32 tensors of 0 and 1; any comparison with NaN but `!=` is 0.
extension Tensor {
  /// 1 where the elements are equal.
  public func isEqual(to other: Tensor) -> Tensor {
    compare(other, "==") {
      $0 == $1
    } _: {
      $0 == $1
    } _: {
      $0 == $1
    }
  }
  /// 1 where the elements differ.
  public func isNotEqual(to other: Tensor) -> Tensor {
    compare(other, "!=") {
      $0 != $1
    } _: {
      $0 != $1
    } _: {
      $0 != $1
    }
  }
  /// 1 where this element is less.
  public func isLess(than other: Tensor) -> Tensor {
    compare(other, "<") {
      $0 < $1
    } _: {
      $0 < $1
    } _: {
      $0 < $1
    }
  }
  /// 1 where this element is greater.
  public func isGreater(than other: Tensor) -> Tensor { other.isLess(than: self) }

  private func compare(
    _ other: Tensor, _ name: String, _ single: (Float, Float) -> Bool, _ double: (Double, Double) -> Bool,
    _ integer: (Int32, Int32) -> Bool
  ) -> Tensor {
    check(dtype == other.dtype, name, expected: "operands of one type", got: "\(dtype) and \(other.dtype)")
    switch dtype {
    case .float32: return Tensor.pairwise(self, other, name) { (a: Float, b: Float) -> Int32 in single(a, b) ? 1 : 0 }
    case .float64: return Tensor.pairwise(self, other, name) { (a: Double, b: Double) -> Int32 in double(a, b) ? 1 : 0 }
    case .int32: return Tensor.pairwise(self, other, name) { (a: Int32, b: Int32) -> Int32 in integer(a, b) ? 1 : 0 }
    }
  }

  /// Takes elements of `yes` where `condition` (int32) is not 0, of `no` elsewhere; NumPy's `where`.
  public static func select(_ condition: Tensor, _ yes: Tensor, _ no: Tensor) -> Tensor {
    check(condition.dtype == .int32, "select", expected: "an int32 condition", got: "\(condition.dtype)")
    check(yes.dtype == no.dtype, "select", expected: "values of one type", got: "\(yes.dtype) and \(no.dtype)")
    let shape = Shape.broadcast(condition.shape, Shape.broadcast(yes.shape, no.shape, "select"), "select")
    func pick<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(shape, of: S.self) { output in
        condition.withPointer(of: Int32.self) { flags in
          yes.withPointer(of: S.self) { first in
            no.withPointer(of: S.self) { second in
              let strides = [condition, yes, no].map {
                Shape.broadcastStrides(shape: $0.shape, strides: $0.strides, to: shape)
              }
              walk(shape, [Shape.rowMajorStrides(shape)] + strides) { o, count, s in
                for i in 0..<count {
                  output[o[0] + i * s[0]] =
                    flags[o[1] + i * s[1]] != 0 ? first[o[2] + i * s[2]] : second[o[3] + i * s[3]]
                }
              }
            }
          }
        }
      }
    }
    let value: Tensor
    switch yes.dtype {
    case .float32: value = pick(Float.self)
    case .float64: value = pick(Double.self)
    case .int32: value = pick(Int32.self)
    }
    let shapes = (yes.shape, no.shape)
    return value.derived(from: [yes, no]) { upstream, needed in
      let zero = upstream.matching(0)
      return [
        needed[0] ? select(condition, upstream, zero).reduced(to: shapes.0) : nil,
        needed[1] ? select(condition, zero, upstream).reduced(to: shapes.1) : nil,
      ]
    }
  }
}
