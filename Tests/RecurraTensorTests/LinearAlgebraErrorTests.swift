import Glibc
import RecurraTensor
import TestSupport
import Testing

/// What data can make impossible is an error that a program can catch; the process goes on.
@Suite struct LinearAlgebraErrorTests {
  @Test("Singular and indefinite matrices throw, and say which of the stack")
  func singular() {
    let stack = Tensor.stacked([Tensor.identity(2, dtype: .float64), Tensor([[1.0, 2], [2, 4]])])
    let b = Tensor.ones([2, 1], dtype: .float64)
    let singular = RecurraError(
      .badData, operation: "solve", expected: "regular matrices", got: "matrix 1, which is singular")
    #expect(throws: singular) { try stack.solve(b) }
    #expect(throws: RecurraError.self) { try stack.inverse() }
    let indefinite = RecurraError(
      .badData, operation: "cholesky", expected: "positive definite matrices",
      got: "matrix 1, which is not from row 1 on")
    #expect(throws: indefinite) {
      try Tensor.stacked([Tensor.identity(2), Tensor([[1, 2], [2, 1]]).converted(to: .float32)]).cholesky()
    }
  }

  @Test("NaN and infinities are refused before an iteration could go on for ever", arguments: [Double.nan, .infinity])
  func notFinite(value: Double) {
    let a = Tensor([[value, 1], [1, 2]])
    let b = Tensor([1.0, 2])
    #expect(throws: RecurraError.self) { try a.solve(b) }
    #expect(throws: RecurraError.self) { try Tensor.identity(2, dtype: .float64).solve(b * value) }
    #expect(throws: RecurraError.self) { try a.leastSquares(b) }
    #expect(throws: RecurraError.self) { try a.inverse() }
    #expect(throws: RecurraError.self) { try a.cholesky() }
    #expect(throws: RecurraError.self) { try a.svd() }
    #expect(throws: RecurraError.self) { try a.eigenvalues() }
    #expect(throws: RecurraError.self) { try a.symmetricEigendecomposition() }
    #expect(a.qr().r.doubles.allSatisfy { !$0.isFinite || $0 == 0 } || value.isInfinite)
  }

  @Test("LAPACK runs on OpenBLAS' one thread, from many threads at once, and does not deadlock")
  func threads() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let a = Tensor.varied([90, 90], dtype: .float32) + Tensor.identity(90) * 9
      let wanted = try a.inverse()
      #expect(BLAS.threadCount == 1)
      onThreads(6) { _ in
        for _ in 0..<6 {
          let product = a.qr().q.matrixProduct(a.qr().r)
          precondition((product - a).abs().max().item < 1e-4)
          let again = try? a.inverse()
          precondition(again?.doubles == wanted.doubles)
          precondition((try? a.svd().s.doubles[0]) ?? 0 > 1)
        }
      }
    }
  }
}
