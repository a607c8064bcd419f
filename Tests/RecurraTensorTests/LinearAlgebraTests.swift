import RecurraTensor
import TestSupport
import Testing

@Suite struct LinearAlgebraTests {
  @Test(
    "q has orthonormal columns, r is a triangle, and they multiply to the matrix", arguments: [(5, 3), (3, 5), (4, 4)])
  func qr(rows: Int, columns: Int) {
    let a = Tensor.varied([2, rows, columns])
    let (q, r) = a.qr()
    expectClose(q.matrixProduct(r), a, absolute: 1e-14)
    expectClose(
      q.transposed().matrixProduct(q),
      Tensor.identity(min(rows, columns), dtype: .float64).stretched(
        to: [2, min(rows, columns), min(rows, columns)]), absolute: 1e-14)
    expectGradients(of: { $0[0].qr().q }, at: [a], "q")
    expectGradients(of: { $0[0].qr().r }, at: [a], "r")
  }
}
