import RecurraTensor
import TestSupport

/// Numbers with a shape and nothing else: every operation's reference, by loops over indices.
struct NaiveArray {
  let shape: [Int]
  let values: [Double]

  init(_ shape: [Int], _ value: ([Int]) -> Double) {
    self.shape = shape
    values = Self.indices(shape).map(value)
  }

  /// Reads the elements one by one through the tensor's strides, past every fast path.
  init(_ tensor: Tensor) {
    func read<S: TensorScalar>(_ type: S.Type) -> ([Int]) -> Double {
      { index in
        let distance = zip(index, tensor.strides).reduce(0) { $0 + $1.0 * $1.1 }
        return tensor.withPointer(of: S.self) { $0[distance].asDouble }
      }
    }
    switch tensor.dtype.representation {
    case .float32: self.init(tensor.shape, read(Float.self))
    case .float64: self.init(tensor.shape, read(Double.self))
    case .int32: self.init(tensor.shape, read(Int32.self))
    }
  }

  /// Every index of a shape in row-major order.
  static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
  }

  subscript(index: [Int]) -> Double {
    values[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }]
  }

  /// The element that broadcasting puts at an index of a larger shape.
  func stretched(at index: [Int]) -> Double {
    let own = index.suffix(shape.count)
    return self[zip(own, shape).map { $1 == 1 ? 0 : $0 }]
  }

  /// Applies a function to each pair, with NumPy's broadcasting.
  static func combined(_ left: NaiveArray, _ right: NaiveArray, _ function: (Double, Double) -> Double) -> NaiveArray {
    let rank = max(left.shape.count, right.shape.count)
    let shape = (0..<rank).map { axis -> Int in
      let extents = [left, right].map { operand in
        let own = axis - rank + operand.shape.count
        return own < 0 ? 1 : operand.shape[own]
      }
      return extents[0] == 1 ? extents[1] : extents[0]
    }
    return NaiveArray(shape) { function(left.stretched(at: $0), right.stretched(at: $0)) }
  }

  func mapped(_ function: (Double) -> Double) -> NaiveArray {
    NaiveArray(shape) { function(self[$0]) }
  }

  /// Applies a function to the elements along `axes`, which stay with extent 1.
  func reduced(_ axes: [Int], _ function: ([Double]) -> Double) -> NaiveArray {
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    return NaiveArray(kept) { index in
      let inner = Self.indices(axes.map { shape[$0] })
      return function(
        inner.map { part in
          var full = index
          for (axis, position) in zip(axes, part) { full[axis] = position }
          return self[full]
        })
    }
  }

  func tensor(_ dtype: DType = .float64, shape other: [Int]? = nil) -> Tensor {
    Tensor(values, shape: other ?? shape).converted(to: dtype)
  }
}

/// The ways in which a tensor of a shape may lie in memory.
enum Form: CaseIterable {
  case dense, transposed, stepped, stretched, reversedAxes

  /// Numbers that look random, laid out in this form.
  func make(_ shape: [Int], seed: Int = 1, in range: ClosedRange<Double> = -2...2, dtype: DType = .float64) -> Tensor {
    func varied(_ shape: [Int]) -> Tensor { .varied(shape, seed: seed, in: range, dtype: dtype) }
    let last = shape.count - 1
    switch self {
    case .dense:
      return varied(shape)
    case .transposed:
      guard last >= 1 else { return varied(shape) }
      return varied(shape.dropLast(2) + [shape[last], shape[last - 1]]).transposed()
    case .stepped:
      // Every third element, beginning at the second, so that offset and stride matter.
      return shape.indices.reduce(varied(shape.map { $0 * 3 + 2 })) { tensor, axis in
        tensor.sliced(1..<(1 + shape[axis] * 3), axis: axis, step: 3)
      }
    case .stretched:
      guard last >= 0 else { return varied(shape) }
      return varied([1] + shape.dropFirst()).stretched(to: shape)
    case .reversedAxes:
      return varied(shape.reversed()).permuted(shape.indices.reversed())
    }
  }
}
