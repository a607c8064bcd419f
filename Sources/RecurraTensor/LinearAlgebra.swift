/// Factorisations and linear systems, by LAPACK. Leading axes are a stack of matrices.
extension Tensor {
  /// Factors into a matrix of orthonormal columns and an upper triangle: this = q · r.
  ///
  /// - Shapes: [… M, N] gives q [… M, K] and r [… K, N] with K = min(M, N). The signs are LAPACK's; elements that are not
  ///   finite give NaN.
  /// - Complexity: about 4·M·N·K flops, on the calling thread.
  public func qr() -> (q: Tensor, r: Tensor) {
    let stack = MatrixStack(self, "qr")
    return dtype == .float32 ? detached.factoredQR(stack, Float.self) : detached.factoredQR(stack, Double.self)
  }

  private func factoredQR<S: LAPACKScalar>(_ stack: MatrixStack, _ type: S.Type) -> (Tensor, Tensor) {
    let (rows, columns, depth) = (stack.rows, stack.columns, Swift.min(stack.rows, stack.columns))
    var factors = self
    var r = Tensor.zeros(stack.batch + [depth, columns], dtype: dtype)
    let q = Tensor(stack.batch + [rows, depth], of: S.self) { q in
      guard depth > 0 else { return }
      let tau = Tensor(uninitialized: [depth], dtype: dtype)
      factors.withMutablePointer(of: S.self) { factors in
        r.withMutablePointer(of: S.self) { r in
          for matrix in 0..<stack.count {
            let (a, q, r) = (factors + matrix * rows * columns, q + matrix * rows * depth, r + matrix * depth * columns)
            let tau = tau.storage.pointer.assumingMemoryBound(to: S.self)
            // LAPACKE refuses a NaN and leaves its arguments as they were.
            guard S.geqrf(Int32(rows), Int32(columns), a, Int32(columns), tau) == 0 else {
              q.update(repeating: .nan, count: rows * depth)
              r.update(repeating: .nan, count: depth * columns)
              continue
            }
            for i in 0..<depth { (r + i * columns + i).update(from: a + i * columns + i, count: columns - i) }
            for i in 0..<rows { (q + i * depth).update(from: a + i * columns, count: depth) }
            _ = S.orgqr(Int32(rows), Int32(depth), q, Int32(depth), tau)
          }
        }
      }
    }
    return (q, r)
  }
}

/// A tensor seen as a stack of matrices in its last two axes.
struct MatrixStack: Sendable {
  let batch: [Int]
  let rows: Int
  let columns: Int
  var count: Int { Shape.count(batch) }

  init(_ tensor: Tensor, _ operation: String) {
    _ = BLAS.isReady
    check(
      tensor.rank >= 2 && tensor.dtype.isFloating && tensor.shape.suffix(2).allSatisfy { $0 <= Int(Int32.max) },
      operation,
      expected: "floating matrices", got: "\(tensor.dtype) of shape \(tensor.shape)")
    batch = Array(tensor.shape.dropLast(2))
    (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
  }
}
