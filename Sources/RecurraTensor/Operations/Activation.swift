/// Names an activation function, with Keras' names and meanings.
public enum Activation: String, Sendable, CaseIterable, Codable {
  /// x.
  case linear
  /// max(x, 0).
  case relu
  /// 1 / (1 + e⁻ˣ).
  case sigmoid
  /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).
  case tanh
  /// min(max(x / 6 + 1/2, 0), 1), Keras 3's meaning.
  case hardSigmoid = "hard_sigmoid"
  /// x / (1 + |x|).
  case softsign
  /// x where positive, eˣ − 1 elsewhere.
  case elu
  /// ln(1 + eˣ).
  case softplus
  /// x / (1 + e⁻ˣ).
  case silu
  /// eˣ / Σ eˣ along the last axis.
  case softmax
  /// ln of softmax along the last axis.
  case logSoftmax = "log_softmax"

  /// Tells whether every element depends on its own argument only; the cells of recurrent layers need that.
  public var isElementwise: Bool { self != .softmax && self != .logSoftmax }

  /// Tells whether the derivative at some value depends on the argument too: the function takes a value twice.
  public var needsArgument: Bool { self == .silu }

  /// Applies the function to every element, or along the last axis.
  ///
  /// - Shapes: result as `x`.
  /// - Precondition: a floating tensor, but for `linear`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .linear: return x
    case .softmax: return x.softmax()
    case .logSoftmax: return x.logSoftmax()
    default:
      check(x.dtype.isFloating, rawValue, expected: "a floating tensor", got: "\(x.dtype)")
      return x.dtype == .float32 ? apply(x, Float.self) : apply(x, Double.self)
    }
  }

  private func apply<S: FloatingScalar>(_ x: Tensor, _ type: S.Type) -> Tensor {
    let dense = x.detached.contiguous
    let y = Tensor(x.shape, of: S.self) { output in
      dense.withPointer(of: S.self) { input in
        if !Kernels.apply(self, input, output, dense.count) {
          specialized { function in for i in 0..<dense.count { output[i] = function.value(input[i]) } }
        }
      }
    }
    let arguments = needsArgument ? dense : y
    return y.derived(from: [x]) { upstream, _ in
      let gradient = upstream.contiguous
      return [
        Tensor(like: y, of: S.self) { output in
          gradient.withPointer(of: S.self) { up in
            y.withPointer(of: S.self) { value in
              arguments.withPointer(of: S.self) { x in
                specialized { function in
                  for i in 0..<y.count { output[i] = up[i] * function.slope(value[i], at: x[i]) }
                }
              }
            }
          }
        }
      ]
    }
  }

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
    case .linear, .softmax, .logSoftmax: body(.linear)
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
    case .hardSigmoid:
      let line = x / 6 + 0.5
      return line < 0 ? 0 : line > 1 ? 1 : line
    case .softsign: return x / (1 + x.magnitude)
    case .elu: return x > 0 || x != x ? x : S.exponentialMinusOne(x)
    case .softplus: return x > 0 ? x + S.logarithmOnePlus(S.exponential(-x)) : S.logarithmOnePlus(S.exponential(x))
    case .linear, .softmax, .logSoftmax: return x
    }
  }

  /// Splitting by sign keeps the relative error small in the lower tail, and never overflows.
  @inline(__always)
  private static func sigmoid<S: FloatingScalar>(_ x: S) -> S {
    let decay = S.exponential(-x.magnitude)
    return x < 0 ? decay / (1 + decay) : 1 / (1 + decay)
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
    case .linear, .softmax, .logSoftmax: return 1
    }
  }
}

extension Tensor {
  /// Computes 1 / (1 + e⁻ˣ) of every element; a value times a sigmoid is filtered to 0…value.
  ///
  /// - Precondition: a floating tensor.
  public func sigmoid() -> Tensor { Activation.sigmoid(self) }
  /// Computes the hyperbolic tangent of every element.
  ///
  /// - Precondition: a floating tensor.
  public func tanh() -> Tensor { Activation.tanh(self) }
  /// Computes max(x, 0) of every element.
  ///
  /// - Precondition: a floating tensor.
  public func relu() -> Tensor { Activation.relu(self) }
  /// Computes ln(1 + eˣ) of every element, without overflow.
  ///
  /// - Precondition: a floating tensor.
  public func softplus() -> Tensor { Activation.softplus(self) }

  /// Computes eˣ / Σ eˣ along the last axis, without overflow.
  ///
  /// - Precondition: a floating tensor of one axis or more.
  public func softmax() -> Tensor {
    let y = detached.normalized { row, output, count in
      let total = exponentials(row, output, count)
      for i in 0..<count { output[i] /= total }
    } double: { row, output, count in
      let total = exponentials(row, output, count)
      for i in 0..<count { output[i] /= total }
    }
    return y.derived(from: [self]) { upstream, _ in
      let inner = (upstream * y).sum(axes: [-1], keepingDimensions: true)
      return [y * (upstream - inner)]
    }
  }

  /// Computes the logarithm of the softmax along the last axis, accurate where the softmax is near 0 or 1.
  ///
  /// - Precondition: a floating tensor of one axis or more.
  public func logSoftmax() -> Tensor {
    let y = detached.normalized { row, output, count in
      shiftedLogarithms(row, output, count)
    } double: { row, output, count in
      shiftedLogarithms(row, output, count)
    }
    return y.derived(from: [self]) { upstream, _ in
      [upstream - y.exp() * upstream.sum(axes: [-1], keepingDimensions: true)]
    }
  }

  /// Applies a function to every row of the last axis.
  private func normalized(
    _ single: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void,
    double: (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
  ) -> Tensor {
    check(
      rank >= 1 && dtype.isFloating, "softmax", expected: "a floating tensor with an axis", got: "\(dtype) \(shape)")
    func rows<S: FloatingScalar>(
      _ type: S.Type, _ body: (UnsafePointer<S>, UnsafeMutablePointer<S>, Int) -> Void
    ) -> Tensor {
      let (dense, width) = (contiguous, shape[rank - 1])
      return Tensor(shape, of: S.self) { output in
        dense.withPointer(of: S.self) { input in
          for row in 0..<(width == 0 ? 0 : count / width) { body(input + row * width, output + row * width, width) }
        }
      }
    }
    return dtype == .float32 ? rows(Float.self, single) : rows(Double.self, double)
  }
}

/// Writes e^(x − max x) and returns their sum.
@discardableResult
private func exponentials<S: FloatingScalar>(
  _ row: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int
) -> S {
  let largest = row[largestIndex(row, count)]
  for i in 0..<count { output[i] = row[i] - largest }
  Kernels.exponential(output, output, count)
  var total: S = 0
  for i in 0..<count { total += output[i] }
  return total
}

/// Writes x − max x − ln Σ e^(x − max x).
private func shiftedLogarithms<S: FloatingScalar>(
  _ row: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int
) {
  let index = largestIndex(row, count)
  exponentials(row, output, count)
  // The largest term is 1; leaving it out keeps the digits of the others where they are small.
  let others = (0..<count).reduce(S(0)) { $1 == index ? $0 : $0 + output[$1] }
  let logarithm = S.logarithmOnePlus(others)
  for i in 0..<count { output[i] = row[i] - row[index] - logarithm }
}

private func largestIndex<S: FloatingScalar>(_ row: UnsafePointer<S>, _ count: Int) -> Int {
  var index = 0
  for i in 0..<count where row[i] > row[index] { index = i }
  return index
}
