/// Comparisons give int32 tensors of 0 and 1; any comparison with NaN but `isNotEqual` is 0.
extension Tensor {
  /// Gives 1 where the elements are equal, 0 elsewhere.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public func isEqual(to other: Tensor) -> Tensor { compared(with: other, Relations.Equal.self) }
  /// Gives 1 where the elements differ, 0 elsewhere.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public func isNotEqual(to other: Tensor) -> Tensor { compared(with: other, Relations.NotEqual.self) }
  /// Gives 1 where this element is less, 0 elsewhere.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public func isLess(than other: Tensor) -> Tensor { compared(with: other, Relations.Less.self) }
  /// Gives 1 where this element is greater, 0 elsewhere.
  ///
  /// - Precondition: operands of one type, shapes that broadcast.
  public func isGreater(than other: Tensor) -> Tensor { other.isLess(than: self) }

  private func compared<R: Relation>(with other: Tensor, _ relation: R.Type) -> Tensor {
    check(dtype == other.dtype, R.name, expected: "operands of one type", got: "\(dtype) and \(other.dtype)")
    switch dtype.representation {
    case .float32:
      return Tensor.pairwise(self, other, R.name) { (a: Float, b: Float) -> Int32 in R.holds(a, b) ? 1 : 0 }
    case .float64:
      return Tensor.pairwise(self, other, R.name) { (a: Double, b: Double) -> Int32 in R.holds(a, b) ? 1 : 0 }
    case .int32:
      return Tensor.pairwise(self, other, R.name) { (a: Int32, b: Int32) -> Int32 in R.holds(a, b) ? 1 : 0 }
    }
  }

  /// Takes elements of `yes` where `condition` is not 0, of `no` elsewhere; NumPy's `where`.
  ///
  /// - Precondition: an int32 condition, values of one type, shapes that broadcast.
  public static func select(_ condition: Tensor, _ yes: Tensor, _ no: Tensor) -> Tensor {
    check(condition.dtype == .int32, "select", expected: "an int32 condition", got: "\(condition.dtype)")
    check(yes.dtype == no.dtype, "select", expected: "values of one type", got: "\(yes.dtype) and \(no.dtype)")
    let shape = Shape.broadcast(condition.shape, Shape.broadcast(yes.shape, no.shape, "select"), "select")
    func pick<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(shape, of: S.self) { output in
        condition.withPointer(of: Int32.self) { flags in
          yes.withPointer(of: S.self) { first in
            no.withPointer(of: S.self) { second in
              walk(shape, condition.layout, yes.layout, no.layout) { position, count, o, s in
                let target = output + position
                for i in 0..<count {
                  target[i] =
                    flags[o.first &+ i &* s.first] != 0
                    ? first[o.second &+ i &* s.second] : second[o.third &+ i &* s.third]
                }
              }
            }
          }
        }
      }
    }
    let value: Tensor
    switch yes.dtype.representation {
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

/// A relation between two numbers.
private protocol Relation {
  static var name: String { get }
  static func holds<S: TensorScalar>(_ left: S, _ right: S) -> Bool
}

private enum Relations {
  enum Equal: Relation {
    static let name = "=="
    static func holds<S: TensorScalar>(_ left: S, _ right: S) -> Bool { left == right }
  }
  enum NotEqual: Relation {
    static let name = "!="
    static func holds<S: TensorScalar>(_ left: S, _ right: S) -> Bool { left != right }
  }
  enum Less: Relation {
    static let name = "<"
    static func holds<S: TensorScalar>(_ left: S, _ right: S) -> Bool { left < right }
  }
}
