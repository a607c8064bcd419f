internal import CRecurraLAPACKE

/// The LAPACK routines of one element type, under LAPACK's own names; matrices are row-major.
///
/// Debian's LAPACK stands on the same OpenBLAS as our products, so the one-thread setting of `BLAS` holds here too.
protocol LAPACKScalar: FloatingScalar {
  typealias Block = UnsafeMutablePointer<Self>
  typealias Pivots = UnsafeMutablePointer<Int32>
  /// Each returns LAPACK's info: 0, or the number of the pivot or value that failed.
  static func geqrf(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32
  static func orgqr(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32
}

extension Float: LAPACKScalar {
  static func geqrf(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32 {
    LAPACKE_sgeqrf(LAPACK_ROW_MAJOR, rows, columns, a, stride, tau)
  }
  static func orgqr(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32 {
    LAPACKE_sorgqr(LAPACK_ROW_MAJOR, rows, columns, columns, a, stride, tau)
  }
}

extension Double: LAPACKScalar {
  static func geqrf(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32 {
    LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, rows, columns, a, stride, tau)
  }
  static func orgqr(_ rows: Int32, _ columns: Int32, _ a: Block, _ stride: Int32, _ tau: Block) -> Int32 {
    LAPACKE_dorgqr(LAPACK_ROW_MAJOR, rows, columns, columns, a, stride, tau)
  }
}
