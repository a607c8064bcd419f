public import RecurraTensor

/// Says how the first values of a parameter are drawn, with Keras' names, defaults and meanings.
///
/// - Source: Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998; Saxe et al. 2014 (orthogonal).
public enum Initializer: Sendable, Equatable {
  /// All 0.
  case zeros
  /// All 1.
  case ones
  /// All the same number.
  case constant(Double)
  /// Evenly from a range.
  case randomUniform(minimum: Double = -0.05, maximum: Double = 0.05)
  /// Normal.
  case randomNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// Normal, drawn again beyond two standard deviations.
  case truncatedNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// Evenly from ±√(6 / (fan in + fan out)).
  case glorotUniform
  /// Truncated normal of variance 2 / (fan in + fan out).
  case glorotNormal
  /// Evenly from ±√(6 / fan in).
  case heUniform
  /// Truncated normal of variance 2 / fan in.
  case heNormal
  /// Evenly from ±√(3 / fan in).
  case lecunUniform
  /// Truncated normal of variance 1 / fan in.
  case lecunNormal
  /// Of variance `scale` / fan, the fan and the distribution being chosen; the six before are cases of it.
  case varianceScaling(scale: Double = 1, mode: Fan = .fanIn, distribution: Distribution = .truncatedNormal)
  /// `gain` times a matrix with 1 on its diagonal and 0 elsewhere.
  case identity(gain: Double = 1)
  /// `gain` times a matrix with orthonormal rows or columns, whichever are fewer.
  case orthogonal(gain: Double = 1)
  /// For the bias of an LSTM or GRU that has to remember over up to `steps` timesteps: the bias of the gate that keeps
  /// the memory is log u with u evenly from 1 to `steps` − 1, that of the gate that lets in is the opposite, the
  /// others are 0.
  ///
  /// It stands in place of an LSTM's forget bias of 1. Source: Tallec & Ollivier 2018.
  case chrono(steps: Int)

  /// Names what a variance is divided by; raw values are Keras'.
  public enum Fan: String, Sendable, CaseIterable {
    /// The number of inputs.
    case fanIn = "fan_in"
    /// The number of outputs.
    case fanOut = "fan_out"
    /// The mean of both.
    case fanAverage = "fan_avg"
  }

  /// Names how numbers of a variance are spread; raw values are Keras'.
  public enum Distribution: String, Sendable, CaseIterable {
    /// Normal, drawn again beyond two standard deviations, and as wide as to have the variance then.
    case truncatedNormal = "truncated_normal"
    /// Normal.
    case untruncatedNormal = "untruncated_normal"
    /// Evenly.
    case uniform
  }

  /// Draws a tensor; equal arguments give equal numbers.
  ///
  /// Layers check initialisers when they are built; here wrong numbers are a programmer's mistake.
  ///
  /// - Precondition: a floating type; finite numbers, a minimum below its maximum; at least two axes for `orthogonal`.
  public func callAsFunction(_ shape: [Int], random: RandomSource, dtype: DType = .float32) -> Tensor {
    switch self {
    case .zeros: return .zeros(shape, dtype: dtype)
    case .ones: return .ones(shape, dtype: dtype)
    case .constant(let value): return .full(shape, value, dtype: dtype)
    case .randomUniform(let minimum, let maximum):
      check(
        minimum <= maximum, "randomUniform", expected: "a minimum up to the maximum", got: "\(minimum) and \(maximum)")
      return random.uniform(shape, in: minimum..<maximum, dtype: dtype)
    case .randomNormal(let mean, let deviation):
      return random.normal(shape, mean: mean, standardDeviation: deviation, dtype: dtype)
    case .truncatedNormal(let mean, let deviation):
      return random.truncatedNormal(shape, mean: mean, standardDeviation: deviation, dtype: dtype)
    case .glorotUniform: return uniform(shape, variance: 1 / Fans(shape).average, random, dtype)
    case .glorotNormal: return normal(shape, variance: 1 / Fans(shape).average, random, dtype)
    case .heUniform: return uniform(shape, variance: 2 / Fans(shape).input, random, dtype)
    case .heNormal: return normal(shape, variance: 2 / Fans(shape).input, random, dtype)
    case .lecunUniform: return uniform(shape, variance: 1 / Fans(shape).input, random, dtype)
    case .lecunNormal: return normal(shape, variance: 1 / Fans(shape).input, random, dtype)
    case .varianceScaling(let scale, let mode, let distribution):
      let variance = scale / Fans(shape).chosen(mode)
      switch distribution {
      case .truncatedNormal: return normal(shape, variance: variance, random, dtype)
      case .untruncatedNormal:
        return random.normal(shape, standardDeviation: variance.squareRoot(), dtype: dtype)
      case .uniform: return uniform(shape, variance: variance, random, dtype)
      }
    case .identity(let gain):
      check(shape.count == 2, "identity", expected: "two axes", got: "shape \(shape)")
      let columns = Tensor((0..<Int32(shape[1])).map { $0 })
      let rows = Tensor((0..<Int32(shape[0])).map { $0 }).expanded(at: 1)
      return rows.isEqual(to: columns).converted(to: dtype) * gain
    case .orthogonal(let gain): return Self.orthogonal(shape, gain, random, dtype)
    case .chrono: stop("chrono", expected: "the bias of a recurrent layer with gates", got: "shape \(shape)")
    }
  }

  /// What is wrong, as the end of "expected an initialiser"; nil when a parameter of so many axes and that type can be
  /// drawn.
  func fault(axes: Int, dtype: DType) -> String? {
    let largest = dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
    func fits(_ numbers: Double...) -> Bool { numbers.allSatisfy { $0.magnitude <= largest } }
    switch self {
    case .constant(let value): return fits(value) ? nil : "with a finite \(dtype)"
    case .randomUniform(let minimum, let maximum):
      guard fits(minimum, maximum, maximum - minimum) else { return "with a finite range of \(dtype)" }
      return minimum < maximum ? nil : "with a minimum below its maximum"
    case .randomNormal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
      return fits(mean, deviation) && deviation >= 0 ? nil : "with a finite mean and a deviation of 0 or more"
    case .varianceScaling(let scale, _, _): return fits(scale) && scale > 0 ? nil : "with a finite scale above 0"
    case .identity(let gain):
      guard axes == 2 else { return "for a matrix" }
      return fits(gain) ? nil : "with a finite gain"
    case .orthogonal(let gain):
      guard axes > 1 else { return "for a vector" }
      return fits(gain) ? nil : "with a finite gain"
    case .chrono: return "that is not made for gates"
    default: return nil
    }
  }

  private func uniform(_ shape: [Int], variance: Double, _ random: RandomSource, _ dtype: DType) -> Tensor {
    let limit = (3 * variance).squareRoot()
    return random.uniform(shape, in: -limit..<limit, dtype: dtype)
  }

  private func normal(_ shape: [Int], variance: Double, _ random: RandomSource, _ dtype: DType) -> Tensor {
    // The standard deviation that is left of a unit normal when it is cut off at ±2.
    let cutDeviation = 0.87962566103423978
    return random.truncatedNormal(shape, standardDeviation: variance.squareRoot() / cutDeviation, dtype: dtype)
  }

  private static func orthogonal(_ shape: [Int], _ gain: Double, _ random: RandomSource, _ dtype: DType) -> Tensor {
    check(shape.count >= 2, "orthogonal", expected: "at least two axes", got: "shape \(shape)")
    let columns = shape[shape.count - 1]
    let rows = Shape.count(Array(shape.dropLast()))
    let (longer, shorter) = (max(rows, columns), min(rows, columns))
    let (q, r) = random.normal([longer, shorter], dtype: dtype).qr()
    // QR leaves the signs of the columns open; those of R's diagonal make the result uniformly distributed.
    let diagonal = (r * Tensor.identity(shorter, dtype: dtype)).sum(axes: [0])
    let signs = diagonal.isLess(than: Tensor.zeros([], dtype: dtype)).converted(to: dtype) * -2 + 1
    let matrix = q * signs
    return (rows < columns ? matrix.transposed() : matrix).reshaped(shape).contiguous * gain
  }
}

/// The numbers of inputs and outputs that an element of a weight tensor stands between.
private struct Fans {
  let input: Double
  let output: Double
  var average: Double { (input + output) / 2 }

  func chosen(_ mode: Initializer.Fan) -> Double {
    switch mode {
    case .fanIn: input
    case .fanOut: output
    case .fanAverage: average
    }
  }

  init(_ shape: [Int]) {
    let last = shape.last ?? 1
    let previous = shape.count >= 2 ? shape[shape.count - 2] : last
    let receptiveField = Shape.count(Array(shape.dropLast(2)))
    // Keras divides by at least 1.
    input = Double(max(previous * receptiveField, 1))
    output = Double(max(last * receptiveField, 1))
  }
}

extension Initializer {
  /// The initialiser in Keras' form: a class name and its arguments.
  public var json: JSONValue {
    let arguments: [(name: String, value: JSONValue)] =
      switch self {
      case .constant(let value): [("value", .number(value))]
      case .randomUniform(let minimum, let maximum): [("minval", .number(minimum)), ("maxval", .number(maximum))]
      case .randomNormal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
        [("mean", .number(mean)), ("stddev", .number(deviation))]
      case .varianceScaling(let scale, let mode, let distribution):
        [
          ("scale", .number(scale)), ("mode", .string(mode.rawValue)),
          ("distribution", .string(distribution.rawValue)),
        ]
      case .identity(let gain), .orthogonal(let gain): [("gain", .number(gain))]
      case .chrono(let steps): [("steps", .integer(steps))]
      default: []
      }
    return .object([("class_name", .string(className)), ("config", .object(arguments))])
  }

  private var className: String {
    switch self {
    case .zeros: "Zeros"
    case .ones: "Ones"
    case .constant: "Constant"
    case .randomUniform: "RandomUniform"
    case .randomNormal: "RandomNormal"
    case .truncatedNormal: "TruncatedNormal"
    case .glorotUniform: "GlorotUniform"
    case .glorotNormal: "GlorotNormal"
    case .heUniform: "HeUniform"
    case .heNormal: "HeNormal"
    case .lecunUniform: "LecunUniform"
    case .lecunNormal: "LecunNormal"
    case .varianceScaling: "VarianceScaling"
    case .identity: "Identity"
    case .orthogonal: "Orthogonal"
    case .chrono: "Chrono"
    }
  }

  /// Reads an initialiser by Keras' name, as "glorot_uniform" or "GlorotUniform"; nil for another name.
  init?(
    name: String, _ argument: (_ name: String, _ default: Double) throws(RecurraError) -> Double,
    choice: (_ name: String, _ names: [String]) throws(RecurraError) -> Int
  ) throws(RecurraError) {
    switch name.lowercased().filter({ $0 != "_" }) {
    case "zeros", "zero": self = .zeros
    case "ones", "one": self = .ones
    case "constant": self = .constant(try argument("value", 0))
    case "randomuniform", "uniform":
      self = .randomUniform(minimum: try argument("minval", -0.05), maximum: try argument("maxval", 0.05))
    case "randomnormal", "normal":
      self = .randomNormal(mean: try argument("mean", 0), standardDeviation: try argument("stddev", 0.05))
    case "truncatednormal":
      self = .truncatedNormal(mean: try argument("mean", 0), standardDeviation: try argument("stddev", 0.05))
    case "glorotuniform": self = .glorotUniform
    case "glorotnormal": self = .glorotNormal
    case "heuniform": self = .heUniform
    case "henormal": self = .heNormal
    case "lecununiform": self = .lecunUniform
    case "lecunnormal": self = .lecunNormal
    case "variancescaling":
      let (fans, distributions) = (Fan.allCases, Distribution.allCases)
      self = .varianceScaling(
        scale: try argument("scale", 1), mode: fans[try choice("mode", fans.map(\.rawValue))],
        distribution: distributions[try choice("distribution", distributions.map(\.rawValue))])
    case "identity", "identityinitializer": self = .identity(gain: try argument("gain", 1))
    case "orthogonal", "orthogonalinitializer": self = .orthogonal(gain: try argument("gain", 1))
    // What is no number of steps is refused when a layer is built with it.
    case "chrono": self = .chrono(steps: Int(exactly: try argument("steps", 0)) ?? 0)
    default: return nil
    }
  }
}
