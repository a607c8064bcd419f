import RecurraTensor
import TestSupport
import Testing

@Suite struct ViewTests {
  @Test("Views of views of every layout read the right elements", arguments: Form.allCases)
  func values(form: Form) {
    let x = form.make([4, 3, 5])
    let naive = NaiveArray(x)
    expectIdentical(x.permuted([2, 0, 1]), NaiveArray([5, 4, 3]) { naive[[$0[1], $0[2], $0[0]]] }.tensor())
    expectIdentical(x.transposed(), NaiveArray([4, 5, 3]) { naive[[$0[0], $0[2], $0[1]]] }.tensor())
    expectIdentical(x.transposed(0, -1), NaiveArray([5, 3, 4]) { naive[[$0[2], $0[1], $0[0]]] }.tensor())
    expectIdentical(x.reshaped([6, -1]), Tensor(naive.values, shape: [6, 10]))
    expectIdentical(x.permuted([1, 2, 0]).flattened, NaiveArray(x.permuted([1, 2, 0])).tensor(shape: [60]))
    expectIdentical(x.expanded(at: 1), naive.tensor(shape: [4, 1, 3, 5]))
    expectIdentical(x.expanded(at: -1).squeezed(3), naive.tensor())
    expectIdentical(x[2], NaiveArray([3, 5]) { naive[[2] + $0] }.tensor())
    expectIdentical(x[1..<3], NaiveArray([2, 3, 5]) { naive[[$0[0] + 1, $0[1], $0[2]]] }.tensor())
    expectIdentical(
      x.sliced(1..<5, axis: -1, step: 3), NaiveArray([4, 3, 2]) { naive[[$0[0], $0[1], 1 + 3 * $0[2]]] }.tensor())
    expectIdentical(
      x.sliced(0..<4, step: 2).sliced(1..<2, axis: 1).transposed(),
      NaiveArray([2, 5, 1]) { naive[[2 * $0[0], 1, $0[1]]] }.tensor())
    expectIdentical(x.sliced(2..<2), Tensor.zeros([0, 3, 5], dtype: .float64))
    expectIdentical(
      x.expanded(at: 0).stretched(to: [2, 4, 3, 5]), NaiveArray([2, 4, 3, 5]) { naive[Array($0.dropFirst())] }.tensor())
  }

  @Test("Views share memory; reshaping a dense tensor does too")
  func sharing() {
    let x = Tensor.varied([4, 6])
    for view in [x.transposed(), x[1..<3], x.reshaped([2, 12]), x[2], x.sliced(0..<6, axis: 1, step: 2), x.detached] {
      #expect(view.storage === x.storage)
    }
    #expect(x.transposed().reshaped([24]).storage !== x.storage)
    #expect(x.contiguous.storage === x.storage)
    #expect(x[1..<3].contiguous.storage === x.storage)
  }

  @Test("Writing to a tensor leaves its views and copies as they were")
  func copyOnWrite() {
    let x = Tensor([1.0, 2, 3, 4])
    var copy = x
    let view = x.sliced(1..<3)
    copy.withMutablePointer(of: Double.self) { $0[1] = 9 }
    #expect(x.doubles == [1, 2, 3, 4])
    #expect(view.doubles == [2, 3])
    #expect(copy.doubles == [1, 9, 3, 4])
    var part = view
    part.withMutablePointer(of: Double.self) { $0[0] = 7 }
    #expect(part.doubles == [7, 3])
    #expect(x.doubles == [1, 2, 3, 4])
    var stretched = Tensor([5.0]).stretched(to: [3])
    stretched.withMutablePointer(of: Double.self) { $0[1] = 6 }
    #expect(stretched.doubles == [5, 6, 5])
  }

  @Test("concatenated, stacked and split agree with loops in every layout", arguments: Form.allCases)
  func joining(form: Form) {
    for dtype in DType.allCases {
      let parts = [2, 0, 3].enumerated().map { form.make([4, $1, 2], seed: $0, in: -9...9, dtype: dtype) }
      let naive = parts.map { NaiveArray($0) }
      let joined = NaiveArray([4, 5, 2]) { index in
        index[1] < 2 ? naive[0][index] : naive[2][[index[0], index[1] - 2, index[2]]]
      }
      let whole = Tensor.concatenated(parts, axis: 1)
      expectIdentical(whole, joined.tensor(dtype))
      for (part, piece) in zip(parts, whole.split([2, 0, 3], axis: -2)) { expectIdentical(piece, part.contiguous) }
      let (a, b) = (form.make([3, 2], seed: 8, dtype: dtype), form.make([3, 2], seed: 9, dtype: dtype))
      for axis in 0...2 {
        let stacked = Tensor.stacked([a, b], axis: axis)
        var shape = [3, 2]
        shape.insert(2, at: axis)
        let wanted = NaiveArray(shape) { index in
          var rest = index
          let which = rest.remove(at: axis)
          return NaiveArray(which == 0 ? a : b)[rest]
        }
        expectIdentical(stacked, wanted.tensor(dtype))
      }
    }
  }

  @Test("Zero extents and tensors without axes go through every view")
  func degenerate() {
    let empty = Tensor.zeros([3, 0, 2])
    #expect(empty.transposed().shape == [3, 2, 0])
    #expect(empty.reshaped([0, 7]).shape == [0, 7])
    #expect(empty.permuted([1, 2, 0]).contiguous.shape == [0, 2, 3])
    #expect(Tensor.concatenated([empty, empty], axis: 0).shape == [6, 0, 2])
    #expect(empty.flattened.doubles == [])
    let number = Tensor(2.5)
    #expect(number.reshaped([1, 1]).shape == [1, 1])
    #expect(number.expanded(at: 0).squeezed(0).item == 2.5)
    #expect(number.permuted([]).item == 2.5)
    #expect(Tensor.stacked([number, number]).doubles == [2.5, 2.5])
  }

  @Test("Gradients go through every view and joint")
  func gradients() {
    let x = Tensor.varied([4, 3, 5])
    let views: [(String, @Sendable (Tensor) -> Tensor)] = [
      ("reshaped", { $0.reshaped([6, 10]) }), ("reshaped view", { $0.transposed().reshaped([60]) }),
      ("permuted", { $0.permuted([2, 0, 1]) }), ("transposed", { $0.transposed(0, 2) }),
      ("expanded", { $0.expanded(at: 2) }), ("squeezed", { $0[1..<2].squeezed(0) }),
      ("subscript", { $0[3] }), ("sliced", { $0.sliced(1..<3, axis: 1) }),
      ("stepped", { $0.sliced(1..<5, axis: -1, step: 2) }),
      ("slice of slice", { $0.sliced(1..<4, step: 2).sliced(0..<4, axis: 2, step: 3) }),
      ("overlapping", { Tensor.concatenated([$0.sliced(0..<3), $0.sliced(1..<4)]) }),
      ("stretched", { $0.expanded(at: 0).stretched(to: [2, 4, 3, 5]) }),
      ("split", { $0.split([1, 3])[1].split([2, 1], axis: 1)[0] }), ("detached part", { $0 + $0.detached * 0 }),
    ]
    for (name, view) in views {
      // Squared, so that a gradient at the wrong place differs.
      expectGradients(of: { view($0[0]).squared }, at: [x], name)
      expectGradients(of: { view($0[0].squared) }, at: [x], "\(name), after")
    }
    let (a, b) = (Tensor.varied([2, 3], seed: 2), Tensor.varied([2, 1], seed: 3))
    expectGradients(of: { Tensor.concatenated([$0[0], $0[1], $0[0]], axis: 1).squared }, at: [a, b], "concatenated")
    expectGradients(of: { Tensor.stacked([$0[0], $0[1], $0[0]], axis: 1).squared }, at: [a, a * 2], "stacked")
  }
}
