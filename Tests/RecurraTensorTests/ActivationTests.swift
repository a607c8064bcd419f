import Glibc
import RecurraTensor
import TestSupport
import Testing

@Suite struct ActivationTests {
  /// The definitions, written another way than the engine's.
  static func definition(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .linear: x
    case .relu: max(x, 0)
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: sinh(x) / cosh(x)
    case .hardSigmoid: min(max(x / 6 + 0.5, 0), 1)
    case .softsign: x / (1 + abs(x))
    case .elu: x > 0 ? x : expm1(x)
    case .softplus: log1p(exp(x))
    case .silu: x * exp(x) / (1 + exp(x))
    case .softmax, .logSoftmax: .nan
    }
  }

  static let elementwise = Activation.allCases.filter(\.isElementwise)

  @Test("Every activation agrees with its definition, in both types and every layout", arguments: Self.elementwise)
  func values(activation: Activation) {
    for form in Form.allCases {
      for shape in [[5, 7], [], [0, 4], [33]] {
        let x = form.make(shape, in: -8...8)
        let wanted = NaiveArray(x).mapped { Self.definition(activation, $0) }
        expectClose(activation(x), wanted.tensor(), relative: 2e-14, "\(form) \(shape)")
        let narrow = x.converted(to: .float32)
        expectClose(
          activation(narrow), NaiveArray(narrow).mapped { Self.definition(activation, $0) }.tensor(.float32),
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
