import RecurraTensor

/// Layer normalisation of a few numbers that lie side by side, forward and back: x̂ = (x − μ) / √(σ² + ε).
struct RowNormalization<S: FloatingScalar> {
  let epsilon: S

  /// Writes x̂, and returns 1 / √(σ² + ε).
  @inline(__always)
  func forward(_ x: UnsafePointer<S>, into normal: UnsafeMutablePointer<S>, _ count: Int) -> S {
    let mean = Self.sum(count) { x[$0] } / S(count)
    let variance = Self.sum(count) { (x[$0] - mean) * (x[$0] - mean) } / S(count)
    let scale = 1 / (variance + epsilon).squareRoot()
    for i in 0..<count { normal[i] = (x[i] - mean) * scale }
    return scale
  }

  /// Turns the gradient of x̂ into that of x.
  @inline(__always)
  func backward(_ gradient: UnsafeMutablePointer<S>, _ normal: UnsafePointer<S>, _ scale: S, _ count: Int) {
    let mean = Self.sum(count) { gradient[$0] } / S(count)
    let along = Self.sum(count) { gradient[$0] * normal[$0] } / S(count)
    for i in 0..<count { gradient[i] = scale * (gradient[i] - mean - normal[i] * along) }
  }

  /// A sum in eight chains, which vectors can hold.
  @inline(__always)
  private static func sum(_ count: Int, _ term: (Int) -> S) -> S {
    var (a, b, c, d, e, f, g, h): (S, S, S, S, S, S, S, S) = (0, 0, 0, 0, 0, 0, 0, 0)
    var i = 0
    while i + 8 <= count {
      a += term(i)
      b += term(i + 1)
      c += term(i + 2)
      d += term(i + 3)
      e += term(i + 4)
      f += term(i + 5)
      g += term(i + 6)
      h += term(i + 7)
      i += 8
    }
    while i < count {
      a += term(i)
      i += 1
    }
    return ((a + e) + (c + g)) + ((b + f) + (d + h))
  }
}
