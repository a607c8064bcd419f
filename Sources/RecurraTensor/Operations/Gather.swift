extension Tensor {
  /// Returns the sub-tensors at `indices` along the first axis: the rows of an embedding.
  ///
  /// - Shapes: this tensor [N, …]; `indices` int32 of any shape S; result S + […].
  /// - Precondition: every index lies in 0..<N.
  /// - Complexity: one copy; the gradient keeps the rows that were looked up, until it is needed as a whole.
  public func gathered(_ indices: Tensor) -> Tensor {
    check(rank >= 1, "gathered", expected: "at least one axis", got: "shape \(shape)")
    check(indices.dtype == .int32, "gathered", expected: "int32 indices", got: "\(indices.dtype)")
    let source = shape
    let width = Shape.count(Array(shape.dropFirst()))
    let table = detached.contiguous
    let rows = indices.detached.contiguous
    func gather<S: TensorScalar>(_ type: S.Type) -> Tensor {
      Tensor(indices.shape + shape.dropFirst(), of: S.self) { output in
        table.withPointer(of: S.self) { input in
          rows.withPointer(of: Int32.self) { index in
            // Blocks of some tens of KiB, over the engine's threads.
            let block = Swift.max(1, (1 << 14) / Swift.max(width, 1))
            let lasting = Threads.nanoseconds(copying: rows.count * width)
            Threads.run((rows.count + block - 1) / block, lasting: lasting) { piece in
              for i in (piece * block)..<Swift.min((piece + 1) * block, rows.count) {
                let row = Int(index[i])
                check(row >= 0 && row < source[0], "gathered", expected: "an index in 0..<\(source[0])", got: "\(row)")
                (output + i * width).update(from: input + row * width, count: width)
              }
            }
          }
        }
      }
    }
    let value: Tensor
    switch dtype.representation {
    case .float32: value = gather(Float.self)
    case .float64: value = gather(Double.self)
    case .int32: value = gather(Int32.self)
    }
    return value.derived(from: self) { .rows(RowGradient(indices: rows, values: $0, shape: source)) }
  }

  /// Returns one element of each row: element `indices[i]` of row i, as a vector.
  ///
  /// - Shapes: this tensor [N, C]; `indices` int32 [N]; result [N].
  /// - Precondition: every index lies in 0..<C.
  public func picked(_ indices: Tensor) -> Tensor {
    check(
      rank == 2 && indices.shape == [shape[0]] && indices.dtype == .int32, "picked",
      expected: "a matrix [N, C] and int32 indices [N]", got: "\(shape) and \(indices.dtype) \(indices.shape)")
    let (source, width) = (shape, shape[1])
    let columns = indices.detached.contiguous
    func pick<S: TensorScalar>(_ type: S.Type) -> Tensor {
      let rows = detached.contiguous
      return Tensor([source[0]], of: S.self) { output in
        rows.withPointer(of: S.self) { input in
          columns.withPointer(of: Int32.self) { column in
            for i in 0..<source[0] {
              let index = Int(column[i])
              check(index >= 0 && index < width, "picked", expected: "an index in 0..<\(width)", got: "\(index)")
              output[i] = input[i * width + index]
            }
          }
        }
      }
    }
    let value: Tensor
    switch dtype.representation {
    case .float32: value = pick(Float.self)
    case .float64: value = pick(Double.self)
    case .int32: value = pick(Int32.self)
    }
    return value.derived(from: [self]) { upstream, _ in [upstream.placed(at: columns, source)] }
  }

  /// Puts element i of this vector into row i, column `indices[i]`, of a matrix of zeros: the gradient of `picked`.
  private func placed(at indices: Tensor, _ target: [Int]) -> Tensor {
    func place<S: FloatingScalar>(_ type: S.Type) -> Tensor {
      var result = Tensor.zeros(target, dtype: dtype)
      let dense = contiguous
      result.withMutablePointer(of: S.self) { output in
        dense.withPointer(of: S.self) { input in
          indices.withPointer(of: Int32.self) { index in
            for i in 0..<target[0] { output[i * target[1] + Int(index[i])] = input[i] }
          }
        }
      }
      return result
    }
    return dtype == .float32 ? place(Float.self) : place(Double.self)
  }
}
