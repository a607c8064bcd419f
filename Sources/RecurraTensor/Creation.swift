extension Tensor {
  /// Makes a tensor from numbers in row-major order.
  public init<S: TensorScalar>(_ scalars: [S], shape: [Int]) {
    check(
      Shape.count(shape) == scalars.count, "Tensor", expected: "\(Shape.count(shape)) numbers for shape \(shape)",
      got: "\(scalars.count)")
    self.init(shape, of: S.self) { output in
      scalars.withUnsafeBufferPointer { if let base = $0.baseAddress { output.update(from: base, count: $0.count) } }
    }
  }

  /// Makes a vector.
  public init<S: TensorScalar>(_ scalars: [S]) { self.init(scalars, shape: [scalars.count]) }

  /// Makes a matrix from rows of equal length.
  public init<S: TensorScalar>(_ rows: [[S]]) {
    let width = rows.first?.count ?? 0
    check(
      rows.allSatisfy { $0.count == width }, "Tensor", expected: "rows of \(width) numbers", got: "\(rows.map(\.count))"
    )
    self.init(rows.flatMap { $0 }, shape: [rows.count, width])
  }

  /// Makes a tensor of one number and no axes.
  public init(_ value: Double, dtype: DType = .float32) { self = .full([], value, dtype: dtype) }

  /// Returns a tensor filled with one number.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) -> Tensor {
    func fill<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(shape, of: S.self) { $0.update(repeating: S(converting: value), count: Shape.count(shape)) }
    }
    switch dtype {
    case .float32: return fill(Float.self)
    case .float64: return fill(Double.self)
    case .int32: return fill(Int32.self)
    }
  }

  /// Returns a tensor of zeros.
  public static func zeros(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 0, dtype: dtype) }

  /// Returns a tensor of ones.
  public static func ones(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 1, dtype: dtype) }

  /// Returns start, start + step, … up to but not including `end`, as NumPy's `arange`.
  ///
  /// Each element is start + i·step computed in double precision, so errors do not pile up.
  public static func arange(_ start: Double, _ end: Double, step: Double = 1, dtype: DType = .float32) -> Tensor {
    check(step != 0, "arange", expected: "a step that is not 0", got: "\(step)")
    let extent = ((end - start) / step).rounded(.up)
    check(extent < 0x1p62, "arange", expected: "finite bounds and step", got: "\(start), \(end) and \(step)")
    let count = Int(Swift.max(extent, 0))
    return sequence(count, dtype) { start + Double($0) * step }
  }

  /// Returns `count` numbers from `start` to `end`, both included, at equal distances.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    check(count >= 0, "linspace", expected: "a count of 0 or more", got: "\(count)")
    return sequence(count, dtype) { i in
      i == count - 1 && count > 1 ? end : start + (end - start) * Double(i) / Double(Swift.max(count - 1, 1))
    }
  }

  /// Returns a square matrix with ones on the diagonal.
  public static func identity(_ size: Int, dtype: DType = .float32) -> Tensor {
    sequence(size * size, dtype) { $0 / Swift.max(size, 1) == $0 % Swift.max(size, 1) ? 1 : 0 }.reshaped([size, size])
  }

  private static func sequence(_ count: Int, _ dtype: DType, _ value: (Int) -> Double) -> Tensor {
    func fill<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor([count], of: S.self) { output in for i in 0..<count { output[i] = S(converting: value(i)) } }
    }
    switch dtype {
    case .float32: return fill(Float.self)
    case .float64: return fill(Double.self)
    case .int32: return fill(Int32.self)
    }
  }
}

extension Tensor: ExpressibleByArrayLiteral {
  /// Makes a float32 vector.
  public init(arrayLiteral elements: Float...) { self.init(elements) }
}
