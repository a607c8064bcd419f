extension Activation {
  /// Calls `body` with this function as a constant, so that its loop is compiled for it alone.
  @inline(__always)
  func specialized(_ body: (Activation) -> Void) {
    switch self {
    case .relu: body(.relu)
    case .sigmoid: body(.sigmoid)
    case .tanh: body(.tanh)
    case .hardSigmoid: body(.hardSigmoid)
    case .softsign: body(.softsign)
    case .elu: body(.elu)
    case .softplus: body(.softplus)
    case .silu: body(.silu)
    case .relu6: body(.relu6)
    case .leakyRelu(let slope): body(.leakyRelu(negativeSlope: slope))
    case .clippedLine(let alpha, let beta): body(.clippedLine(alpha: alpha, beta: beta))
    case .scaledTanh(let alpha, let beta): body(.scaledTanh(alpha: alpha, beta: beta))
    case .linear, .softmax, .logSoftmax, .sparsemax: body(.linear)
    // What is rare in gates shares a loop.
    default: body(self)
    }
  }

  /// The function of one number.
  @inline(__always)
  package func value<S: FloatingScalar>(_ x: S) -> S {
    switch self {
    case .relu: return x <= 0 ? 0 : x
    case .sigmoid: return Self.sigmoid(x)
    // Far below 0 the sigmoid is 0 and x may be infinite.
    case .silu: return x == -.infinity ? 0 : x * Self.sigmoid(x)
    case .tanh: return S.hyperbolicTangent(x)
    case .hardSigmoid: return Self.clipped(x / 6 + 0.5, 0, 1)
    case .softsign: return x / (1 + x.magnitude)
    case .elu: return x > 0 || x != x ? x : S.exponentialMinusOne(x)
    case .softplus: return Self.softplus(x)
    case .relu6: return Self.clipped(x, 0, 6)
    case .leakyRelu(let slope): return x <= 0 ? S(slope) * x : x
    case .clippedLine(let alpha, let beta): return Self.clipped(S(alpha) * x + S(beta), 0, 1)
    case .scaledTanh(let alpha, let beta): return S(alpha) * S.hyperbolicTangent(S(beta) * x)
    case .linear, .softmax, .logSoftmax, .sparsemax: return x
    default: return rareValue(x)
    }
  }

  /// The derivative at a value y of the function, and its argument x where that is needed: otherwise all that a way
  /// back has to keep is the output.
  @inline(__always)
  package func slope<S: FloatingScalar>(_ y: S, at x: S) -> S {
    switch self {
    case .relu: return y > 0 ? 1 : 0
    case .sigmoid: return y * (1 - y)
    case .tanh: return 1 - y * y
    case .hardSigmoid: return y > 0 && y < 1 ? 1 / 6 : 0
    case .softsign: return (1 - y.magnitude) * (1 - y.magnitude)
    case .elu: return y > 0 ? 1 : y + 1
    case .softplus: return -S.exponentialMinusOne(-y)
    case .silu:
      let open = Self.sigmoid(x)
      return open == 1 ? 1 : open + y * (1 - open)
    case .relu6: return y > 0 && y < 6 ? 1 : 0
    // The value has the argument's sign, or the argument itself is given.
    case .leakyRelu(let slope): return (slope > 0 ? y : x) > 0 ? 1 : S(slope)
    case .clippedLine(let alpha, _): return y > 0 && y < 1 ? S(alpha) : 0
    case .scaledTanh(let alpha, let beta):
      let inner = alpha == 0 ? 0 : y / S(alpha)
      return S(alpha * beta) * (1 - inner * inner)
    case .linear, .softmax, .logSoftmax, .sparsemax: return 1
    default: return rareSlope(y, at: x)
    }
  }

  /// The functions that gates seldom have; a call for each number.
  private func rareValue<S: FloatingScalar>(_ x: S) -> S {
    switch self {
    case .selu: return S(Self.seluScale) * (x > 0 || x != x ? x : S(Self.seluAlpha) * S.exponentialMinusOne(x))
    case .scaledElu(let alpha): return x > 0 || x != x ? x : S(alpha) * S.exponentialMinusOne(x)
    case .celu(let alpha): return x > 0 || x != x ? x : S(alpha) * S.exponentialMinusOne(x / S(alpha))
    case .gelu: return x == -.infinity ? 0 : x * Self.normal(x)
    case .mish: return x == -.infinity ? 0 : x * S.hyperbolicTangent(Self.softplus(x))
    case .exponential: return S.exponential(x)
    case .hardTanh: return Self.clipped(x, -1, 1)
    case .hardSilu: return x <= -3 ? 0 : x >= 3 ? x : x * (x / 6 + 0.5)
    case .logSigmoid: return -Self.softplus(-x)
    case .tanhShrink: return x.magnitude < 1 ? Self.tanhShrink(x) : x - S.hyperbolicTangent(x)
    case .sparsePlus: return x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4
    case .sparseSigmoid: return Self.clipped((x + 1) / 2, 0, 1)
    case .hardShrink(let threshold): return x.magnitude <= S(threshold) ? 0 : x
    case .softShrink(let threshold):
      let bound = S(threshold)
      return x > bound ? x - bound : x < -bound ? x + bound : x != x ? x : 0
    case .squareplus(let b):
      // Below 0 the sum would cancel.
      let root = (x * x + S(b)).squareRoot()
      return x < 0 ? S(b) / (root - x) / 2 : (x + root) / 2
    case .threshold(let threshold, let value): return x > S(threshold) || x != x ? x : S(value)
    case .affine(let alpha, let beta): return S(alpha) * x + S(beta)
    default: return x
    }
  }

  private func rareSlope<S: FloatingScalar>(_ y: S, at x: S) -> S {
    switch self {
    case .selu: return y >= 0 ? S(Self.seluScale) : y + S(Self.seluScale * Self.seluAlpha)
    case .scaledElu(let alpha): return (alpha > 0 ? y : x) > 0 ? 1 : y + S(alpha)
    case .celu(let alpha): return (alpha > 0 ? y : x) > 0 ? 1 : y / S(alpha) + 1
    case .gelu:
      let density = S.exponential(-x * x / 2) * S(0.3989422804014327)
      return density == 0 ? Self.normal(x) : Self.normal(x) + x * density
    case .mish:
      let open = Self.sigmoid(x)
      let soft = S.hyperbolicTangent(Self.softplus(x))
      return open == 1 || open == 0 ? open : soft + x * open * (1 - soft * soft)
    case .exponential: return y
    case .hardTanh: return y > -1 && y < 1 ? 1 : 0
    case .hardSilu: return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5
    case .logSigmoid: return -S.exponentialMinusOne(y)
    case .tanhShrink:
      let inner = S.hyperbolicTangent(x)
      return inner * inner
    case .sparsePlus: return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2
    case .sparseSigmoid: return y > 0 && y < 1 ? 0.5 : 0
    case .hardShrink(let threshold), .softShrink(let threshold): return x.magnitude <= S(threshold) ? 0 : 1
    case .squareplus(let b): return (1 + x / (x * x + S(b)).squareRoot()) / 2
    case .threshold(let threshold, _): return x > S(threshold) ? 1 : 0
    case .affine(let alpha, _): return S(alpha)
    default: return 1
    }
  }

  private static var seluScale: Double { 1.0507009873554805 }
  private static var seluAlpha: Double { 1.6732632423543772 }

  /// Splitting by sign keeps the relative error small in the lower tail, and never overflows.
  @inline(__always)
  private static func sigmoid<S: FloatingScalar>(_ x: S) -> S {
    let decay = S.exponential(-x.magnitude)
    return x < 0 ? decay / (1 + decay) : 1 / (1 + decay)
  }

  @inline(__always)
  private static func softplus<S: FloatingScalar>(_ x: S) -> S {
    x > 0 ? x + S.logarithmOnePlus(S.exponential(-x)) : S.logarithmOnePlus(S.exponential(x))
  }

  /// x − tanh(x) near 0, where the difference would cancel: (x·cosh(x) − sinh(x)) / cosh(x), the upper part as
  /// its series.
  private static func tanhShrink<S: FloatingScalar>(_ x: S) -> S {
    let square = x * x
    var (term, sum) = (x * square / 3, x * square / 3)
    for k in 1..<9 {
      term *= square * S(k + 1) / S(k * (2 * k + 2) * (2 * k + 3))
      sum += term
    }
    return sum / ((S.exponential(x) + S.exponential(-x)) / 2)
  }

  /// The normal distribution, accurate in its lower tail: there the argument's rounding would grow.
  private static func normal<S: FloatingScalar>(_ x: S) -> S {
    S(0.5 * Double.complementaryErrorFunction(-x.asDouble * 0.7071067811865476))
  }

  @inline(__always)
  private static func clipped<S: FloatingScalar>(_ x: S, _ low: S, _ high: S) -> S {
    x < low ? low : x > high ? high : x
  }
}
