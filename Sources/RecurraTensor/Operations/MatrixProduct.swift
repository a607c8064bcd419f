/// A matrix as BLAS takes it: rows with unit stride, possibly of the transposed matrix.
private struct Operand {
  let tensor: Tensor
  let stride: Int
  let isTransposed: Bool

  /// Finds a stored form without a copy where the last two strides allow it.
  init(_ tensor: Tensor) {
    let (rows, columns) = (tensor.rank - 2, tensor.rank - 1)
    let strides = tensor.strides
    if strides[columns] == 1 || tensor.shape[columns] == 1, strides[rows] >= tensor.shape[columns] {
      (self.tensor, stride, isTransposed) = (tensor, strides[rows], false)
    } else if strides[rows] == 1 || tensor.shape[rows] == 1, strides[columns] >= tensor.shape[rows] {
      (self.tensor, stride, isTransposed) = (tensor, strides[columns], true)
    } else {
      (self.tensor, stride, isTransposed) = (tensor.contiguous, tensor.shape[columns], false)
    }
  }
}

extension Tensor {
  /// Multiplies matrices: result[…, i, j] = Σₖ this[…, i, k] · other[…, k, j].
  ///
  /// - Shapes: [… M, K] and [… K, N] give [… M, N]; leading axes broadcast. Transposed operands are not copied.
  /// - Complexity: 2·M·K·N flops per matrix, on OpenBLAS; large products are cut over the engine's threads.
  public func matrixProduct(_ other: Tensor) -> Tensor {
    check(
      rank >= 2 && other.rank >= 2 && shape[rank - 1] == other.shape[other.rank - 2], "matrixProduct",
      expected: "shapes [… M, K] and [… K, N]", got: "\(shape) and \(other.shape)")
    check(
      dtype == other.dtype && dtype.isFloating, "matrixProduct", expected: "floating operands of one type",
      got: "\(dtype) and \(other.dtype)")
    let (a, b) = (detached, other.detached)
    let value = dtype == .float32 ? a.product(b, Float.self) : a.product(b, Double.self)
    return value.derived(from: [self, other]) { upstream, needed in
      [
        needed[0] ? upstream.matrixProduct(b.transposed()).reduced(to: a.shape) : nil,
        needed[1] ? a.gradientOfRight(upstream, b) : nil,
      ]
    }
  }

  /// Multiplies vectors: Σ thisᵢ · otherᵢ.
  ///
  /// - Shapes: [N] and [N] give [].
  /// - Precondition: vectors of one floating type and length.
  public func dot(_ other: Tensor) -> Tensor {
    check(
      rank == 1 && shape == other.shape, "dot", expected: "two vectors of one length",
      got: "\(shape) and \(other.shape)")
    return reshaped([1, count]).matrixProduct(other.reshaped([count, 1])).reshaped([])
  }

  /// ∂/∂other of this · other: thisᵀ · upstream, as one product over all rows where `other` is a single matrix.
  private func gradientOfRight(_ upstream: Tensor, _ other: Tensor) -> Tensor {
    guard other.rank == 2, rank > 2 else {
      return transposed().matrixProduct(upstream).reduced(to: other.shape)
    }
    let rows = reshaped([-1, shape[rank - 1]])
    return rows.transposed().matrixProduct(upstream.reshaped([-1, other.shape[1]]))
  }

  private func product<S: FloatingScalar>(_ other: Tensor, _ type: S.Type) -> Tensor {
    // [… M, K] · [K, N] is one product over all the rows.
    if rank > 2, other.rank == 2 {
      return contiguous.reshaped([-1, shape[rank - 1]]).product(other, S.self).reshaped(
        shape.dropLast() + [other.shape[1]])
    }
    let batch = Shape.broadcast(Array(shape.dropLast(2)), Array(other.shape.dropLast(2)), "matrixProduct")
    let (left, right) = (Operand(self), Operand(other))
    let (rows, depth, columns) = (shape[rank - 2], shape[rank - 1], other.shape[other.rank - 1])
    let offsets = (Self.batchOffsets(left.tensor, batch), Self.batchOffsets(right.tensor, batch))
    return Tensor(batch + [rows, columns], of: S.self) { output in
      left.tensor.withPointer(of: S.self) { first in
        right.tensor.withPointer(of: S.self) { second in
          for i in 0..<Shape.count(batch) {
            BLAS.shardedProduct(
              rows: rows, columns: columns, depth: depth,
              first + offsets.0[i], stride: left.stride, leftTransposed: left.isTransposed,
              second + offsets.1[i], stride: right.stride, rightTransposed: right.isTransposed,
              into: output + i * rows * columns, stride: columns)
          }
        }
      }
    }
  }

  /// Where each matrix of a stack begins, with the leading axes stretched to `batch`.
  private static func batchOffsets(_ tensor: Tensor, _ batch: [Int]) -> [Int] {
    let layout = Layout(shape: Array(tensor.shape.dropLast(2)), strides: Array(tensor.strides.dropLast(2)))
    var offsets: [Int] = []
    walk(batch, layout) { _, count, start, step in
      for i in 0..<count { offsets.append(start.first + i * step.first) }
    }
    return offsets
  }
}
