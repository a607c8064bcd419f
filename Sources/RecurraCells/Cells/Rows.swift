/// Rows of numbers at a distance from each other.
public struct Rows<S> {
  /// The first number of the first row.
  public let base: UnsafeMutablePointer<S>
  /// Numbers from a row to the next.
  public let stride: Int

  /// Makes rows.
  public init(_ base: UnsafeMutablePointer<S>, stride: Int) {
    self.base = base
    self.stride = stride
  }

  /// Row `index`.
  @inline(__always)
  public subscript(index: Int) -> UnsafeMutablePointer<S> { base + index * stride }

  /// The rows from `index` on.
  @inline(__always)
  func from(_ index: Int, column: Int = 0) -> Rows { Rows(base + index * stride + column, stride: stride) }
}
