internal import CRecurraBLAS

/// The one place that calls OpenBLAS' products, and that decides its threads.
///
/// The engine owns the threads: OpenBLAS is set to one, because its own pool would fight with ours, and because a
/// product cut in one fixed way gives the same bits whatever the number of threads.
package enum BLAS {
  /// Name and version of the library in use.
  package static let configuration: String = {
    takeOver()
    return String(cString: openblas_get_config())
  }()

  /// Tells how many threads OpenBLAS uses for a product.
  package static var threadCount: Int {
    takeOver()
    return Int(openblas_get_num_threads())
  }

  /// result = left · right + factor · result, row-major, on the calling thread.
  ///
  /// - Shapes: left [rows, depth] (stored transposed when `transposeLeft`), right [depth, columns], result [rows,
  ///   columns]; `…Stride` is the distance of stored rows.
  @inline(__always)
  package static func product<S: FloatingScalar>(
    rows: Int, columns: Int, depth: Int,
    _ left: UnsafePointer<S>, stride leftStride: Int, leftTransposed transposeLeft: Bool = false,
    _ right: UnsafePointer<S>, stride rightStride: Int, rightTransposed transposeRight: Bool = false,
    into result: UnsafeMutablePointer<S>, stride resultStride: Int, keeping factor: S = 0
  ) {
    takeOver()
    guard rows > 0, columns > 0 else { return }
    let flags = (transposeLeft ? CblasTrans : CblasNoTrans, transposeRight ? CblasTrans : CblasNoTrans)
    let (m, n, k) = (Int32(rows), Int32(columns), Int32(depth))
    // A leading dimension must be at least 1 and at least the row's length, even where there is a single row.
    let strides = (
      Int32(max(leftStride, transposeLeft ? rows : depth, 1)),
      Int32(max(rightStride, transposeRight ? depth : columns, 1)),
      Int32(max(resultStride, columns, 1))
    )
    if S.self == Float.self {
      left.withMemoryRebound(to: Float.self, capacity: 1) { a in
        right.withMemoryRebound(to: Float.self, capacity: 1) { b in
          result.withMemoryRebound(to: Float.self, capacity: 1) { c in
            call(
              cblas_sgemm(
                CblasRowMajor, flags.0, flags.1, m, n, k, 1, a, strides.0, b, strides.1, Float(factor), c, strides.2))
          }
        }
      }
    } else {
      left.withMemoryRebound(to: Double.self, capacity: 1) { a in
        right.withMemoryRebound(to: Double.self, capacity: 1) { b in
          result.withMemoryRebound(to: Double.self, capacity: 1) { c in
            call(
              cblas_dgemm(
                CblasRowMajor, flags.0, flags.1, m, n, k, 1, a, strides.0, b, strides.1, Double(factor), c, strides.2))
          }
        }
      }
    }
  }

  /// The same product on the threads, cut into shards of output columns or rows that depend on the shape alone.
  package static func shardedProduct<S: FloatingScalar>(
    rows: Int, columns: Int, depth: Int,
    _ left: UnsafePointer<S>, stride leftStride: Int, leftTransposed transposeLeft: Bool = false,
    _ right: UnsafePointer<S>, stride rightStride: Int, rightTransposed transposeRight: Bool = false,
    into result: UnsafeMutablePointer<S>, stride resultStride: Int, keeping factor: S = 0
  ) {
    // Below a quarter of a million multiplications it stays whole; OpenBLAS does some 40 of them with floats in a
    // nanosecond.
    let worthwhile = rows * columns * depth >= 1 << 18
    let byRows = rows >= columns
    let extent = byRows ? rows : columns
    let pieces = worthwhile ? min(8, max(1, extent / 64), max(2, extent / 192)) : 1
    let step = (extent + pieces - 1) / max(pieces, 1)
    Threads.run(pieces, lasting: rows * columns * depth * MemoryLayout<S>.stride / 160) { piece in
      let start = piece * step
      let size = min(step, extent - start)
      guard size > 0 else { return }
      product(
        rows: byRows ? size : rows, columns: byRows ? columns : size, depth: depth,
        byRows ? left + start * (transposeLeft ? 1 : leftStride) : left, stride: leftStride,
        leftTransposed: transposeLeft,
        byRows ? right : right + start * (transposeRight ? rightStride : 1), stride: rightStride,
        rightTransposed: transposeRight,
        into: result + (byRows ? start * resultStride : start), stride: resultStride, keeping: factor)
    }
  }
}
