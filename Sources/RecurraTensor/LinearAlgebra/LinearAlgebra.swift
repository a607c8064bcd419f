/// Linear systems and the factorisations that solve them, by LAPACK on the calling thread. Leading axes are a stack of
/// matrices.
extension Tensor {
  /// Finds x with this · x = b.
  ///
  /// - Shapes: this [… N, N]; b [… N, K], or a vector [N]; the result has b's shape, with leading axes broadcast.
  /// - Precondition: floating operands of one type, square matrices, shapes that belong together.
  /// - Throws: `badData` when an element is not finite or a matrix is singular.
  /// - Complexity: 2/3·N³ + 2·N²·K flops per matrix.
  public func solve(_ b: Tensor) throws(RecurraError) -> Tensor {
    if b.rank == 1 { return try solve(b.expanded(at: 1)).squeezed(-1) }
    let (left, right) = paired(with: b, "solve")
    check(left.rows == left.columns, "solve", expected: "square matrices", got: "shape \(shape)")
    let batch = Shape.broadcast(left.batch, right.batch, "solve")
    let matrix = stretched(to: batch + [left.rows, left.columns])
    let target = b.stretched(to: batch + [right.rows, right.columns])
    try requireFinite("solve")
    try b.requireFinite("solve")
    let a = matrix.detached
    let (x, failure) = a.solution(target.detached)
    if let failure { throw .singular("solve", failure) }
    return x.derived(from: [matrix, target]) { upstream, needed in
      let z = a.transposed().solution(upstream).x
      return [needed[0] ? -z.matrixProduct(x.transposed()) : nil, needed[1] ? z : nil]
    }
  }

  /// Finds the shortest x that makes ‖this · x − b‖ smallest.
  ///
  /// Singular values below ε·max(M, N) times the largest count as zero. The gradient holds where the rank does not
  /// change.
  /// - Shapes: this [… M, N]; b [… M, K], or a vector [M]; the result [… N, K] or [… N].
  /// - Precondition: floating operands of one type, shapes that belong together.
  /// - Throws: `badData` when an element is not finite.
  /// - Complexity: about 4·M·N·min(M, N) flops per matrix.
  public func leastSquares(_ b: Tensor) throws(RecurraError) -> Tensor {
    if b.rank == 1 { return try leastSquares(b.expanded(at: 1)).squeezed(-1) }
    let (left, right) = paired(with: b, "leastSquares")
    let batch = Shape.broadcast(left.batch, right.batch, "leastSquares")
    let matrix = stretched(to: batch + [left.rows, left.columns])
    let target = b.stretched(to: batch + [right.rows, right.columns])
    try requireFinite("leastSquares")
    try b.requireFinite("leastSquares")
    let (a, goal) = (matrix.detached, target.detached)
    let (solution, failure) = a.shortest(goal)
    if let failure { throw .diverged("leastSquares", failure) }
    let x = solution
    return x.derived(from: [matrix, target]) { upstream, needed in
      // d(A⁺) = −A⁺·dA·A⁺ + A⁺·A⁺ᵀ·dAᵀ·(1 − A·A⁺) + (1 − A⁺·A)·dAᵀ·A⁺ᵀ·A⁺
      // (Golub, Pereyra 1973), with p = A⁺.
      let p = a.pseudoInverse()
      let z = p.transposed().matrixProduct(upstream)
      guard needed[0] else { return [nil, z] }
      let residual = goal - a.matrixProduct(x)
      let outside = upstream - p.matrixProduct(a.matrixProduct(upstream))
      let gradient =
        residual.matrixProduct(p.matrixProduct(z).transposed()) - z.matrixProduct(x.transposed())
        + p.transposed().matrixProduct(x).matrixProduct(outside.transposed())
      return [gradient, needed[1] ? z : nil]
    }
  }

  /// Finds the matrix whose product with this one is the identity.
  ///
  /// - Shapes: [… N, N], and the result too.
  /// - Precondition: floating square matrices.
  /// - Throws: `badData` when an element is not finite or a matrix is singular.
  /// - Complexity: 2·N³ flops per matrix.
  public func inverse() throws(RecurraError) -> Tensor {
    let stack = MatrixStack(self, square: "inverse")
    try requireFinite("inverse")
    let (result, failure) =
      dtype == .float32 ? detached.inverted(stack, Float.self) : detached.inverted(stack, Double.self)
    if let failure { throw .singular("inverse", failure) }
    let y = result
    return y.derived(from: [self]) { upstream, _ in
      [-y.transposed().matrixProduct(upstream).matrixProduct(y.transposed())]
    }
  }

  /// Computes the determinant: 0 for a singular matrix, NaN where an element is not finite.
  ///
  /// - Shapes: [… N, N] gives […].
  /// - Precondition: floating square matrices.
  /// - Complexity: 2/3·N³ flops per matrix.
  public func determinant() -> Tensor {
    let stack = MatrixStack(self, square: "determinant")
    let a = detached
    let value = dtype == .float32 ? a.pivotProduct(stack, Float.self) : a.pivotProduct(stack, Double.self)
    return value.derived(from: [self]) { upstream, _ in
      // The cofactors by singular values, because they exist for singular matrices too.
      let (u, s, vT, failure) = a.singularValues()
      guard failure == nil, stack.columns > 0 else { return [a * Double.nan] }
      let others = (0..<stack.columns).map { skipped in
        let kept = (0..<stack.columns).filter { $0 != skipped }.map { s.sliced($0..<($0 + 1), axis: -1) }
        return kept.reduce(s.matching(1), *).stretched(to: stack.batch + [1])
      }
      let sign = u.determinant() * vT.determinant()
      let scaled = u * Tensor.concatenated(others, axis: -1).expanded(at: -2)
      return [(upstream * sign).reshaped(stack.batch + [1, 1]) * scaled.matrixProduct(vT)]
    }
  }

  /// A⁺, with the cut-off of `leastSquares`.
  private func pseudoInverse() -> Tensor {
    let (u, s, vT, _) = singularValues()
    let cut = Swift.max(shape[rank - 1], shape[rank - 2])
    let limit =
      s.max(axes: [-1], keepingDimensions: true) * (dtype == .float32 ? Double(Float.ulpOfOne) : .ulpOfOne)
      * Double(cut)
    let isKept = limit.isLess(than: s)
    let inverted = Tensor.select(isKept, 1 / Tensor.select(isKept, s, s.matching(1)), s.matching(0))
    return (vT.transposed() * inverted.expanded(at: -2)).matrixProduct(u.transposed())
  }

  private func paired(with b: Tensor, _ operation: String) -> (MatrixStack, MatrixStack) {
    let (left, right) = (MatrixStack(self, operation), MatrixStack(b, operation))
    check(
      dtype == b.dtype && left.rows == right.rows, operation,
      expected: "operands of one type, shapes [… M, N] and [… M, K]",
      got: "\(dtype) \(shape) and \(b.dtype) \(b.shape)")
    return (left, right)
  }

  /// The solution of a square system; NaN in a matrix that is singular, and its number.
  func solution(_ b: Tensor) -> (x: Tensor, failure: Int?) {
    dtype == .float32 ? solution(b, Float.self) : solution(b, Double.self)
  }

  private func solution<S: LAPACKScalar>(_ b: Tensor, _ type: S.Type) -> (Tensor, Int?) {
    let (stack, columns) = (MatrixStack(self, "solve"), b.shape[b.rank - 1])
    let (n, k) = (Int32(stack.rows), Int32(columns))
    var (factors, x, failure) = (self, b, Int?.none)
    var pivots = Tensor(uninitialized: [stack.rows], dtype: .int32)
    guard n > 0, k > 0 else { return (x, nil) }
    factors.withMutablePointer(of: S.self) { a in
      x.withMutablePointer(of: S.self) { x in
        pivots.withMutablePointer(of: Int32.self) { pivots in
          for matrix in 0..<stack.count {
            let column = x + matrix * stack.rows * columns
            if BLAS.call(S.gesv(S.rowMajor, n, k, a + matrix * stack.size, n, pivots, column, k)) != 0 {
              column.update(repeating: .nan, count: stack.rows * columns)
              failure = failure ?? matrix
            }
          }
        }
      }
    }
    return (x, failure)
  }

  private func shortest(_ b: Tensor) -> (x: Tensor, failure: Int?) {
    dtype == .float32 ? shortest(b, Float.self) : shortest(b, Double.self)
  }

  private func shortest<S: LAPACKScalar>(_ b: Tensor, _ type: S.Type) -> (Tensor, Int?) {
    let (stack, columns) = (MatrixStack(self, "leastSquares"), b.shape[b.rank - 1])
    let (rows, width) = (stack.rows, stack.columns)
    guard stack.size > 0, columns > 0 else { return (.zeros(stack.batch + [width, columns], dtype: dtype), nil) }
    // LAPACK takes b and gives x in one block of max(M, N) rows.
    let block = Swift.max(rows, width)
    let padding = Tensor.zeros(stack.batch + [block - rows, columns], dtype: dtype)
    var (factors, x, failure) = (self, Tensor.concatenated([b, padding], axis: -2), Int?.none)
    let cut = S.ulpOfOne * S(block)
    var values = Tensor(uninitialized: [block], dtype: dtype)
    factors.withMutablePointer(of: S.self) { a in
      x.withMutablePointer(of: S.self) { x in
        values.withMutablePointer(of: S.self) { s in
          for matrix in 0..<stack.count {
            let (a, x) = (a + matrix * stack.size, x + matrix * block * columns)
            var rank: Int32 = 0
            let info = BLAS.call(
              S.gelsd(
                S.rowMajor, Int32(rows), Int32(width), Int32(columns), a, Int32(width), x, Int32(columns), s, cut, &rank
              ))
            if info != 0 { failure = failure ?? matrix }
          }
        }
      }
    }
    return (x.sliced(0..<width, axis: -2), failure)
  }

  private func inverted<S: LAPACKScalar>(_ stack: MatrixStack, _ type: S.Type) -> (Tensor, Int?) {
    var (result, failure) = (self, Int?.none)
    guard stack.size > 0 else { return (self, nil) }
    let n = Int32(stack.rows)
    var pivots = Tensor(uninitialized: [stack.rows], dtype: .int32)
    result.withMutablePointer(of: S.self) { a in
      pivots.withMutablePointer(of: Int32.self) { pivots in
        for matrix in 0..<stack.count {
          let a = a + matrix * stack.size
          if BLAS.call(S.getrf(S.rowMajor, n, n, a, n, pivots)) != 0
            || BLAS.call(S.getri(S.rowMajor, n, a, n, pivots)) != 0
          {
            failure = failure ?? matrix
          }
        }
      }
    }
    return (result, failure)
  }

  private func pivotProduct<S: LAPACKScalar>(_ stack: MatrixStack, _ type: S.Type) -> Tensor {
    var factors = self
    let n = Int32(stack.rows)
    var pivots = Tensor(uninitialized: [stack.rows], dtype: .int32)
    return Tensor(stack.batch, of: S.self) { output in
      output.update(repeating: 1, count: stack.count)
      guard stack.size > 0 else { return }
      factors.withMutablePointer(of: S.self) { a in
        pivots.withMutablePointer(of: Int32.self) { pivots in
          for matrix in 0..<stack.count {
            let a = a + matrix * stack.size
            // Below 0: LAPACKE saw a NaN and did nothing. Above 0: a pivot is 0, and so is the product.
            if BLAS.call(S.getrf(S.rowMajor, n, n, a, n, pivots)) < 0 { output[matrix] = .nan }
            for i in 0..<stack.rows {
              output[matrix] *= pivots[i] == Int32(i + 1) ? a[i * stack.rows + i] : -a[i * stack.rows + i]
            }
          }
        }
      }
    }
  }
}

/// A tensor seen as a stack of matrices in its last two axes.
struct MatrixStack: Sendable {
  let batch: [Int]
  let rows: Int
  let columns: Int
  /// The number of matrices.
  var count: Int { Shape.count(batch) }
  /// The elements of one matrix.
  var size: Int { rows * columns }

  init(_ tensor: Tensor, _ operation: String) {
    // Whatever is about to be done with the matrices is done by a library that stands on OpenBLAS.
    BLAS.takeOver()
    check(
      tensor.rank >= 2 && tensor.dtype.isFloating && tensor.shape.suffix(2).allSatisfy { $0 <= Int(Int32.max) },
      operation, expected: "floating matrices", got: "\(tensor.dtype) of shape \(tensor.shape)")
    batch = Array(tensor.shape.dropLast(2))
    (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
  }

  init(_ tensor: Tensor, square operation: String) {
    self.init(tensor, operation)
    check(rows == columns, operation, expected: "square matrices", got: "shape \(tensor.shape)")
  }
}

extension RecurraError {
  static func singular(_ operation: String, _ matrix: Int) -> RecurraError {
    RecurraError(
      .badData, operation: operation, expected: "regular matrices", got: "matrix \(matrix), which is singular")
  }

  static func diverged(_ operation: String, _ matrix: Int) -> RecurraError {
    RecurraError(
      .badData, operation: operation, expected: "an iteration that converges",
      got: "matrix \(matrix), for which it does not")
  }
}

extension Tensor {
  /// Refuses elements that are not finite: they make LAPACK's iterations endless, and its pivots meaningless.
  func requireFinite(_ operation: String) throws(RecurraError) {
    // A number times 0 is 0; an infinity or a NaN is not.
    let total = (detached * 0).sum().item
    if total != 0 {
      throw RecurraError(
        .badData, operation: operation, expected: "finite elements", got: "NaN or infinity in \(shape)")
    }
  }
}
