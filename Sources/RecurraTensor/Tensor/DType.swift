internal import Glibc

/// Names the element type of a tensor, known at run time.
///
/// Further types may come, so a `switch` over one needs a `default`.
public struct DType: RawRepresentable, Sendable, Hashable, CaseIterable, Codable, CustomStringConvertible {
  /// The types there are now, for code of this package that has to treat every one of them.
  @usableFromInline package enum Representation: String, Sendable {
    case float32
    case float64
    case int32
  }

  /// Which of the types it is.
  @usableFromInline package let representation: Representation

  @usableFromInline init(_ representation: Representation) { self.representation = representation }

  /// Tells whether two types are one.
  ///
  /// Written out, because what comes with raw values compares their texts, and every operation on tensors asks this.
  @inlinable public static func == (left: DType, right: DType) -> Bool { left.representation == right.representation }

  /// Adds the type to a hash.
  public func hash(into hasher: inout Hasher) { hasher.combine(representation) }

  /// Finds a type by its name; nil for a name that no type has.
  public init?(rawValue: String) {
    guard let representation = Representation(rawValue: rawValue) else { return nil }
    self.representation = representation
  }

  /// The working type.
  @inlinable public static var float32: DType { DType(.float32) }
  /// The same code in double precision, for checking gradients and for science.
  @inlinable public static var float64: DType { DType(.float64) }
  /// Indices and class labels.
  @inlinable public static var int32: DType { DType(.int32) }
  /// All types.
  public static var allCases: [DType] { [.float32, .float64, .int32] }

  /// The name, as NumPy and Keras have it.
  public var rawValue: String { representation.rawValue }
  /// The name.
  public var description: String { rawValue }

  /// The bytes one element takes.
  @inlinable public var byteCount: Int { self == .float64 ? 8 : 4 }

  /// Tells whether the type has fractions, and so gradients.
  @inlinable public var isFloating: Bool { self != .int32 }
}

/// A Swift type that a tensor can hold: `Float`, `Double` or `Int32`.
public protocol TensorScalar: Sendable, Comparable, Numeric {
  /// The run-time name of this type.
  static var dtype: DType { get }
  /// Converts by Swift's rules; an integer takes the value towards zero, and traps outside its range.
  init(converting value: Double)
  /// The value as a `Double`, exact for all three types.
  var asDouble: Double { get }
}

/// A floating scalar with the elementary functions the tensor operations need.
public protocol FloatingScalar: TensorScalar, BinaryFloatingPoint {
  /// eˣ.
  static func exponential(_ x: Self) -> Self
  /// Natural logarithm.
  static func logarithm(_ x: Self) -> Self
  /// ln(1 + x), accurate near zero.
  static func logarithmOnePlus(_ x: Self) -> Self
  /// eˣ − 1, accurate near zero.
  static func exponentialMinusOne(_ x: Self) -> Self
  /// Hyperbolic tangent.
  static func hyperbolicTangent(_ x: Self) -> Self
  /// `x` raised to the power `y`.
  static func power(_ x: Self, _ y: Self) -> Self
  /// 2/√π · ∫ₓ^∞ e^(−t²) dt.
  static func complementaryErrorFunction(_ x: Self) -> Self
}

extension Float: FloatingScalar {
  /// The run-time name of this type.
  public static var dtype: DType { .float32 }
  /// Rounds to the nearest `Float`.
  @inlinable public init(converting value: Double) { self = Float(value) }
  /// The value as a `Double`.
  @inlinable public var asDouble: Double { Double(self) }
  /// eˣ, by the C library.
  public static func exponential(_ x: Float) -> Float { expf(x) }
  /// Natural logarithm, by the C library.
  public static func logarithm(_ x: Float) -> Float { logf(x) }
  /// ln(1 + x), by the C library.
  public static func logarithmOnePlus(_ x: Float) -> Float { log1pf(x) }
  /// eˣ − 1, by the C library.
  public static func exponentialMinusOne(_ x: Float) -> Float { expm1f(x) }
  /// Hyperbolic tangent, by the C library.
  public static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
  /// `x` raised to the power `y`, by the C library.
  public static func power(_ x: Float, _ y: Float) -> Float { powf(x, y) }
  /// The complementary error function, by the C library.
  public static func complementaryErrorFunction(_ x: Float) -> Float { erfcf(x) }
}

extension Double: FloatingScalar {
  /// The run-time name of this type.
  public static var dtype: DType { .float64 }
  /// Takes the value as it is.
  @inlinable public init(converting value: Double) { self = value }
  /// The value as a `Double`.
  @inlinable public var asDouble: Double { self }
  /// eˣ, by the C library.
  public static func exponential(_ x: Double) -> Double { exp(x) }
  /// Natural logarithm, by the C library.
  public static func logarithm(_ x: Double) -> Double { log(x) }
  /// ln(1 + x), by the C library.
  public static func logarithmOnePlus(_ x: Double) -> Double { log1p(x) }
  /// eˣ − 1, by the C library.
  public static func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }
  /// Hyperbolic tangent, by the C library.
  public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
  /// `x` raised to the power `y`, by the C library.
  public static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
  /// The cosine of an angle.
  package static func cosine(_ x: Double) -> Double { cos(x) }
  /// The complementary error function, by the C library.
  public static func complementaryErrorFunction(_ x: Double) -> Double { erfc(x) }
}

extension Int32: TensorScalar {
  /// The run-time name of this type.
  public static var dtype: DType { .int32 }
  /// Rounds towards zero; stops at a number outside the range.
  public init(converting value: Double) {
    check(value > -0x1p31 - 1 && value < 0x1p31, "int32", expected: "a number that fits", got: "\(value)")
    self = Int32(value)
  }
  /// The value as a `Double`.
  @inlinable public var asDouble: Double { Double(self) }
}
