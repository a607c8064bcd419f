import RecurraTensor
import TestSupport
import Testing

@Suite struct ReductionTests {
  static let shapes: [[Int]] = [[3, 4], [2, 3, 5], [7], [1, 4], [4, 1, 3]]

  /// Every set of axes of a rank, the empty one included.
  static func axisSets(_ rank: Int) -> [[Int]] {
    (0..<(1 << rank)).map { bits in (0..<rank).filter { bits >> $0 & 1 == 1 } }
  }

  typealias Reduction = (
    name: String, op: @Sendable (Tensor, [Int]?, Bool) -> Tensor, naive: @Sendable ([Double]) -> Double
  )
  static let reductions: [Reduction] = [
    ("sum", { $0.sum(axes: $1, keepingDimensions: $2) }, { $0.reduce(0, +) }),
    ("mean", { $0.mean(axes: $1, keepingDimensions: $2) }, { $0.reduce(0, +) / Double($0.count) }),
    ("max", { $0.max(axes: $1, keepingDimensions: $2) }, { $0.max() ?? .nan }),
    ("min", { $0.min(axes: $1, keepingDimensions: $2) }, { $0.min() ?? .nan }),
    (
      "variance", { $0.variance(axes: $1, keepingDimensions: $2) },
      { row in
        let mean = row.reduce(0, +) / Double(row.count)
        return row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      }
    ),
  ]

  @Test("Reductions agree with loops along every set of axes, in every layout", arguments: Self.shapes)
  func values(shape: [Int]) {
    for (form, axes) in Form.allCases.flatMap({ f in Self.axisSets(shape.count).map { (f, $0) } }) {
      let x = form.make(shape)
      let remaining = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
      for reduction in Self.reductions {
        let wanted = NaiveArray(x).reduced(axes, reduction.naive)
        let note = "\(reduction.name) \(form) \(axes)"
        expectClose(reduction.op(x, axes, true), wanted.tensor(), absolute: 1e-14, note)
        expectClose(reduction.op(x, axes, false), wanted.tensor(shape: remaining), absolute: 1e-14, note)
        let negative = axes.map { $0 - shape.count }
        expectIdentical(reduction.op(x, negative.reversed(), false), reduction.op(x, axes, false), "negative axes")
      }
    }
    let x = Form.stepped.make(shape)
    for reduction in Self.reductions {
      expectIdentical(reduction.op(x, nil, false), reduction.op(x, Array(shape.indices), false), "all axes")
    }
  }

  @Test("Sums of nothing are 0; a number without axes reduces to itself")
  func empty() {
    expectIdentical(Tensor.zeros([0, 3], dtype: .float64).sum(axes: [0]), Tensor.zeros([3], dtype: .float64))
    expectIdentical(Tensor.zeros([3, 0]).sum(axes: [1]), Tensor.zeros([3]))
    expectIdentical(Tensor.zeros([0]).sum(), Tensor(0))
    expectIdentical(Tensor.zeros([0, 3]).max(axes: [1]), Tensor.zeros([0]))
    expectIdentical(Tensor(4).sum(), Tensor(4))
    expectIdentical(Tensor(4).max(), Tensor(4))
  }

  @Test("float32 sums are formed in double precision")
  func accuracy() {
    let x = Tensor.varied([1_000_003], in: 0...1, dtype: .float32)
    let exact = x.doubles.reduce(0, +)
    #expect((x.sum().item - exact).magnitude <= exact * 6e-8)
    let columns = x.sliced(0..<1_000_000).reshaped([250_000, 4])
    let numbers = columns.doubles
    let wanted = (0..<4).map { column in (0..<250_000).reduce(0.0) { $0 + numbers[$1 * 4 + column] } }
    expectClose(columns.sum(axes: [0]), Tensor(wanted).converted(to: .float32), relative: 6e-8)
    let shifted = Tensor([1e8, 1, -1e8, 1], shape: [4]).converted(to: .float32)
    #expect(shifted.sum().item == 2)
  }

  @Test("Integer reductions stay exact")
  func integers() {
    let x = Form.transposed.make([3, 4], in: -90_000...90_000, dtype: .int32)
    let naive = NaiveArray(x)
    expectIdentical(x.sum(axes: [0]), naive.reduced([0]) { $0.reduce(0, +) }.tensor(.int32, shape: [4]))
    expectIdentical(x.max(axes: [1]), naive.reduced([1]) { $0.max() ?? 0 }.tensor(.int32, shape: [3]))
    expectIdentical(x.min(), naive.reduced([0, 1]) { $0.min() ?? 0 }.tensor(.int32, shape: []))
  }

  @Test("argMax finds the first of equal maxima along any axis; NaN is the largest")
  func argMax() {
    for form in Form.allCases {
      let x = form.make([4, 3, 5])
      for axis in 0..<3 {
        let wanted = NaiveArray(x).reduced([axis]) { row in Double(row.firstIndex(of: row.max() ?? 0) ?? -1) }
        let shape = (0..<3).filter { $0 != axis }.map { x.shape[$0] }
        expectIdentical(x.argMax(axis: axis), wanted.tensor(.int32, shape: shape), "\(form) \(axis)")
        expectIdentical(x.argMax(axis: axis - 3), x.argMax(axis: axis))
      }
    }
    #expect(Tensor([1.0, 7, 7, 0]).argMax().item == 1)
    #expect(Tensor([1.0, .nan, 7, .nan]).argMax().item == 1)
    #expect(Tensor([Int32(3), 9, 9]).argMax().item == 1)
    #expect(Tensor([-Double.infinity, -.infinity]).argMax().item == 0)
  }

  @Test("NaN and infinities come through")
  func notANumber() {
    let x = Tensor([[1, .nan, 3], [Double.infinity, 2, -5]])
    expectIdentical(x.max(axes: [1]), Tensor([.nan, Double.infinity]))
    expectIdentical(x.min(axes: [1]), Tensor([.nan, -5.0]))
    expectIdentical(x.sum(axes: [1]), Tensor([.nan, Double.infinity]))
    #expect(Tensor([Double.infinity, -.infinity]).sum().item.isNaN)
  }

  @Test("Gradients hold along every set of axes", arguments: [[3, 4], [2, 3, 2]])
  func gradients(shape: [Int]) {
    let x = Tensor.varied(shape, seed: 5)
    for axes in Self.axisSets(shape.count) {
      for reduction in Self.reductions where !(reduction.name == "variance" && axes.isEmpty) {
        for keeping in [true, false] {
          expectGradients(of: { reduction.op($0[0], axes, keeping) }, at: [x], "\(reduction.name) \(axes)")
        }
        expectGradients(of: { reduction.op($0[0].transposed(), axes, false) }, at: [x], "\(reduction.name) of a view")
      }
    }
  }

  @Test("Equal maxima and minima share the gradient")
  func ties() {
    let x = Tensor([[2.0, 5, 5], [1, 1, 1]]).tracked
    let third = 1.0 / 3
    expectIdentical(
      x.max(axes: [1]).sum().gradients(withRespectTo: [x])[0], Tensor([[0, 0.5, 0.5], [third, third, third]]))
    expectIdentical(x.min().gradients(withRespectTo: [x])[0], Tensor([[0, 0, 0], [third, third, third]]))
  }
}
