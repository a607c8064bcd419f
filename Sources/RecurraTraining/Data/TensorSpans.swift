internal import RecurraTensor

/// The one place of this module that touches pointers: everything else works on spans, whose bounds are checked.
extension Tensor {
  /// A dense tensor whose elements `fill` sets, all of them.
  static func filled<S: TensorScalar>(
    _ shape: [Int], of type: S.Type, _ fill: (inout MutableSpan<S>) -> Void
  ) -> Tensor {
    let count = Shape.count(shape)
    return unsafe Tensor(shape, of: S.self) { pointer in
      var span = unsafe MutableSpan(_unsafeStart: pointer, count: count)
      fill(&span)
    }
  }

  /// Calls `body` with the elements in row-major order for writing, copied first when anything else can see them.
  mutating func withMutableSpan<S: TensorScalar, Result>(
    of type: S.Type, _ body: (inout MutableSpan<S>) -> Result
  ) -> Result {
    let count = self.count
    return unsafe withMutablePointer(of: S.self) { pointer in
      var span = unsafe MutableSpan(_unsafeStart: pointer, count: count)
      return body(&span)
    }
  }

  /// The first `length` entries along the second axis of the rows numbered `rows`, as one dense tensor.
  ///
  /// - Shapes: this tensor [N, T, …]; result [rows, length, …].
  func rows(_ rows: ArraySlice<Int>, length: Int) -> Tensor {
    switch dtype.representation {
    case .float32: return copiedRows(rows, length: length, Float.self)
    case .float64: return copiedRows(rows, length: length, Double.self)
    case .int32: return copiedRows(rows, length: length, Int32.self)
    }
  }

  private func copiedRows<S: TensorScalar>(_ rows: ArraySlice<Int>, length: Int, _ type: S.Type) -> Tensor {
    let source = contiguous
    let entry = Shape.count(Array(shape.dropFirst(2)))
    let (sourceWidth, width) = (shape[1] * entry, length * entry)
    return unsafe Tensor([rows.count, length] + shape.dropFirst(2), of: S.self) { output in
      unsafe source.withPointer(of: S.self) { input in
        var target = unsafe output
        for row in rows {
          unsafe target.update(from: input + row * sourceWidth, count: width)
          unsafe target += width
        }
      }
    }
  }
}
