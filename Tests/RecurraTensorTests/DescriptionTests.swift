import RecurraTensor
import TestSupport
import Testing

@Suite struct DescriptionTests {
  @Test("Printed tensors have aligned columns, four decimals, gaps in long axes, exponents where needed")
  func description() {
    let small = Tensor([[1, -2.5, 3], [100.25, 0, -0.004]]).description
    #expect(
      small == """
        Tensor(shape: [2, 3], dtype: float64)
        [[  1.0000,  -2.5000,   3.0000],
         [100.2500,   0.0000,  -0.0040]]
        """)
    #expect(Tensor([Int32(1), -20, 300]).description == "Tensor(shape: [3], dtype: int32)\n[  1, -20, 300]")
    #expect(Tensor(2.5).description == "Tensor(shape: [], dtype: float32)\n2.5000")
    #expect(Tensor.zeros([0, 3]).description == "Tensor(shape: [0, 3], dtype: float32)\n[]")
    #expect(
      Tensor.arange(0, 100, dtype: .int32).description
        == "Tensor(shape: [100], dtype: int32)\n[ 0,  1,  2, …, 97, 98, 99]")
    #expect(
      Tensor([1e10, -2.5e-7, 0, .infinity, .nan]).description
        == "Tensor(shape: [5], dtype: float64)\n[ 1.0000e+10, -2.5000e-07,  0.0000e+00,         inf,         nan]")
    #expect(
      Tensor([Double.nan, 1, -.infinity]).description == "Tensor(shape: [3], dtype: float64)\n[   nan, 1.0000,   -inf]")
    #expect(
      Tensor.arange(0, 8, dtype: .int32).reshaped([2, 2, 2]).description == """
        Tensor(shape: [2, 2, 2], dtype: int32)
        [[[0, 1],
          [2, 3]],
         [[4, 5],
          [6, 7]]]
        """)
    let transposed = Tensor.arange(0, 6, dtype: .int32).reshaped([2, 3]).transposed().description
    #expect(transposed == "Tensor(shape: [3, 2], dtype: int32)\n[[0, 3],\n [1, 4],\n [2, 5]]")
    let wide = Tensor.arange(0, 2_000, dtype: .int32).reshaped([20, 100]).description
    #expect(
      wide.hasPrefix("Tensor(shape: [20, 100], dtype: int32)\n[[   0,    1,    2, …,   97,   98,   99],\n [ 100,"))
    #expect(wide.split(separator: "\n").count == 8)
  }

  @Test("Each form begins where it says: at 65 numbers, more than 8 in a row, 1e8, below 1e-4, more than 16 axes")
  func limits() {
    func text(_ x: Tensor) -> Substring { x.description.split(separator: "\n", maxSplits: 1)[1] }
    #expect(!text(.arange(0, 64, dtype: .int32)).contains("…") && text(.arange(0, 65, dtype: .int32)).contains("…"))
    #expect(!text(.zeros([9, 8])).split(separator: "\n")[0].contains("…"))
    #expect(text(.zeros([8, 9])).split(separator: "\n")[0].contains("…"))
    #expect(text(Tensor([1e8])) == "[1.0000e+08]" && text(Tensor([1e8.nextDown])) == "[100000000.0000]")
    #expect(text(Tensor([1, 1e-4])) == "[1.0000, 0.0001]" && text(Tensor([1, 9e-5])) == "[1.0000e+00, 9.0000e-05]")
    // What is rounded up to ten has one digit more before it.
    #expect(text(Tensor([9.99996e8, 9.99994e8])) == "[1.0000e+09, 9.9999e+08]")
    #expect(text(Tensor([0.0, 9.99996e-6])) == "[0.0000e+00, 1.0000e-05]")
    let (deep, deeper) = (Tensor.zeros([Int](repeating: 1, count: 16)), Tensor.zeros([Int](repeating: 1, count: 17)))
    #expect(deep.description.hasSuffix("[0.0000]]]]]]]]]]]]]]]]") && !deeper.description.contains("\n"))
    #expect(
      Tensor.zeros([1, 1, 1, 1, 1, 1, 1, 2]).description.hasPrefix("Tensor(shape: [1, 1, 1, 1, 1, 1, 1, 2], dtype"))
    #expect(Tensor.zeros([1, 1, 1, 1, 1, 1, 1, 3, 2]).description.contains("[1, 1, 1, 1, …, 3, 2] of 9 axes"))
    // An axis of one shows the one it has.
    let long = text(.zeros([1] + [Int](repeating: 2, count: 10)))
    #expect(long.hasPrefix("[[[[[[[[[[[") && long.hasSuffix("]]]]]]]]],\n  …]]") && long.count { $0 == "…" } == 1)
  }

  @Test("Views print what they show, without a copy of what they do not", arguments: Form.allCases)
  func views(form: Form) {
    let x = form.make([3, 4])
    #expect(x.description == NaiveArray(x).tensor().description)
    // 2⁵⁰ elements that are one.
    let endless = Tensor([2.5]).stretched(to: [1 << 50]).description
    #expect(
      endless == "Tensor(shape: [\(1 << 50)], dtype: float64)\n[2.5000, 2.5000, 2.5000, …, 2.5000, 2.5000, 2.5000]")
  }

  @Test("Large tensors of any shape print about a thousand numbers at most")
  func large() {
    func numbers(_ shape: [Int]) -> Int {
      Tensor(3).stretched(to: shape).description.split(separator: "\n", maxSplits: 1)[1].count { $0 == "." }
    }
    #expect(numbers([8, 8]) == 64)
    #expect(numbers([8, 9]) == 48, "the longer axis loses its middle")
    #expect(numbers([5, 5, 5, 5]) == 625)
    #expect(numbers([8, 8, 8, 8]) == 256, "two from each end of each axis")
    #expect(numbers([7, 7, 7, 7, 7]) == 32, "one from each end")
    #expect(numbers([Int](repeating: 2, count: 16)) == 512, "the first of the leading axes alone")
    #expect(numbers([1, 1, 1 << 40]) == 6)
    let deep = Tensor.zeros([Int](repeating: 1, count: 100_000))
    #expect(deep.description == "Tensor(shape: [1, 1, 1, 1, …, 1, 1] of 100000 axes, dtype: float32)")
    let leading = Tensor.zeros([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]).description
    let head = "Tensor(shape: [2, 2, 2, 2, …, 2, 2] of 10 axes, dtype: float32)\n"
    #expect(leading.hasPrefix(head + "[[[[[[[[[[0.0000, 0.0000],\n"))
    #expect(leading.hasSuffix("]]]]]]]]],\n …]"))
  }
}
