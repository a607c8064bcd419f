import RecurraTensor
import TestSupport
import Testing

@Suite struct GatherTests {
  @Test("Rows are gathered in every layout, for indices of any shape", arguments: Form.allCases)
  func gathered(form: Form) {
    for dtype in DType.allCases {
      for (source, shape) in [
        ([5, 3], [4]), ([5, 3], [2, 3]), ([5], [4]), ([5, 2, 3], [2, 1]), ([5, 3], []), ([5, 3], [0]),
      ] {
        let table = form.make(source, in: -9...9, dtype: dtype)
        let indices = form.make(shape, seed: 2, in: 0...4.99, dtype: .int32)
        let (naive, rows) = (NaiveArray(table), NaiveArray(indices))
        let wanted = NaiveArray(shape + source.dropFirst()) { index in
          naive[[Int(rows[Array(index.prefix(shape.count))])] + index.suffix(source.count - 1)]
        }
        expectIdentical(table.gathered(indices), wanted.tensor(dtype), "\(source) \(shape)")
      }
    }
  }

  @Test("One element of each row is picked in every layout", arguments: Form.allCases)
  func picked(form: Form) {
    for dtype in DType.allCases {
      let rows = form.make([6, 4], in: -9...9, dtype: dtype)
      let indices = form.make([6], seed: 2, in: 0...3.99, dtype: .int32)
      let (naive, columns) = (NaiveArray(rows), NaiveArray(indices))
      expectIdentical(rows.picked(indices), NaiveArray([6]) { naive[[$0[0], Int(columns[$0])]] }.tensor(dtype))
    }
  }

  @Test("Gradients add up rows that are gathered twice, and leave the others zero")
  func gradients() {
    let table = Tensor.varied([5, 3])
    let indices = Tensor([[Int32(4), 0], [0, 0], [2, 4]])
    expectGradients(of: { $0[0].gathered(indices).squared }, at: [table])
    expectGradients(of: { $0[0].transposed().gathered(Tensor([Int32(2), 2, 0])).squared }, at: [table], "of a view")
    expectGradients(of: { $0[0].picked(Tensor([Int32(2), 0, 1, 2, 2])).squared }, at: [table], "picked")
    expectGradients(of: { $0[0].transposed().picked(Tensor([Int32(4), 0, 1])) }, at: [table], "picked from a view")
    expectGradients(
      of: { $0[0].gathered(indices).squared.sum() + $0[0].gathered(Tensor([Int32(0), 3])).sum() }, at: [table], "twice")
    expectGradients(
      of: { $0[0].gathered(indices).squared.sum() + $0[0].squared.sum() }, at: [table], "rows and the whole table")
    let none = table.tracked
    let empty = none.gathered(Tensor([Int32]())).sum().gradients(withRespectTo: [none])[0]
    #expect(empty.doubles == [Double](repeating: 0, count: 15), "no row at all")
    let tracked = table.tracked
    let gradient = tracked.gathered(indices).sum().gradients(withRespectTo: [tracked])[0]
    #expect(gradient.sum(axes: [1]).doubles == [9, 0, 3, 0, 6])
  }

  @Test("Comparisons give 0 and 1 in every layout; NaN is unequal to everything", arguments: Form.allCases)
  func comparisons(form: Form) {
    for dtype in DType.allCases {
      let (a, b) = (
        form.make([4, 5], seed: 1, in: -2.9...2.9, dtype: dtype), form.make([5], seed: 2, in: -2.9...2.9, dtype: dtype)
      )
      let (x, y) = (NaiveArray(a), NaiveArray(b))
      expectIdentical(a.isLess(than: b), NaiveArray.combined(x, y) { $0 < $1 ? 1 : 0 }.tensor(.int32))
      expectIdentical(a.isGreater(than: b), NaiveArray.combined(x, y) { $0 > $1 ? 1 : 0 }.tensor(.int32))
      expectIdentical(a.isEqual(to: b), NaiveArray.combined(x, y) { $0 == $1 ? 1 : 0 }.tensor(.int32))
      expectIdentical(a.isNotEqual(to: b), NaiveArray.combined(x, y) { $0 != $1 ? 1 : 0 }.tensor(.int32))
    }
    let (nan, one) = (Tensor([Double.nan, 1]), Tensor([1.0, 1]))
    #expect(nan.isEqual(to: one).doubles == [0, 1])
    #expect(nan.isNotEqual(to: nan).doubles == [1, 0])
    #expect(nan.isLess(than: one).doubles == [0, 0])
    #expect(nan.isGreater(than: one).doubles == [0, 0])
  }

  @Test("select takes from either side with broadcasting, in every layout", arguments: Form.allCases)
  func select(form: Form) {
    for dtype in DType.allCases {
      let condition = form.make([3, 1], seed: 3, in: -1.9...1.9, dtype: .int32)
      let (a, b) = (form.make([4], seed: 1, dtype: dtype), form.make([2, 3, 4], seed: 2, dtype: dtype))
      let (flags, x, y) = (NaiveArray(condition), NaiveArray(a), NaiveArray(b))
      let wanted = NaiveArray([2, 3, 4]) { flags.stretched(at: $0) != 0 ? x.stretched(at: $0) : y[$0] }
      expectIdentical(Tensor.select(condition, a, b), wanted.tensor(dtype))
    }
    let condition = Tensor([Int32(1), 0, 5]).expanded(at: 1)
    expectGradients(
      of: { Tensor.select(condition, $0[0], $0[1]).squared },
      at: [Tensor.varied([4]), Tensor.varied([2, 3, 4], seed: 2)])
    let guarded = Tensor([0.0, 4]).tracked
    let safe = Tensor.select(Tensor([Int32(0), 1]), guarded, Tensor([1.0, 1])).log()
    #expect(safe.sum().gradients(withRespectTo: [guarded])[0].doubles == [0, 0.25])
  }
}
