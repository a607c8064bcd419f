import RecurraTensor
import TestSupport
import Testing

@Suite struct MatrixProductTests {
  /// Multiplies by three loops, with broadcasting of the leading axes.
  static func naive(_ left: Tensor, _ right: Tensor) -> NaiveArray {
    let (a, b) = (NaiveArray(left), NaiveArray(right))
    let depth = a.shape[a.shape.count - 1]
    let stacks = [a, b].map { operand in NaiveArray(Array(operand.shape.dropLast(2))) { _ in 0 } }
    let batch = NaiveArray.combined(stacks[0], stacks[1]) { $0 + $1 }.shape
    func element(_ operand: NaiveArray, _ index: [Int], _ row: Int, _ column: Int) -> Double {
      let own = zip(index.suffix(operand.shape.count - 2), operand.shape).map { $1 == 1 ? 0 : $0 }
      return operand[own + [row, column]]
    }
    return NaiveArray(batch + [a.shape[a.shape.count - 2], b.shape[b.shape.count - 1]]) { index in
      let outer = Array(index.dropLast(2))
      let (row, column) = (index[index.count - 2], index[index.count - 1])
      return (0..<depth).reduce(0.0) { $0 + element(a, outer, row, $1) * element(b, outer, $1, column) }
    }
  }

  static let sizes: [(Int, Int, Int)] = [
    (3, 4, 5), (1, 1, 1), (1, 7, 1), (7, 1, 3), (2, 17, 33), (31, 5, 1), (0, 3, 2), (2, 0, 3), (2, 3, 0), (65, 33, 17),
  ]

  @Test("Every size and layout of both operands agrees with three loops", arguments: Self.sizes)
  func values(size: (Int, Int, Int)) {
    let (rows, depth, columns) = size
    for (first, second) in Form.allCases.flatMap({ a in Form.allCases.map { (a, $0) } }) {
      let (a, b) = (first.make([rows, depth], seed: 1), second.make([depth, columns], seed: 2))
      let wanted = Self.naive(a, b)
      expectClose(a.matrixProduct(b), wanted.tensor(), relative: 1e-14, toLargest: true, "\(first) \(second)")
      expectClose(
        a.converted(to: .float32).matrixProduct(b.converted(to: .float32)), wanted.tensor(.float32),
        relative: Tolerance.float32Accumulated, toLargest: true, "float32 \(first) \(second)")
    }
  }

  static let stacks: [([Int], [Int])] = [
    ([2, 3, 4], [4, 5]), ([3, 4], [2, 4, 5]), ([2, 3, 4], [2, 4, 5]), ([2, 1, 3, 4], [5, 4, 2]),
    ([1, 3, 4], [6, 4, 1]),
    ([2, 2, 3, 4], [4, 5]), ([0, 3, 4], [4, 5]), ([0, 3, 4], [1, 4, 5]),
  ]

  @Test("Stacks of matrices broadcast, in every layout", arguments: Self.stacks)
  func stacked(left: [Int], right: [Int]) {
    for (first, second) in Form.allCases.flatMap({ a in Form.allCases.map { (a, $0) } }) {
      let (a, b) = (first.make(left, seed: 1), second.make(right, seed: 2))
      expectClose(
        a.matrixProduct(b), Self.naive(a, b).tensor(), relative: 1e-14, toLargest: true, "\(first) \(second)")
    }
  }

  @Test("Large products are cut into pieces without a seam, transposed or not")
  func sharded() {
    for (rows, depth, columns) in [(700, 65, 90), (90, 65, 701), (300, 300, 301)] {
      for dtype in [DType.float32, .float64] {
        let a = Tensor.varied([rows, depth], seed: 1, dtype: dtype)
        let b = Tensor.varied([depth, columns], seed: 2, dtype: dtype)
        let (x, y) = (a.doubles, b.doubles)
        let product = a.matrixProduct(b).doubles
        for row in Swift.stride(from: 0, to: rows, by: 13) {
          for column in 0..<columns {
            let wanted = (0..<depth).reduce(0.0) { $0 + x[row * depth + $1] * y[$1 * columns + column] }
            #expect((product[row * columns + column] - wanted).magnitude < (dtype == .float32 ? 2e-5 : 1e-12))
          }
        }
        let turned = a.transposed().contiguous.transposed().matrixProduct(b.transposed().contiguous.transposed())
        expectClose(
          turned, Tensor(product, shape: [rows, columns]).converted(to: dtype), relative: 1e-5, toLargest: true)
      }
    }
  }

  @Test("The result's memory never shows: a recycled NaN does not leak in, a NaN in an operand stays in its row")
  func notANumber() {
    for depth in [0, 1, 5] {
      do { _ = Tensor.full([6, 7], .nan, dtype: .float64) }
      let product = Tensor.varied([6, depth]).matrixProduct(Tensor.varied([depth, 7]))
      #expect(product.doubles.allSatisfy { $0.isFinite })
    }
    var rows = [Double](repeating: 1, count: 12)
    rows[5] = .nan
    let product = Tensor(rows, shape: [3, 4]).matrixProduct(Tensor.varied([4, 2])).doubles
    #expect(product.map(\.isNaN) == [false, false, true, true, false, false])
  }

  @Test("dot multiplies vectors")
  func dot() {
    let (a, b) = (Form.stepped.make([9], seed: 1), Form.stretched.make([9], seed: 2))
    let wanted = zip(NaiveArray(a).values, NaiveArray(b).values).reduce(0) { $0 + $1.0 * $1.1 }
    expectClose(a.dot(b), Tensor(wanted, dtype: .float64), relative: 1e-14)
    #expect(Tensor.zeros([0]).dot(Tensor.zeros([0])).item == 0)
    expectGradients(of: { $0[0].dot($0[1]) }, at: [a, b])
  }

  @Test("Gradients hold for every broadcast of the stacks", arguments: Self.stacks)
  func gradients(left: [Int], right: [Int]) {
    guard !left.contains(0) else { return }
    let (a, b) = (Tensor.varied(left, seed: 1), Tensor.varied(right, seed: 2))
    expectGradients(of: { $0[0].matrixProduct($0[1]) }, at: [a, b])
    expectGradients(
      of: { $0[0].transposed().contiguous.transposed().matrixProduct($0[1].transposed().contiguous.transposed()) },
      at: [a, b], "of transposed views")
  }
}
