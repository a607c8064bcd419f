/// Factorisations into matrices of a special form, by LAPACK on the calling thread. Leading axes are a stack of
/// matrices.
extension Tensor {
  /// Factors into a matrix of orthonormal columns and an upper triangle: this = q · r.
  ///
  /// - Shapes: [… M, N] gives q [… M, K] and r [… K, N] with K = min(M, N). The signs are LAPACK's; elements that
  ///   are not finite give NaN. The gradient exists where the first K columns are independent.
  /// - Precondition: floating matrices.
  /// - Complexity: about 4·M·N·K flops per matrix.
  public func qr() -> (q: Tensor, r: Tensor) {
    let stack = MatrixStack(self, "qr")
    let (q, r) = dtype == .float32 ? detached.factored(stack, Float.self) : detached.factored(stack, Double.self)
    let a = detached
    let outputs = recording([q, r]) { upstream in
      let (gradientQ, gradientR) = (upstream[0] ?? q * 0, upstream[1] ?? r * 0)
      guard stack.rows < stack.columns else { return Self.gradientOfQR(q, r, gradientQ, gradientR) }
      // A wide matrix [x, y] = q·[u, v]: y only adds to the gradient of q.
      let (head, tail) = (0..<stack.rows, stack.rows..<stack.columns)
      let y = a.sliced(tail, axis: -1)
      let gradientV = gradientR.sliced(tail, axis: -1)
      let gradientX = Self.gradientOfQR(
        q, r.sliced(head, axis: -1), gradientQ + y.matrixProduct(gradientV.transposed()),
        gradientR.sliced(head, axis: -1))
      return Tensor.concatenated([gradientX, q.matrixProduct(gradientV)], axis: -1)
    }
    return (outputs[0], outputs[1])
  }

  /// Factors a symmetric positive definite matrix into a lower triangle and its transpose: this = l · lᵀ.
  ///
  /// Reads the lower triangle only; the gradient is symmetric.
  /// - Shapes: [… N, N], and the result too.
  /// - Precondition: floating square matrices.
  /// - Throws: `badData` when an element is not finite or a matrix is not positive definite.
  /// - Complexity: N³/3 flops per matrix.
  public func cholesky() throws(RecurraError) -> Tensor {
    let stack = MatrixStack(self, square: "cholesky")
    try requireFinite("cholesky")
    let (factor, failure) =
      dtype == .float32 ? detached.halved(stack, Float.self) : detached.halved(stack, Double.self)
    if let failure {
      throw RecurraError(
        .badData, operation: "cholesky", expected: "positive definite matrices",
        got: "matrix \(failure.matrix), which is not from row \(failure.row) on")
    }
    let l = factor
    return l.derived(from: [self]) { upstream, _ in
      // Murray 2016: l⁻ᵀ · Φ(lᵀ·g) · l⁻¹, made symmetric; Φ takes the lower triangle and half of the
      // diagonal.
      let phi = l.transposed().matrixProduct(upstream) * Tensor.lowerTriangle(stack.rows, diagonal: 0.5, like: l)
      let left = l.solvedTriangular(phi, isUpper: false, transposed: true)
      let both = l.solvedTriangular(left.transposed(), isUpper: false, transposed: true)
      return [(both + both.transposed()) * 0.5]
    }
  }

  /// (g_q + q · copy(m)) · r⁻ᵀ with m = r·g_rᵀ − g_qᵀ·q, where copy mirrors the lower triangle.
  ///
  /// - Source: Walter & Lehmann 2012; Liao, Liu, Wang, Xiang 2019.
  private static func gradientOfQR(_ q: Tensor, _ r: Tensor, _ gradientQ: Tensor, _ gradientR: Tensor) -> Tensor {
    let m = r.matrixProduct(gradientR.transposed()) - gradientQ.transposed().matrixProduct(q)
    let half = m * lowerTriangle(m.shape[m.rank - 1], diagonal: 0.5, like: m)
    let sum = gradientQ + q.matrixProduct(half + half.transposed())
    return r.solvedTriangular(sum.transposed(), isUpper: true, transposed: false).transposed()
  }

  /// Ones below the diagonal, `diagonal` on it, zeros above.
  private static func lowerTriangle(_ size: Int, diagonal: Double, like other: Tensor) -> Tensor {
    let position = Tensor.arange(0, Double(size), dtype: .int32)
    let column = position.expanded(at: 0)
    let row = position.expanded(at: 1)
    let below = column.isLess(than: row).converted(to: other.dtype)
    return below + column.isEqual(to: row).converted(to: other.dtype) * diagonal
  }

  private func factored<S: LAPACKScalar>(_ stack: MatrixStack, _ type: S.Type) -> (Tensor, Tensor) {
    let (rows, columns, depth) = (stack.rows, stack.columns, Swift.min(stack.rows, stack.columns))
    let (m, n, k) = (Int32(rows), Int32(columns), Int32(depth))
    var factors = self
    var r = Tensor.zeros(stack.batch + [depth, columns], dtype: dtype)
    var tau = Tensor(uninitialized: [depth], dtype: dtype)
    let q = Tensor(stack.batch + [rows, depth], of: S.self) { q in
      guard depth > 0 else { return }
      factors.withMutablePointer(of: S.self) { a in
        r.withMutablePointer(of: S.self) { r in
          tau.withMutablePointer(of: S.self) { tau in
            for matrix in 0..<stack.count {
              let (a, q, r) = (a + matrix * stack.size, q + matrix * rows * depth, r + matrix * depth * columns)
              // LAPACKE refuses a NaN and leaves its arguments as they were.
              guard BLAS.call(S.geqrf(S.rowMajor, m, n, a, n, tau)) == 0 else {
                q.update(repeating: .nan, count: rows * depth)
                r.update(repeating: .nan, count: depth * columns)
                continue
              }
              for i in 0..<depth { (r + i * columns + i).update(from: a + i * columns + i, count: columns - i) }
              for i in 0..<rows { (q + i * depth).update(from: a + i * columns, count: depth) }
              if BLAS.call(S.orgqr(S.rowMajor, m, k, k, q, k, tau)) != 0 {
                q.update(repeating: .nan, count: rows * depth)
              }
            }
          }
        }
      }
    }
    return (q, r)
  }

  private func halved<S: LAPACKScalar>(
    _ stack: MatrixStack, _ type: S.Type
  ) -> (Tensor, failure: (matrix: Int, row: Int)?) {
    let n = stack.rows
    var (factor, failure) = (self, (matrix: Int, row: Int)?.none)
    guard stack.size > 0 else { return (self, nil) }
    factor.withMutablePointer(of: S.self) { a in
      for matrix in 0..<stack.count {
        let a = a + matrix * stack.size
        let info = BLAS.call(S.potrf(S.rowMajor, S.lower, Int32(n), a, Int32(n)))
        if info != 0, failure == nil { failure = (matrix, Int(info) - 1) }
        for i in 0..<n { (a + i * n + i + 1).update(repeating: 0, count: n - i - 1) }
      }
    }
    return (factor, failure)
  }

  /// Solves this · x = b, or thisᵀ · x = b, for a triangle; NaN where a diagonal element is 0.
  private func solvedTriangular(_ b: Tensor, isUpper: Bool, transposed: Bool) -> Tensor {
    func solve<S: LAPACKScalar>(_ type: S.Type) -> Tensor {
      let (stack, columns) = (MatrixStack(self, "solve"), b.shape[b.rank - 1])
      let (n, k) = (Int32(stack.rows), Int32(columns))
      let triangle = contiguous
      var x = b
      guard n > 0, k > 0 else { return x }
      x.withMutablePointer(of: S.self) { x in
        triangle.withPointer(of: S.self) { a in
          for matrix in 0..<stack.count {
            let column = x + matrix * stack.rows * columns
            let info = BLAS.call(
              S.trtrs(
                S.rowMajor, isUpper ? S.upper : S.lower, transposed ? S.transposition : S.none, S.none, n, k,
                a + matrix * stack.size, n, column, k))
            if info != 0 { column.update(repeating: .nan, count: stack.rows * columns) }
          }
        }
      }
      return x
    }
    return dtype == .float32 ? solve(Float.self) : solve(Double.self)
  }
}
