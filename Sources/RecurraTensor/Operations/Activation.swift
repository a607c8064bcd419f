/// Names an activation function, with Keras' names and meanings; those with numbers are ONNX's as well.
///
/// As text a function with numbers of its own is written with them: "leaky_relu(0.01)".
public enum Activation: Sendable, Hashable, Codable {
  /// x.
  case linear
  /// max(x, 0).
  case relu
  /// 1 / (1 + e⁻ˣ).
  case sigmoid
  /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).
  case tanh
  /// min(max(x / 6 + 1/2, 0), 1), Keras 3's meaning.
  case hardSigmoid
  /// x / (1 + |x|).
  case softsign
  /// x where positive, eˣ − 1 elsewhere.
  case elu
  /// ln(1 + eˣ).
  case softplus
  /// x / (1 + e⁻ˣ).
  case silu
  /// min(max(x, 0), 6).
  case relu6
  /// 1.0507 times x where positive, 1.0507 · 1.67326 · (eˣ − 1) elsewhere.
  case selu
  /// x · Φ(x), with the normal distribution's Φ.
  case gelu
  /// x · tanh(ln(1 + eˣ)).
  case mish
  /// eˣ.
  case exponential
  /// min(max(x, −1), 1).
  case hardTanh
  /// x · hardSigmoid(x).
  case hardSilu
  /// ln(1 / (1 + e⁻ˣ)).
  case logSigmoid
  /// x − tanh(x).
  case tanhShrink
  /// 0 up to −1, (x + 1)² / 4 up to 1, x beyond.
  case sparsePlus
  /// min(max((x + 1) / 2, 0), 1).
  case sparseSigmoid
  /// x where positive, `negativeSlope` · x elsewhere.
  case leakyRelu(negativeSlope: Double)
  /// x where positive, `alpha` · (eˣ − 1) elsewhere.
  case scaledElu(alpha: Double)
  /// x where positive, `alpha` · (e^(x / alpha) − 1) elsewhere.
  case celu(alpha: Double)
  /// x where |x| > `threshold`, 0 elsewhere.
  case hardShrink(threshold: Double)
  /// x shrunk by `threshold` towards 0, 0 within.
  case softShrink(threshold: Double)
  /// (x + √(x² + b)) / 2.
  case squareplus(b: Double)
  /// x where x > `threshold`, `value` elsewhere; ONNX's ThresholdedRelu with 0.
  case threshold(Double, value: Double)
  /// min(max(`alpha` · x + `beta`, 0), 1): ONNX's HardSigmoid.
  case clippedLine(alpha: Double, beta: Double)
  /// `alpha` · tanh(`beta` · x): ONNX's ScaledTanh.
  case scaledTanh(alpha: Double, beta: Double)
  /// `alpha` · x + `beta`: ONNX's Affine.
  case affine(alpha: Double, beta: Double)
  /// eˣ / Σ eˣ along the last axis.
  case softmax
  /// ln of softmax along the last axis.
  case logSoftmax
  /// The point nearest to x whose elements are not negative and add up to 1, along the last axis.
  case sparsemax

  /// Tells whether every element depends on its own argument only; the cells of recurrent layers need that.
  public var isElementwise: Bool { self != .softmax && self != .logSoftmax && self != .sparsemax }

  /// Tells whether the derivative at some value depends on the argument too: the function takes a value twice.
  public var needsArgument: Bool {
    switch self {
    case .linear, .relu, .sigmoid, .tanh, .hardSigmoid, .softsign, .elu, .softplus, .relu6, .selu, .exponential,
      .hardTanh, .logSigmoid, .sparseSigmoid, .clippedLine, .affine, .softmax, .logSoftmax, .sparsemax:
      false
    case .leakyRelu(let slope): slope <= 0
    case .scaledElu(let alpha), .celu(let alpha): alpha <= 0
    case .scaledTanh(let alpha, _): alpha == 0
    case .silu, .gelu, .mish, .hardSilu, .tanhShrink, .sparsePlus, .hardShrink, .softShrink, .squareplus, .threshold:
      true
    }
  }

  /// Applies the function to every element, or along the last axis.
  ///
  /// - Shapes: result as `x`.
  /// - Precondition: a floating tensor, but for `linear`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .linear: return x
    case .softmax: return x.softmax()
    case .logSoftmax: return x.logSoftmax()
    case .sparsemax: return x.sparsemax()
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

  /// Computes the point nearest to each row of the last axis whose elements are not negative and add up to 1.
  ///
  /// - Precondition: a floating tensor of one axis or more.
  /// - Complexity: N log N for N numbers of a row.
  /// - Source: Martins & Astudillo 2016 (arXiv:1602.02068).
  public func sparsemax() -> Tensor {
    let y = detached.normalized {
      nearest($0, $1, $2)
    } double: {
      nearest($0, $1, $2)
    }
    let support = y.isGreater(than: Tensor(0, dtype: dtype)).converted(to: dtype)
    return y.derived(from: [self]) { upstream, _ in
      let inside = upstream * support
      let count = support.sum(axes: [-1], keepingDimensions: true)
      return [inside - support * (inside.sum(axes: [-1], keepingDimensions: true) / count)]
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

/// Writes max(x − τ, 0) with the τ that makes them add up to 1.
private func nearest<S: FloatingScalar>(_ row: UnsafePointer<S>, _ output: UnsafeMutablePointer<S>, _ count: Int) {
  let sorted = (0..<count).map { row[$0] }.sorted(by: >)
  var (sum, threshold) = (S(0), S(0))
  for (index, value) in sorted.enumerated() {
    sum += value
    let bound = (sum - 1) / S(index + 1)
    if value > bound { threshold = bound }
  }
  for i in 0..<count { output[i] = max(row[i] - threshold, 0) }
}
