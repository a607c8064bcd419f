/// A Swift number that `Tensor(validating:)` takes: floating numbers, integers, truth values (0 and 1).
///
/// A type of one's own joins in with the three conversions. Each returns nil for a number that the tensor's type cannot
/// hold.
public protocol TensorConvertible: Sendable {
  /// Returns the nearest float32; nil for a finite number beyond its range. NaN and infinity stay what they are.
  static func float32(_ number: Self) -> Float?
  /// Returns the nearest float64; nil for a finite number beyond its range. NaN and infinity stay what they are.
  static func float64(_ number: Self) -> Double?
  /// Returns the same number as int32; nil when it is not whole or lies outside int32.
  static func int32(_ number: Self) -> Int32?
}

extension TensorConvertible where Self: BinaryFloatingPoint {
  /// Returns the nearest float32; nil for a finite number beyond its range.
  public static func float32(_ number: Self) -> Float? {
    let nearest = Float(number)
    return nearest.isInfinite && number.isFinite ? nil : nearest
  }
  /// Returns the nearest float64; nil for a finite number beyond its range.
  public static func float64(_ number: Self) -> Double? {
    let nearest = Double(number)
    return nearest.isInfinite && number.isFinite ? nil : nearest
  }
  /// Returns the same number as int32; nil when it is not whole or lies outside int32.
  public static func int32(_ number: Self) -> Int32? { Int32(exactly: number) }
}

extension TensorConvertible where Self: BinaryInteger {
  /// Returns the nearest float32.
  public static func float32(_ number: Self) -> Float? { Float(number) }
  /// Returns the nearest float64.
  public static func float64(_ number: Self) -> Double? { Double(number) }
  /// Returns the same number as int32; nil outside its range.
  public static func int32(_ number: Self) -> Int32? { Int32(exactly: number) }
}

extension Float: TensorConvertible {}
extension Double: TensorConvertible {}
extension Int: TensorConvertible {}
extension Int8: TensorConvertible {}
extension Int16: TensorConvertible {}
extension Int32: TensorConvertible {}
extension Int64: TensorConvertible {}
extension UInt: TensorConvertible {}
extension UInt8: TensorConvertible {}
extension UInt16: TensorConvertible {}
extension UInt32: TensorConvertible {}
extension UInt64: TensorConvertible {}

extension Bool: TensorConvertible {
  /// Returns 1 for true and 0 for false.
  public static func float32(_ truth: Bool) -> Float? { truth ? 1 : 0 }
  /// Returns 1 for true and 0 for false.
  public static func float64(_ truth: Bool) -> Double? { truth ? 1 : 0 }
  /// Returns 1 for true and 0 for false.
  public static func int32(_ truth: Bool) -> Int32? { truth ? 1 : 0 }
}
