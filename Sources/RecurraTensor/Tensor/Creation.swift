extension Tensor {
  /// Makes a tensor from numbers in row-major order that the program itself has written down.
  ///
  /// - Precondition: as many numbers as the shape has elements; the process ends otherwise. For numbers from outside
  ///   take `init(validating:shape:dtype:)`, which throws instead.
  public init<S: TensorScalar>(_ scalars: [S], shape: [Int]) {
    check(
      Shape.count(shape) == scalars.count, "Tensor", expected: "\(Shape.count(shape)) numbers for shape \(shape)",
      got: "\(scalars.count)")
    self.init(shape, of: S.self) { output in
      scalars.withUnsafeBufferPointer { if let base = $0.baseAddress { output.update(from: base, count: $0.count) } }
    }
  }

  /// Makes a vector; its type is that of the numbers, so `[1.0, 2.0]` gives float64 and `[Float(1), 2]` float32.
  public init<S: TensorScalar>(_ scalars: [S]) { self.init(scalars, shape: [scalars.count]) }

  /// Makes a matrix from rows that the program itself has written down; its type is that of the numbers.
  ///
  /// - Precondition: rows of equal length; the process ends otherwise. For rows from outside take
  ///   `init(validating:dtype:)`, which throws instead.
  public init<S: TensorScalar>(_ rows: [[S]]) {
    let width = rows.first?.count ?? 0
    let ragged = rows.firstIndex { $0.count != width }
    check(
      ragged == nil, "Tensor", expected: "rows of \(width) numbers",
      got: "\(ragged.map { rows[$0].count } ?? 0) in row \(ragged ?? 0)")
    self.init(Array(rows.joined()), shape: [rows.count, width])
  }

  /// Makes a tensor of three axes from matrices that the program itself has written down; its type is that of the
  /// numbers.
  ///
  /// - Precondition: matrices of equal shape; the process ends otherwise. For numbers from outside take
  ///   `init(validating:dtype:)`, which throws instead.
  public init<S: TensorScalar>(_ matrices: [[[S]]]) {
    let (height, width) = (matrices.first?.count ?? 0, matrices.first?.first?.count ?? 0)
    let ragged = matrices.firstIndex { $0.count != height || $0.contains { $0.count != width } }
    check(
      ragged == nil, "Tensor", expected: "matrices of \(height) rows of \(width) numbers",
      got: "another shape in matrix \(ragged ?? 0)")
    self.init(matrices.flatMap { $0.joined() }, shape: [matrices.count, height, width])
  }

  /// Makes a tensor of one number and no axes.
  ///
  /// - Shapes: result [].
  public init(_ value: Double, dtype: DType = .float32) { self = .full([], value, dtype: dtype) }

  /// Returns a tensor filled with one number, towards zero for int32.
  ///
  /// - Precondition: extents of 0 or more, and a number that fits in int32 where that is asked for.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) -> Tensor {
    func fill<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(shape, of: S.self) { $0.update(repeating: S(converting: value), count: Shape.count(shape)) }
    }
    switch dtype.representation {
    case .float32: return fill(Float.self)
    case .float64: return fill(Double.self)
    case .int32: return fill(Int32.self)
    }
  }

  /// Returns a tensor of zeros.
  ///
  /// - Precondition: extents of 0 or more.
  public static func zeros(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 0, dtype: dtype) }

  /// Returns a tensor of ones.
  ///
  /// - Precondition: extents of 0 or more.
  public static func ones(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 1, dtype: dtype) }

  /// Returns start, start + step, … up to but not including `end`, as NumPy's `arange`.
  ///
  /// Each element is start + i·step computed in double precision, so errors do not pile up.
  ///
  /// - Shapes: result [N] with N = (end − start) / step, rounded up; [0] where that is negative.
  /// - Precondition: finite bounds and a finite step that is not 0.
  public static func arange(_ start: Double, _ end: Double, step: Double = 1, dtype: DType = .float32) -> Tensor {
    check(step != 0, "arange", expected: "a step that is not 0", got: "\(step)")
    let extent = ((end - start) / step).rounded(.up)
    check(extent < 0x1p62, "arange", expected: "finite bounds and step", got: "\(start), \(end) and \(step)")
    let count = Int(Swift.max(extent, 0))
    return sequence(count, dtype) { start + Double($0) * step }
  }

  /// Returns `count` numbers from `start` to `end`, both included, at equal distances.
  ///
  /// - Shapes: result [count].
  /// - Precondition: a count of 0 or more.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    check(count >= 0, "linspace", expected: "a count of 0 or more", got: "\(count)")
    return sequence(count, dtype) { i in
      i == count - 1 && count > 1 ? end : start + (end - start) * Double(i) / Double(Swift.max(count - 1, 1))
    }
  }

  /// Returns a square matrix with ones on the diagonal.
  ///
  /// - Shapes: result [size, size].
  /// - Precondition: a size of 0 or more.
  public static func identity(_ size: Int, dtype: DType = .float32) -> Tensor {
    sequence(size * size, dtype) { $0 / Swift.max(size, 1) == $0 % Swift.max(size, 1) ? 1 : 0 }.reshaped([size, size])
  }

  private static func sequence(_ count: Int, _ dtype: DType, _ value: (Int) -> Double) -> Tensor {
    func fill<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor([count], of: S.self) { output in for i in 0..<count { output[i] = S(converting: value(i)) } }
    }
    switch dtype.representation {
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
