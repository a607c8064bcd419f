import Foundation
import RecurraTensor
import TestSupport
import Testing

@Suite struct ActivationTests {
  static let elementwise = Activation.allCases.filter(\.isElementwise)

  @Test("Every activation agrees with its definition, in both types and every layout", arguments: Self.elementwise)
  func values(activation: Activation) {
    for form in Form.allCases {
      for shape in [[5, 7], [], [0, 4], [33]] {
        let x = form.make(shape, in: -8...8)
        let wanted = NaiveArray(x).mapped { activation.definition($0) }
        expectClose(activation(x), wanted.tensor(), relative: 2e-14, "\(form) \(shape)")
        let narrow = x.converted(to: .float32)
        expectClose(
          activation(narrow), NaiveArray(narrow).mapped { activation.definition($0) }.tensor(.float32),
          relative: Tolerance.float32, "float32 \(form) \(shape)")
      }
    }
  }

  @Test("Gradients hold away from the kinks", arguments: Activation.allCases)
  func gradients(activation: Activation) {
    let x = Tensor([-3.7, -2.2, -0.8, -0.1, 0.3, 1.1, 2.6, 3.4]).reshaped([2, 4])
    expectGradients(of: { activation($0[0]) }, at: [x])
    expectGradients(of: { activation($0[0].transposed()) }, at: [x], "of a view")
    expectGradients(of: { activation($0[0].squared * 0.4 - 1) }, at: [x], "inside a chain")
  }

  @Test("Tails are exact: no overflow, no NaN, relative accuracy where a value is small")
  func tails() {
    for dtype in [DType.float32, .float64] {
      let x = Tensor([-Double.infinity, -1e4, 0, 1e4, .infinity, .nan]).converted(to: dtype)
      expectIdentical(x.sigmoid(), Tensor([0, 0, 0.5, 1, 1, .nan]).converted(to: dtype), "sigmoid \(dtype)")
      expectIdentical(x.tanh(), Tensor([-1, -1, 0, 1, 1, .nan]).converted(to: dtype), "tanh \(dtype)")
      let softplus = Tensor([0, 0, log(2), 1e4, .infinity, .nan])
      expectClose(x.softplus(), softplus.converted(to: dtype), relative: Tolerance.float32)
      expectClose(
        Activation.silu(x), Tensor([0, 0, 0, 1e4, .infinity, .nan]).converted(to: dtype), relative: Tolerance.float32)
      let tracked = x.tracked
      expectIdentical(
        Activation.silu(tracked).sum().gradients(withRespectTo: [tracked])[0],
        Tensor([0, 0, 0.5, 1, 1, .nan]).converted(to: dtype), "slope of silu")
      expectIdentical(x.relu(), Tensor([0, 0, 0, 1e4, .infinity, .nan]).converted(to: dtype))
    }
    expectClose(Tensor([-30.0, -600]).sigmoid(), Tensor([exp(-30.0), exp(-600.0)]), relative: 1e-12)
    expectClose(
      Tensor([-30.0, -80]).converted(to: .float32).sigmoid(), Tensor([exp(-30.0), exp(-80.0)]).converted(to: .float32),
      relative: Tolerance.float32)
    expectClose(Tensor([-40.0]).softplus(), Tensor([exp(-40.0)]), relative: 1e-12)
  }

  @Test("Names with and without numbers are read as they are written")
  func names() throws {
    for activation in Activation.allCases { #expect(Activation(rawValue: activation.rawValue) == activation) }
    #expect(Set(Activation.allCases.map(\.rawValue)).count == Activation.allCases.count)
    let others: [(String, Activation)] = [
      ("leaky_relu(0.01)", .leakyRelu(negativeSlope: 0.01)),
      ("scaled_tanh(1.7, 0.6)", .scaledTanh(alpha: 1.7, beta: 0.6)),
      ("threshold(-0.5, 2.0)", .threshold(-0.5, value: 2)),
    ]
    for (name, activation) in others {
      #expect(activation.rawValue == name && Activation(rawValue: name) == activation)
    }
    #expect(Activation(rawValue: "clipped_line(0.2,0.5)") == .clippedLine(alpha: 0.2, beta: 0.5))
    #expect(Activation.clippedLine(alpha: 0.2, beta: 0.5).rawValue == "clipped_line")
    #expect(Activation(rawValue: "swish") == .silu && Activation(rawValue: "hard_swish") == .hardSilu)
    for name in [
      "", "glu", "relu(1)", "leaky_relu(", "leaky_relu()", "leaky_relu(x)", "leaky_relu(1, 2)", "celu(inf)",
      "affine(1)",
    ] {
      #expect(Activation(rawValue: name) == nil, "\(name)")
    }
    let coded = try JSONEncoder().encode([Activation.tanh, .celu(alpha: 2)])
    #expect(String(decoding: coded, as: UTF8.self) == #"["tanh","celu(2.0)"]"#)
    #expect(try JSONDecoder().decode([Activation].self, from: coded) == [.tanh, .celu(alpha: 2)])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([Activation].self, from: Data(#"["glu"]"#.utf8)) }
  }

  @Test("Functions keep their shapes at other numbers, gradients included")
  func numbers() {
    let x = Tensor([-3.7, -2.2, -0.8, -0.1, 0.3, 1.1, 2.6, 3.4])
    let functions: [Activation] = [
      .leakyRelu(negativeSlope: -0.3), .leakyRelu(negativeSlope: 0), .scaledElu(alpha: -0.7), .celu(alpha: 0.6),
      .hardShrink(threshold: 0.9), .softShrink(threshold: 1.3), .squareplus(b: 0.5), .threshold(0.2, value: -1),
      .clippedLine(alpha: -0.3, beta: 0.4), .scaledTanh(alpha: 1.7, beta: -0.6), .scaledTanh(alpha: 0, beta: 1),
      .affine(alpha: -2, beta: 0.5),
    ]
    for function in functions {
      expectClose(function(x), Tensor(x.doubles.map(function.definition)), relative: 1e-14, "\(function)")
      expectGradients(of: { function($0[0]) }, at: [x], "\(function)")
    }
  }

  @Test("Sparsemax is the nearest point of the simplex")
  func sparsemax() {
    expectClose(
      Tensor([[0.5, 0.5], [2, 0], [0.3, -0.2]]).sparsemax(), Tensor([[0.5, 0.5], [1, 0], [0.75, 0.25]]), relative: 1e-14
    )
    let rows = Tensor.varied([6, 7], seed: 5, in: -1...1).sparsemax()
    expectClose(rows.sum(axes: [1]), .ones([6], dtype: .float64), relative: 1e-12)
  }

  @Test("Softmax and its logarithm agree with their definitions along the last axis", arguments: Form.allCases)
  func softmax(form: Form) {
    for shape in [[4, 6], [2, 3, 5], [7], [3, 1], [0, 3], [3, 0]] {
      let x = form.make(shape, in: -3...3)
      let naive = NaiveArray(x)
      let totals = naive.mapped { exp($0) }.reduced([shape.count - 1]) { $0.reduce(0, +) }
      let shares = NaiveArray.combined(naive, totals) { exp($0) / $1 }
      expectClose(x.softmax(), shares.tensor(shape: shape), relative: 1e-14, "\(shape)")
      expectClose(x.logSoftmax(), shares.mapped { log($0) }.tensor(shape: shape), relative: 1e-12, "\(shape)")
      let narrow = x.converted(to: .float32)
      expectClose(narrow.softmax(), x.softmax().converted(to: .float32), relative: 2e-6, "float32 \(shape)")
      expectClose(narrow.logSoftmax(), x.logSoftmax().converted(to: .float32), relative: 2e-6, "float32 \(shape)")
    }
  }

  @Test("Softmax of huge logits does not overflow, and sums to one")
  func hugeLogits() {
    for dtype in [DType.float32, .float64] {
      let x = Tensor([[1e30, 1e30, -1e30], [1000, 999, 0], [-1e4, -1e4, -1e4]]).converted(to: dtype)
      let y = x.softmax()
      expectClose(y.sum(axes: [1]), Tensor([1.0, 1, 1]).converted(to: dtype), relative: Tolerance.float32)
      expectClose(y[0], Tensor([0.5, 0.5, 0]).converted(to: dtype), relative: Tolerance.float32)
      #expect(x.logSoftmax().doubles.allSatisfy { $0.isFinite })
      let accurate = Tensor([[0.0, 30]]).converted(to: dtype).logSoftmax()
      let wanted = Tensor([[-30 - log1p(exp(-30.0)), -log1p(exp(-30.0))]]).converted(to: dtype)
      expectClose(accurate, wanted, relative: dtype == .float32 ? Tolerance.float32 : 1e-14)
    }
    #expect(Tensor([1.0, .nan, 2]).softmax().doubles.allSatisfy { $0.isNaN })
  }

  @Test("The lesson's curve: 1/(1+exp(-x)) on arange(-5, 5, 0.1) is the sigmoid, and filters a value to 0…C")
  func lessonsCurve() {
    let x = Tensor.arange(-5, 5, step: 0.1)
    #expect(x.shape == [100])
    expectClose(1 / (1 + (-x).exp()), x.sigmoid(), relative: Tolerance.float32)
    let filtered = 3 * x.sigmoid()
    #expect(filtered.min().item > 0 && filtered.max().item < 3)
  }
}
