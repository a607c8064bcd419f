internal import CRecurraLAPACKE

/// The LAPACK routines of one element type, under LAPACK's own names and with its own arguments.
///
/// Each returns LAPACK's info: 0, or the number of the pivot or value that failed; below 0 when LAPACKE saw a NaN.
/// Debian's LAPACK stands on the same OpenBLAS as our products, so the one-thread setting of `BLAS` holds here too.
protocol LAPACKScalar: FloatingScalar {
  typealias Block = UnsafeMutablePointer<Self>?
  typealias Pivots = UnsafeMutablePointer<Int32>?
  /// QR: layout, M, N, a, stride, tau.
  static var geqrf: (Int32, Int32, Int32, Block, Int32, Block) -> Int32 { get }
  /// q of QR: layout, M, N, K, a, stride, tau.
  static var orgqr: (Int32, Int32, Int32, Int32, Block, Int32, UnsafePointer<Self>?) -> Int32 { get }
  /// Cholesky: layout, triangle, N, a, stride.
  static var potrf: (Int32, CChar, Int32, Block, Int32) -> Int32 { get }
  /// Linear system: layout, N, columns of b, a, stride, pivots, b, stride.
  static var gesv: (Int32, Int32, Int32, Block, Int32, Pivots, Block, Int32) -> Int32 { get }
  /// LU: layout, M, N, a, stride, pivots.
  static var getrf: (Int32, Int32, Int32, Block, Int32, Pivots) -> Int32 { get }
  /// Inverse from LU: layout, N, a, stride, pivots.
  static var getri: (Int32, Int32, Block, Int32, UnsafePointer<Int32>?) -> Int32 { get }
  /// Triangular system: layout, triangle, transposition, diagonal, N, columns of b, a, stride, b, stride.
  static var trtrs: (Int32, CChar, CChar, CChar, Int32, Int32, UnsafePointer<Self>?, Int32, Block, Int32) -> Int32 {
    get
  }
  /// Least squares: layout, M, N, columns of b, a, stride, b, stride, singular values, cut-off, rank.
  static var gelsd: (Int32, Int32, Int32, Int32, Block, Int32, Block, Int32, Block, Self, Pivots) -> Int32 { get }
  /// Singular values: layout, job, M, N, a, stride, s, u, stride, vᵀ, stride.
  static var gesdd: (Int32, CChar, Int32, Int32, Block, Int32, Block, Block, Int32, Block, Int32) -> Int32 { get }
  /// Eigenvalues: layout, job left, job right, N, a, stride, real, imaginary, left vectors, stride, right vectors,
  /// stride.
  static var geev: (Int32, CChar, CChar, Int32, Block, Int32, Block, Block, Block, Int32, Block, Int32) -> Int32 { get }
  /// Eigenvalues of a symmetric matrix: layout, job, triangle, N, a, stride, values.
  static var syevd: (Int32, CChar, CChar, Int32, Block, Int32, Block) -> Int32 { get }
}

extension LAPACKScalar {
  static var rowMajor: Int32 { LAPACK_ROW_MAJOR }
  static var upper: CChar { CChar(UInt8(ascii: "U")) }
  static var lower: CChar { CChar(UInt8(ascii: "L")) }
  static var none: CChar { CChar(UInt8(ascii: "N")) }
  static var transposition: CChar { CChar(UInt8(ascii: "T")) }
  static var vectors: CChar { CChar(UInt8(ascii: "V")) }
  static var reduced: CChar { CChar(UInt8(ascii: "S")) }
}

extension Float: LAPACKScalar {
  static var geqrf: (Int32, Int32, Int32, Block, Int32, Block) -> Int32 { LAPACKE_sgeqrf }
  static var orgqr: (Int32, Int32, Int32, Int32, Block, Int32, UnsafePointer<Float>?) -> Int32 {
    LAPACKE_sorgqr
  }
  static var potrf: (Int32, CChar, Int32, Block, Int32) -> Int32 { LAPACKE_spotrf }
  static var gesv: (Int32, Int32, Int32, Block, Int32, Pivots, Block, Int32) -> Int32 { LAPACKE_sgesv }
  static var getrf: (Int32, Int32, Int32, Block, Int32, Pivots) -> Int32 { LAPACKE_sgetrf }
  static var getri: (Int32, Int32, Block, Int32, UnsafePointer<Int32>?) -> Int32 { LAPACKE_sgetri }
  static var trtrs: (Int32, CChar, CChar, CChar, Int32, Int32, UnsafePointer<Float>?, Int32, Block, Int32) -> Int32 {
    LAPACKE_strtrs
  }
  static var gelsd: (Int32, Int32, Int32, Int32, Block, Int32, Block, Int32, Block, Float, Pivots) -> Int32 {
    LAPACKE_sgelsd
  }
  static var gesdd: (Int32, CChar, Int32, Int32, Block, Int32, Block, Block, Int32, Block, Int32) -> Int32 {
    LAPACKE_sgesdd
  }
  static var geev: (Int32, CChar, CChar, Int32, Block, Int32, Block, Block, Block, Int32, Block, Int32) -> Int32 {
    LAPACKE_sgeev
  }
  static var syevd: (Int32, CChar, CChar, Int32, Block, Int32, Block) -> Int32 { LAPACKE_ssyevd }
}

extension Double: LAPACKScalar {
  static var geqrf: (Int32, Int32, Int32, Block, Int32, Block) -> Int32 { LAPACKE_dgeqrf }
  static var orgqr: (Int32, Int32, Int32, Int32, Block, Int32, UnsafePointer<Double>?) -> Int32 {
    LAPACKE_dorgqr
  }
  static var potrf: (Int32, CChar, Int32, Block, Int32) -> Int32 { LAPACKE_dpotrf }
  static var gesv: (Int32, Int32, Int32, Block, Int32, Pivots, Block, Int32) -> Int32 { LAPACKE_dgesv }
  static var getrf: (Int32, Int32, Int32, Block, Int32, Pivots) -> Int32 { LAPACKE_dgetrf }
  static var getri: (Int32, Int32, Block, Int32, UnsafePointer<Int32>?) -> Int32 { LAPACKE_dgetri }
  static var trtrs: (Int32, CChar, CChar, CChar, Int32, Int32, UnsafePointer<Double>?, Int32, Block, Int32) -> Int32 {
    LAPACKE_dtrtrs
  }
  static var gelsd: (Int32, Int32, Int32, Int32, Block, Int32, Block, Int32, Block, Double, Pivots) -> Int32 {
    LAPACKE_dgelsd
  }
  static var gesdd: (Int32, CChar, Int32, Int32, Block, Int32, Block, Block, Int32, Block, Int32) -> Int32 {
    LAPACKE_dgesdd
  }
  static var geev: (Int32, CChar, CChar, Int32, Block, Int32, Block, Block, Block, Int32, Block, Int32) -> Int32 {
    LAPACKE_dgeev
  }
  static var syevd: (Int32, CChar, CChar, Int32, Block, Int32, Block) -> Int32 { LAPACKE_dsyevd }
}
