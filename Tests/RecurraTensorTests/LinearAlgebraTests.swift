import Glibc
import RecurraTensor
import TestSupport
import Testing

@Suite struct LinearAlgebraTests {
  /// A stack of well-conditioned square matrices: no symmetry, no small pivots.
  static func regular(_ shape: [Int], seed: Int = 1) -> Tensor {
    let size = shape[shape.count - 1]
    return Tensor.varied(shape, seed: seed) + Tensor.identity(size, dtype: .float64) * (Double(size) * 0.8)
  }

  /// A symmetric positive definite matrix with eigenvalues well apart.
  static func positive(_ size: Int, seed: Int = 2) -> Tensor {
    let spread = Tensor.arange(1, Double(size) + 1, dtype: .float64) * Tensor.identity(size, dtype: .float64)
    let a = Tensor.varied([size, size], seed: seed)
    return a.matrixProduct(a.transposed()) + spread
  }

  static func identity(_ batch: [Int], _ size: Int) -> Tensor {
    Tensor.identity(size, dtype: .float64).stretched(to: batch + [size, size])
  }

  @Test(
    "q has orthonormal columns, r is a triangle, q·r is the matrix",
    arguments: [(5, 3), (3, 5), (4, 4), (1, 1), (6, 1)])
  func qr(rows: Int, columns: Int) {
    let depth = min(rows, columns)
    for form in Form.allCases where form != .stretched {
      let a = form.make([2, rows, columns])
      let (q, r) = a.qr()
      expectClose(q.matrixProduct(r), a, absolute: 1e-14, "\(form)")
      expectClose(q.transposed().matrixProduct(q), Self.identity([2], depth), absolute: 1e-14)
      #expect(NaiveArray.indices(r.shape).allSatisfy { $0[1] <= $0[2] || NaiveArray(r)[$0] == 0 })
    }
    let a = Tensor.varied([2, rows, columns], seed: 3)
    expectGradients(of: { $0[0].qr().q }, at: [a], bound: 1e-5, step: 1e-4, "q")
    expectGradients(of: { $0[0].qr().r }, at: [a], bound: 1e-5, step: 1e-4, "r")
    expectGradients(
      of: { x in
        let (q, r) = x[0].qr()
        return q.sum(axes: [2]).squared + r.sum(axes: [2]).sum(axes: [1], keepingDimensions: true)
      }, at: [a.sliced(0..<depth, axis: 1).sliced(0..<depth, axis: 2)], bound: 1e-5, step: 1e-4, "both")
    let narrow = a.converted(to: .float32)
    expectClose(narrow.qr().q.matrixProduct(narrow.qr().r), narrow, absolute: 1e-6)
  }

  @Test("l·lᵀ is the matrix, l a lower triangle; only the lower triangle is read", arguments: [1, 2, 5])
  func cholesky(size: Int) throws {
    let a = Self.positive(size)
    let l = try a.cholesky()
    expectClose(l.matrixProduct(l.transposed()), a, relative: 1e-14, toLargest: true)
    #expect(NaiveArray.indices(l.shape).allSatisfy { $0[0] >= $0[1] || NaiveArray(l)[$0] == 0 })
    let disturbed = NaiveArray([size, size]) { $0[0] >= $0[1] ? NaiveArray(a)[$0] : 1e9 }.tensor()
    expectIdentical(try disturbed.cholesky(), l)
    expectClose(try a.converted(to: .float32).cholesky().converted(to: .float64), l, relative: 1e-6, toLargest: true)
    // Through a symmetric matrix, because the gradient is that of symmetric changes.
    expectGradients(
      of: { x in (try? ((x[0] + x[0].transposed()) * 0.5).cholesky()) ?? x[0] },
      at: [a + Tensor.varied([size, size]) * 0.1])
    let stack = Tensor.stacked([a, a * 2])
    expectClose(try stack.cholesky()[1], l * 2.squareRoot(), relative: 1e-14, toLargest: true)
  }

  @Test("solve gives x with a·x = b for vectors, matrices and stacks that broadcast, in every layout")
  func solve() throws {
    let cases: [([Int], [Int])] = [
      ([4, 4], [4]), ([4, 4], [4, 3]), ([2, 4, 4], [4, 3]), ([4, 4], [2, 4, 3]), ([2, 1, 3, 3], [5, 3, 2]),
      ([1, 1], [1]),
      ([0, 0], [0, 3]), ([3, 3], [3, 0]),
    ]
    for (left, right) in cases {
      let (a, b) = (Self.regular(left), Tensor.varied(right, seed: 2))
      for (matrix, target) in [(a, b), (a.transposed().contiguous.transposed(), b)] {
        let x = try matrix.solve(target)
        let product = right.count == 1 ? a.matrixProduct(x.expanded(at: 1)).squeezed(-1) : a.matrixProduct(x)
        expectClose(product, b.stretched(to: product.shape), absolute: 1e-13, "\(left) \(right)")
      }
      if !left.contains(0), !right.contains(0) {
        expectGradients(of: { (try? $0[0].solve($0[1])) ?? $0[1] }, at: [a, b], "\(left) \(right)")
        let narrow = try a.converted(to: .float32).solve(b.converted(to: .float32))
        expectClose(narrow.converted(to: .float64), try a.solve(b), relative: 1e-5, toLargest: true)
      }
    }
  }

  @Test("inverse and determinant", arguments: [[3, 3], [2, 4, 4], [1, 1], [0, 0], [2, 0, 3, 3]])
  func inverseAndDeterminant(shape: [Int]) throws {
    let a = Self.regular(shape)
    expectClose(
      try a.inverse().matrixProduct(a), Self.identity(Array(shape.dropLast(2)), shape[shape.count - 1]), absolute: 1e-14
    )
    expectClose(
      a.determinant() * (try a.inverse().determinant()), Tensor.ones(Array(shape.dropLast(2)), dtype: .float64),
      relative: 1e-13)
    guard !shape.contains(0) else { return }
    expectGradients(of: { (try? $0[0].inverse()) ?? $0[0] }, at: [a])
    expectGradients(of: { $0[0].determinant() }, at: [a])
    expectGradients(of: { $0[0].transposed().determinant() }, at: [a], "of a view")
  }

  @Test("Determinants of small matrices by hand; odd permutations; singular matrices have 0 and a gradient")
  func determinants() {
    #expect(Tensor([[3.0, 5], [2, -4]]).determinant().item.rounded() == -22)
    #expect(Tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]).determinant().item == -1)
    #expect(Tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]).determinant().item == 1)
    #expect(Tensor([[1.0, 2], [2, 4]]).determinant().item == 0)
    #expect(Tensor([[1, .nan], [2, 4]]).determinant().item.isNaN)
    #expect(Tensor.zeros([0, 0]).determinant().item == 1)
    let singular = Tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])
    expectGradients(of: { $0[0].determinant() }, at: [singular], "rank 2")
    let tracked = Tensor.zeros([3, 3], dtype: .float64).tracked
    expectIdentical(
      tracked.determinant().gradients(withRespectTo: [tracked])[0] * 1, Tensor.zeros([3, 3], dtype: .float64))
  }

  @Test(
    "Least squares: the normal equations hold, and the shortest solution is found", arguments: [(6, 3), (3, 6), (4, 4)])
  func leastSquares(rows: Int, columns: Int) throws {
    let a = Tensor.varied([2, rows, columns], seed: 4)
    let b = Tensor.varied([2, rows, 2], seed: 5)
    let x = try a.leastSquares(b)
    #expect(x.shape == [2, columns, 2])
    let residual = a.matrixProduct(x) - b
    expectClose(a.transposed().matrixProduct(residual), x * 0, absolute: 1e-12)
    // The shortest solution lies in the span of the rows: taking it out of that span changes nothing.
    let rowSpan = try a.svd().vT
    expectClose(rowSpan.transposed().matrixProduct(rowSpan.matrixProduct(x)), x, absolute: 1e-12)
    expectGradients(of: { (try? $0[0].leastSquares($0[1])) ?? $0[1] }, at: [a, b], bound: 1e-5, step: 1e-4)
    let vector = try a[0].leastSquares(b[0].sliced(0..<1, axis: 1).squeezed(1))
    expectClose(vector, x[0].sliced(0..<1, axis: 1).squeezed(1), absolute: 1e-12)
    let deficient = Tensor.concatenated([a[0], a[0]], axis: 1)
    let short = try deficient.leastSquares(b[0])
    let halves = short.split([columns, columns])
    expectClose(halves[0], halves[1], absolute: 1e-12, "equal columns share")
    expectClose(deficient.matrixProduct(short), a[0].matrixProduct(try a[0].leastSquares(b[0])), absolute: 1e-12)
  }

  @Test(
    "u·diag(s)·vᵀ is the matrix, with orthonormal factors and falling values",
    arguments: [(5, 3), (3, 5), (4, 4), (1, 3)])
  func svd(rows: Int, columns: Int) throws {
    let depth = min(rows, columns)
    let a = Form.stepped.make([2, rows, columns])
    let (u, s, vT) = try a.svd()
    #expect(u.shape == [2, rows, depth] && s.shape == [2, depth] && vT.shape == [2, depth, columns])
    expectClose((u * s.expanded(at: 1)).matrixProduct(vT), a, absolute: 1e-13)
    expectClose(u.transposed().matrixProduct(u), Self.identity([2], depth), absolute: 1e-14)
    expectClose(vT.matrixProduct(vT.transposed()), Self.identity([2], depth), absolute: 1e-14)
    let values = s.doubles
    #expect(
      (0..<2).allSatisfy { m in (1..<max(depth, 1)).allSatisfy { values[m * depth + $0 - 1] >= values[m * depth + $0] }
      })
    expectGradients(of: { (try? $0[0].svd().s) ?? $0[0] }, at: [a], "s")
    expectGradients(of: { (try? $0[0].svd().u) ?? $0[0] }, at: [a], bound: 1e-5, step: 1e-4, "u")
    expectGradients(of: { (try? $0[0].svd().vT) ?? $0[0] }, at: [a], bound: 1e-5, step: 1e-4, "vᵀ")
    expectGradients(
      of: { x in
        guard let (u, s, vT) = try? x[0].svd() else { return x[0] }
        return (u * s.squared.expanded(at: 1)).matrixProduct(vT)
      }, at: [a], bound: 1e-5, step: 1e-4, "all three")
  }

  @Test("Eigenvalues: rotations, companions, triangles; trace and determinant of any matrix")
  func eigenvalues() throws {
    let rotation = try Tensor([[cos(0.3), -sin(0.3)], [sin(0.3), cos(0.3)]]).eigenvalues()
    expectClose(rotation.real, Tensor([cos(0.3), cos(0.3)]), relative: 1e-14)
    expectClose(rotation.imaginary, Tensor([sin(0.3), -sin(0.3)]), relative: 1e-14)
    // The companion of (x − 1)(x − 2)(x − 4) = x³ − 7x² + 14x − 8.
    let companion = try Tensor([[7.0, -14, 8], [1, 0, 0], [0, 1, 0]]).eigenvalues()
    expectClose(Tensor(companion.real.doubles.sorted()), Tensor([1.0, 2, 4]), relative: 1e-12)
    expectIdentical(companion.imaginary, Tensor([0.0, 0, 0]))
    let a = Tensor.varied([2, 5, 5], seed: 6)
    let (real, _) = try a.eigenvalues()
    let trace = (a * Tensor.identity(5, dtype: .float64)).sum(axes: [1, 2])
    expectClose(real.sum(axes: [1]), trace, relative: 1e-12)
    expectGradients(of: { (try? $0[0].eigenvalues().real) ?? $0[0] }, at: [a], bound: 1e-5, step: 1e-4, "real")
    expectGradients(
      of: { (try? $0[0].eigenvalues().imaginary) ?? $0[0] }, at: [a], bound: 1e-5, step: 1e-4, "imaginary")
  }

  @Test("Symmetric matrices: v·diag(λ)·vᵀ, rising values, orthonormal vectors", arguments: [1, 3, 5])
  func symmetric(size: Int) throws {
    let a = Self.positive(size)
    let (values, vectors) = try a.symmetricEigendecomposition()
    expectClose((vectors * values).matrixProduct(vectors.transposed()), a, relative: 1e-13, toLargest: true)
    expectClose(vectors.transposed().matrixProduct(vectors), Self.identity([], size), absolute: 1e-14)
    #expect(values.doubles == values.doubles.sorted())
    func symmetrized(_ x: Tensor) -> Tensor { (x + x.transposed()) * 0.5 }
    expectGradients(of: { (try? symmetrized($0[0]).symmetricEigendecomposition().values) ?? $0[0] }, at: [a], "values")
    expectGradients(
      of: { (try? symmetrized($0[0]).symmetricEigendecomposition().vectors) ?? $0[0] }, at: [a], bound: 1e-5,
      step: 1e-4,
      "vectors")
  }
}
