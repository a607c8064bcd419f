/// Singular values and eigenvalues, by LAPACK on the calling thread. Leading axes are a stack of matrices.
extension Tensor {
  /// Factors into orthonormal columns, singular values and orthonormal rows: this = u · diag(s) · vᵀ.
  ///
  /// - Shapes: [… M, N] gives u [… M, K], s [… K] in falling order and vᵀ [… K, N] with K = min(M, N). The
  ///   gradient of s always exists; that of u and vᵀ where the singular values are distinct and not 0.
  /// - Precondition: floating matrices.
  /// - Throws: `badData` when an element is not finite.
  /// - Complexity: about 4·M·N·K + 22·K³ flops per matrix.
  public func svd() throws(RecurraError) -> (u: Tensor, s: Tensor, vT: Tensor) {
    try requireFinite("svd")
    let (u, s, vT, failure) = detached.singularValues()
    if let failure { throw .diverged("svd", failure) }
    let outputs = recording([u, s, vT]) { upstream in
      // Townsend 2016; F_ij = 1 / (s_j² − s_i²).
      let (row, column) = (s.expanded(at: -2), s.expanded(at: -1))
      var core = upstream[1].map { $0.expanded(at: -1) * Tensor.identity(s.shape[s.rank - 1], dtype: s.dtype) }
      var outside: Tensor?
      if let gradient = upstream[0] {
        let p = u.transposed().matrixProduct(gradient)
        core = (p - p.transposed()) * s.squared.inverseGaps * row + (core ?? p * 0)
        outside = ((gradient - u.matrixProduct(p)) / row).matrixProduct(vT)
      }
      if let gradient = upstream[2] {
        let p = gradient.matrixProduct(vT.transposed())
        core = column * (p.transposed() - p) * s.squared.inverseGaps + (core ?? p * 0)
        let part = u.matrixProduct((gradient - p.matrixProduct(vT)) / column)
        outside = outside.map { $0 + part } ?? part
      }
      let inside = u.matrixProduct(core ?? row * column * 0).matrixProduct(vT)
      return outside.map { inside + $0 } ?? inside
    }
    return (outputs[0], outputs[1], outputs[2])
  }

  /// Computes the eigenvalues of general matrices, complex ones as pairs of a real and an imaginary part.
  ///
  /// - Shapes: [… N, N] gives two tensors [… N], in LAPACK's order; conjugate values are neighbours, the positive
  ///   imaginary part first. The gradient exists where the eigenvalues are distinct.
  /// - Precondition: floating square matrices.
  /// - Throws: `badData` when an element is not finite.
  /// - Complexity: about 10·N³ flops per matrix.
  public func eigenvalues() throws(RecurraError) -> (real: Tensor, imaginary: Tensor) {
    let stack = MatrixStack(self, square: "eigenvalues")
    try requireFinite("eigenvalues")
    let a = detached
    let (values, failure) = a.generalEigenvalues(stack, withVectors: false)
    if let failure { throw .diverged("eigenvalues", failure) }
    let outputs = recording([values.real, values.imaginary]) { upstream in
      let full = a.generalEigenvalues(stack, withVectors: true).values
      return full.gradient(stack, real: upstream[0] ?? full.real * 0, imaginary: upstream[1] ?? full.imaginary * 0)
    }
    return (outputs[0], outputs[1])
  }

  /// Computes eigenvalues, in rising order, and orthonormal eigenvectors of symmetric matrices.
  ///
  /// Reads the lower triangle only; the gradient is symmetric. That of the vectors exists where the values are
  /// distinct.
  /// - Shapes: [… N, N] gives values [… N] and vectors [… N, N], one to a column.
  /// - Precondition: floating square matrices.
  /// - Throws: `badData` when an element is not finite.
  /// - Complexity: about 9·N³ flops per matrix.
  public func symmetricEigendecomposition() throws(RecurraError) -> (values: Tensor, vectors: Tensor) {
    let stack = MatrixStack(self, square: "symmetricEigendecomposition")
    try requireFinite("symmetricEigendecomposition")
    let (values, vectors, failure) =
      dtype == .float32 ? detached.symmetric(stack, Float.self) : detached.symmetric(stack, Double.self)
    if let failure { throw .diverged("symmetricEigendecomposition", failure) }
    let outputs = recording([values, vectors]) { upstream in
      var core = (upstream[0] ?? values * 0).expanded(at: -1) * Tensor.identity(stack.rows, dtype: values.dtype)
      if let gradient = upstream[1] {
        core = core + vectors.transposed().matrixProduct(gradient) * values.inverseGaps
      }
      let result = vectors.matrixProduct(core).matrixProduct(vectors.transposed())
      return (result + result.transposed()) * 0.5
    }
    return (outputs[0], outputs[1])
  }

  /// 1 / (xⱼ − xᵢ) in row i and column j, 0 on the diagonal.
  private var inverseGaps: Tensor {
    let identity = Tensor.identity(shape[rank - 1], dtype: dtype)
    return 1 / (expanded(at: -2) - expanded(at: -1) + identity) - identity
  }

  /// Gives several results of one operation on this tensor a common history.
  func recording(_ outputs: [Tensor], _ pullback: @escaping @Sendable ([Tensor?]) -> Tensor) -> [Tensor] {
    guard let origin else { return outputs }
    let node = Node(parents: [origin], outputCount: outputs.count) { upstream in [pullback(upstream)] }
    return outputs.indices.map { outputs[$0].with(origin: Origin(node: node, output: $0)) }
  }

  /// The reduced singular value decomposition, and the number of a matrix for which it does not converge.
  func singularValues() -> (u: Tensor, s: Tensor, vT: Tensor, failure: Int?) {
    let stack = MatrixStack(self, "svd")
    return dtype == .float32 ? singularValues(stack, Float.self) : singularValues(stack, Double.self)
  }

  private func singularValues<S: LAPACKScalar>(
    _ stack: MatrixStack, _ type: S.Type
  ) -> (Tensor, Tensor, Tensor, Int?) {
    let (rows, columns, depth) = (stack.rows, stack.columns, Swift.min(stack.rows, stack.columns))
    let (m, n, k) = (Int32(rows), Int32(columns), Int32(depth))
    var (u, s) = (
      Tensor(uninitialized: stack.batch + [rows, depth], dtype: dtype),
      Tensor(uninitialized: stack.batch + [depth], dtype: dtype)
    )
    var vT = Tensor(uninitialized: stack.batch + [depth, columns], dtype: dtype)
    var (a, failure) = (self, Int?.none)
    guard depth > 0 else { return (u, s, vT, nil) }
    a.withMutablePointer(of: S.self) { a in
      u.withMutablePointer(of: S.self) { u in
        s.withMutablePointer(of: S.self) { s in
          vT.withMutablePointer(of: S.self) { vT in
            for matrix in 0..<stack.count {
              let info = BLAS.call(
                S.gesdd(
                  S.rowMajor, S.reduced, m, n, a + matrix * stack.size, n, s + matrix * depth,
                  u + matrix * rows * depth, k, vT + matrix * depth * columns, n))
              if info != 0 { failure = failure ?? matrix }
            }
          }
        }
      }
    }
    return (u, s, vT, failure)
  }

  private func symmetric<S: LAPACKScalar>(_ stack: MatrixStack, _ type: S.Type) -> (Tensor, Tensor, failure: Int?) {
    let n = Int32(stack.rows)
    var (vectors, failure) = (self, Int?.none)
    var values = Tensor(uninitialized: stack.batch + [stack.rows], dtype: dtype)
    guard n > 0 else { return (values, vectors, nil) }
    vectors.withMutablePointer(of: S.self) { a in
      values.withMutablePointer(of: S.self) { values in
        for matrix in 0..<stack.count {
          let info = BLAS.call(
            S.syevd(
              S.rowMajor, S.vectors, S.lower, n, a + matrix * stack.size, n, values + matrix * stack.rows))
          if info != 0 { failure = failure ?? matrix }
        }
      }
    }
    return (values, vectors, failure)
  }

  private func generalEigenvalues(
    _ stack: MatrixStack, withVectors: Bool
  ) -> (values: ComplexEigenvalues, failure: Int?) {
    func compute<S: LAPACKScalar>(_ type: S.Type) -> (ComplexEigenvalues, Int?) {
      let n = Int32(stack.rows)
      var (a, failure) = (self, Int?.none)
      var values = ComplexEigenvalues(stack, dtype)
      guard n > 0 else { return (values, nil) }
      let job = withVectors ? S.vectors : S.none
      a.withMutablePointer(of: S.self) { a in
        values.real.withMutablePointer(of: S.self) { real in
          values.imaginary.withMutablePointer(of: S.self) { imaginary in
            values.left.withMutablePointer(of: S.self) { left in
              values.right.withMutablePointer(of: S.self) { right in
                for matrix in 0..<stack.count {
                  let (start, block) = (matrix * stack.rows, matrix * stack.size)
                  let info = BLAS.call(
                    S.geev(
                      S.rowMajor, job, job, n, a + block, n, real + start, imaginary + start, left + block, n,
                      right + block,
                      n))
                  if info != 0 { failure = failure ?? matrix }
                }
              }
            }
          }
        }
      }
      return (values, failure)
    }
    return dtype == .float32 ? compute(Float.self) : compute(Double.self)
  }
}

/// Eigenvalues of general matrices with left and right eigenvectors as LAPACK packs them: a conjugate pair takes two
/// columns, the real and the imaginary part of the first one's vector.
private struct ComplexEigenvalues {
  var real: Tensor
  var imaginary: Tensor
  var left: Tensor
  var right: Tensor

  init(_ stack: MatrixStack, _ dtype: DType) {
    real = Tensor(uninitialized: stack.batch + [stack.rows], dtype: dtype)
    imaginary = Tensor(uninitialized: stack.batch + [stack.rows], dtype: dtype)
    left = Tensor(uninitialized: stack.batch + [stack.rows, stack.rows], dtype: dtype)
    right = Tensor(uninitialized: stack.batch + [stack.rows, stack.rows], dtype: dtype)
  }

  /// Σₖ Re((g_real − i·g_imaginary)ₖ · conj(uₖ)·vₖᵀ / (uₖᴴ·vₖ)), u left and v right vectors:
  /// dλ = uᴴ·dA·v / (uᴴ·v).
  func gradient(_ stack: MatrixStack, real gradientReal: Tensor, imaginary gradientImaginary: Tensor) -> Tensor {
    let n = stack.rows
    let parts = [imaginary, left, right, gradientReal, gradientImaginary].map {
      $0.converted(to: .float64).scalars(as: Double.self)
    }
    var result = [Double](repeating: 0, count: stack.count * stack.size)
    for matrix in 0..<stack.count {
      for k in 0..<n {
        let value = matrix * n + k
        // The second of a pair is the first one's conjugate.
        let sign: Double = parts[0][value] == 0 ? 0 : (parts[0][value] > 0 ? 1 : -1)
        let first = sign < 0 ? k - 1 : k
        func element(_ vectors: [Double], _ i: Int) -> (Double, Double) {
          let index = matrix * stack.size + i * n + first
          return (vectors[index], sign == 0 ? 0 : sign * vectors[index + 1])
        }
        var product = (0.0, 0.0)
        for i in 0..<n {
          let (u, v) = (element(parts[1], i), element(parts[2], i))
          product = (product.0 + u.0 * v.0 + u.1 * v.1, product.1 + u.0 * v.1 - u.1 * v.0)
        }
        let norm = product.0 * product.0 + product.1 * product.1
        let (g, h) = (parts[3][value], parts[4][value])
        // (g − i·h) / product.
        let scale = ((g * product.0 - h * product.1) / norm, (-h * product.0 - g * product.1) / norm)
        for i in 0..<n {
          let u = element(parts[1], i)
          for j in 0..<n {
            let v = element(parts[2], j)
            let outer = (u.0 * v.0 + u.1 * v.1, u.0 * v.1 - u.1 * v.0)
            result[matrix * stack.size + i * n + j] += scale.0 * outer.0 - scale.1 * outer.1
          }
        }
      }
    }
    return Tensor(result, shape: stack.batch + [n, n]).converted(to: real.dtype)
  }
}
