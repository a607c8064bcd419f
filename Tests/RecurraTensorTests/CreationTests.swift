import RecurraTensor
import TestSupport
import Testing

@Suite struct CreationTests {
  @Test("Literals, nested rows and fills have the promised shapes, types and elements")
  func literals() {
    let vector: Tensor = [1, 2.5, -3]
    #expect(vector.dtype == .float32 && vector.doubles == [1, 2.5, -3])
    let rows = Tensor([[Int32(1), 2, 3], [4, 5, 6]])
    #expect(rows.shape == [2, 3] && rows.dtype == .int32)
    #expect(Tensor([[Double]]()).shape == [0, 0])
    let sequences = Tensor([[[1.0, 2, 3], [4, 5, 6]]])
    #expect(sequences.shape == [1, 2, 3] && sequences.doubles == [1, 2, 3, 4, 5, 6] && sequences.dtype == .float64)
    #expect(Tensor([[[Float]]]()).shape == [0, 0, 0])
    #expect(Tensor(7).shape == [] && Tensor(7).item == 7)
    for dtype in DType.allCases {
      #expect(Tensor.zeros([2, 3], dtype: dtype).doubles == [0, 0, 0, 0, 0, 0])
      #expect(Tensor.ones([2], dtype: dtype).doubles == [1, 1])
      #expect(Tensor.full([2, 0], 3, dtype: dtype).doubles == [])
      #expect(Tensor.full([], -3, dtype: dtype).item == -3)
      #expect(Tensor.identity(3, dtype: dtype).doubles == [1, 0, 0, 0, 1, 0, 0, 0, 1])
      #expect(Tensor.identity(0, dtype: dtype).shape == [0, 0])
    }
  }

  @Test("arange is half open as NumPy's, and its errors do not pile up")
  func arange() {
    #expect(Tensor.arange(0, 5, dtype: .int32).doubles == [0, 1, 2, 3, 4])
    #expect(Tensor.arange(5, 0, step: -2, dtype: .int32).doubles == [5, 3, 1])
    #expect(Tensor.arange(0, 1, step: 0.3, dtype: .float64).doubles == [0, 0.3, 0.6, 0.3 * 3])
    #expect(Tensor.arange(3, 3).count == 0 && Tensor.arange(3, 1).count == 0)
    let long = Tensor.arange(0, 100, step: 0.1, dtype: .float64).doubles
    #expect(long.count == 1000 && long[999] == 999 * 0.1)
  }

  @Test("linspace holds both ends")
  func linspace() {
    // The distance of these is not exact, and so the last would be 0.
    #expect(Tensor.linspace(1e17, 1, count: 3, dtype: .float64).doubles.last == 1)
    #expect(Tensor.linspace(7, 9, count: 1, dtype: .float64).doubles == [7])
    #expect(Tensor.linspace(0, 1, count: 5, dtype: .float64).doubles == [0, 0.25, 0.5, 0.75, 1])
    let odd = Tensor.linspace(-0.1, 0.7, count: 7, dtype: .float64).doubles
    #expect(odd.first == -0.1 && odd.last == 0.7)
    #expect(Tensor.linspace(2, 9, count: 1, dtype: .float64).doubles == [2])
    #expect(Tensor.linspace(2, 9, count: 0).count == 0)
  }

  @Test("Conversion rounds to the nearest float and truncates to integers", arguments: Form.allCases)
  func conversion(form: Form) {
    let x = form.make([3, 4], in: -3...3)
    expectIdentical(x.converted(to: .int32), NaiveArray(x).mapped { $0.rounded(.towardZero) }.tensor(.int32))
    expectIdentical(x.converted(to: .float32), NaiveArray(x).mapped { Double(Float($0)) }.tensor(.float32))
    let integers = form.make([3, 4], in: -3...3, dtype: .int32)
    expectIdentical(integers.converted(to: .float64), NaiveArray(integers).tensor())
    #expect(x.converted(to: .float64).storage === x.storage)
    let edges = Tensor([-0x1p31 - 0.5, 0x1p31 - 0.5, -0.9])
    #expect(edges.converted(to: .int32).scalars(as: Int32.self) == [.min, .max, 0])
    let tracked = Tensor([0.1, 0.2]).tracked
    let gradient = (tracked.converted(to: .float32) * 3).sum().gradients(withRespectTo: [tracked])[0]
    #expect(gradient.dtype == .float64 && gradient.doubles == [3, 3])
    #expect(!tracked.converted(to: .int32).isTracked)
  }

  @Test("Elements come out in row-major order whatever the layout", arguments: Form.allCases)
  func scalars(form: Form) {
    let x = form.make([3, 4], dtype: .float32)
    let wanted = NaiveArray(x).values.map { Float($0) }
    #expect(x.scalars(as: Float.self) == wanted)
    x.withSpan(of: Float.self) { span in
      #expect(span.count == 12)
      for i in 0..<12 { #expect(span[i] == wanted[i]) }
    }
    #expect(x[1].sliced(2..<3).item == Double(wanted[6]))
  }
}
